#include "cli/node_key.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "lib/core/hex.h"
#include "lib/core/try.h"
#include "lib/crypto/certificate.h"
#include "lib/crypto/random.h"
#include "lib/crypto/sign.h"

namespace bmsg::cli {
namespace {

constexpr std::size_t kKeyFileBytesMax = 1024;

/// Wipes the text, which is the key.
Result<crypto::SecretBytes> take(Bytes text, const std::filesystem::path& file) {
  std::string_view line = as_text(text);
  if (line.ends_with('\n')) line.remove_suffix(1);
  auto seed = from_hex(line);
  crypto::wipe(text);
  if (!seed) return Error{Errc::corrupt, fmt::format("'{}' is damaged", file.string())};
  auto taken = crypto::SecretBytes::from(*seed);
  crypto::wipe(*seed);
  if (taken.size() == crypto::kSeedBytes) return taken;
  return Error{Errc::corrupt, fmt::format("'{}' is damaged", file.string())};
}

}  // namespace

Result<crypto::SecretBytes> read_node_seed_file(const Disk& disk,
                                                const std::filesystem::path& file) {
  BMSG_TRY_ASSIGN(auto text, disk.read(file, kKeyFileBytesMax));
  if (!text) return Error{Errc::corrupt, fmt::format("'{}' is missing", file.string())};
  return take(std::move(*text), file);
}

Result<crypto::SecretBytes> node_seed_for_new(Context& context, const std::string& file) {
  if (!file.empty()) {
    BMSG_TRY_ASSIGN(auto text, context.disk.read(file, kKeyFileBytesMax));
    if (text) return take(std::move(*text), file);
  }
  BMSG_TRY_ASSIGN(auto seed, crypto::random_secret(context.entropy, crypto::kSeedBytes));
  if (!file.empty()) {
    BMSG_TRY(context.disk.create(file, node_key_text(seed).view()));
  }
  return seed;
}

crypto::SecretBytes node_key_text(const crypto::SecretBytes& seed) {
  std::string digits = to_hex(seed.view());
  crypto::SecretBytes text(digits.size() + 1);
  std::ranges::copy(digits, text.writable().begin());
  text.writable().back() = '\n';
  crypto::wipe({reinterpret_cast<std::uint8_t*>(digits.data()), digits.size()});
  return text;
}

Result<std::shared_ptr<net::TlsIdentity>> tls_identity_of(const crypto::SecretBytes& node_seed) {
  BMSG_TRY_ASSIGN(const auto made, crypto::make_certificate(node_seed));
  return net::TlsIdentity::load(made.certificate_pem, made.private_key_pem.view());
}

}  // namespace bmsg::cli
