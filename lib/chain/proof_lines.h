// ProofLines: the lines "key value" that receipts and evidence are made of.

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lib/core/bytes.h"
#include "lib/core/hex.h"
#include "lib/core/ids.h"
#include "lib/core/result.h"

namespace bmsg::chain {

/// Takes lines off the front of a text, strictly: the key that is asked for or an error.
/// Errors: Errc::bad_input, naming what the text is and the line.
class ProofLines {
 public:
  /// Both must outlive it.
  ProofLines(std::string_view text, std::string_view what) : left_(text), what_(what) {}

  static Error bad(std::string_view what, std::string_view key, std::string_view why);
  Error bad(std::string_view key, std::string_view why) const { return bad(what_, key, why); }

  bool has(std::string_view key) const;
  bool is_empty() const { return left_.empty(); }

  Result<std::string_view> value(std::string_view key);
  Result<Bytes> bytes(std::string_view key);  // From base64.
  Result<std::vector<Digest>> digests(std::string_view key, std::size_t max);
  Result<std::uint32_t> number(std::string_view key);

  template <class Fixed>
  Result<Fixed> hex(std::string_view key) {
    auto text = value(key);
    if (!text) return text.error();
    const auto fixed = fixed_from_hex<Fixed>(text.value());
    if (!fixed) return bad(key, needs_hex(Fixed::kSize));
    return *fixed;
  }

 private:
  static std::string needs_hex(std::size_t bytes);

  std::string_view left_;
  std::string_view what_;
};

/// "KEY BASE64" and the end of the line.
std::string proof_line(std::string_view key, ByteView bytes);

}  // namespace bmsg::chain
