#include "lib/chain/proof_lines.h"

#include <fmt/format.h>

#include <charconv>

#include "lib/core/base64.h"
#include "lib/core/try.h"

namespace bmsg::chain {

Error ProofLines::bad(std::string_view what, std::string_view key, std::string_view why) {
  return Error{Errc::bad_input, fmt::format("{}, line '{}': {}", what, key, why)};
}

std::string ProofLines::needs_hex(std::size_t bytes) {
  return fmt::format("must be {} lower-case hex digits", 2 * bytes);
}

bool ProofLines::has(std::string_view key) const {
  return left_.starts_with(key) && left_.substr(key.size()).starts_with(' ');
}

Result<std::string_view> ProofLines::value(std::string_view key) {
  if (!has(key)) return bad(key, "is missing here");
  const std::size_t end = left_.find('\n');
  if (end == std::string_view::npos) return bad(key, "is cut off");
  const auto value = left_.substr(key.size() + 1, end - key.size() - 1);
  left_.remove_prefix(end + 1);
  return value;
}

Result<Bytes> ProofLines::bytes(std::string_view key) {
  BMSG_TRY_ASSIGN(const auto text, value(key));
  auto bytes = from_base64(text);
  if (!bytes) return bad(key, "is not base64");
  return std::move(*bytes);
}

Result<std::vector<Digest>> ProofLines::digests(std::string_view key, std::size_t max) {
  std::vector<Digest> found;
  while (has(key)) {
    BMSG_TRY_ASSIGN(const auto one, bytes(key));
    if (one.size() != Digest::kSize) return bad(key, "is no hash");
    if (found.size() == max) return bad(key, "there are too many");
    found.push_back(Digest::from(one));
  }
  return found;
}

Result<std::uint32_t> ProofLines::number(std::string_view key) {
  BMSG_TRY_ASSIGN(const auto text, value(key));
  std::uint32_t number = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (fault != std::errc() || fmt::to_string(number) != text) return bad(key, "is no number");
  return number;
}

std::string proof_line(std::string_view key, ByteView bytes) {
  return fmt::format("{} {}\n", key, to_base64(bytes));
}

}  // namespace bmsg::chain
