#include "cli/node_key.h"

#include <fmt/format.h>

#include "lib/core/hex.h"
#include "lib/core/try.h"
#include "lib/crypto/certificate.h"
#include "lib/crypto/random.h"
#include "lib/crypto/sign.h"

namespace bmsg::cli {
namespace {

constexpr std::size_t kKeyFileBytesMax = 1024;

Result<crypto::SecretBytes> parse(ByteView text, const std::filesystem::path& file) {
  std::string_view line = as_text(text);
  if (line.ends_with('\n')) line.remove_suffix(1);
  const auto seed = from_hex(line);
  if (!seed || seed->size() != crypto::kSeedBytes)
    return Error{Errc::corrupt, fmt::format("'{}' is damaged", file.string())};
  return crypto::SecretBytes::from(*seed);
}

}  // namespace

Result<crypto::SecretBytes> read_node_seed_file(const Disk& disk,
                                                const std::filesystem::path& file) {
  BMSG_TRY_ASSIGN(const auto text, disk.read(file, kKeyFileBytesMax));
  if (!text) return Error{Errc::corrupt, fmt::format("'{}' is missing", file.string())};
  return parse(*text, file);
}

Result<crypto::SecretBytes> node_seed_for_new(Context& context, const std::string& file) {
  if (!file.empty()) {
    BMSG_TRY_ASSIGN(const auto text, context.disk.read(file, kKeyFileBytesMax));
    if (text) return parse(*text, file);
  }
  BMSG_TRY_ASSIGN(auto seed, crypto::random_secret(context.entropy, crypto::kSeedBytes));
  if (!file.empty()) {
    BMSG_TRY(context.disk.create(file, as_bytes(to_hex(seed.view()) + "\n")));
  }
  return seed;
}

Result<std::shared_ptr<net::TlsIdentity>> tls_identity_of(const crypto::SecretBytes& node_seed) {
  BMSG_TRY_ASSIGN(const auto made, crypto::make_certificate(node_seed));
  return net::TlsIdentity::load(made.certificate_pem, made.private_key_pem.view());
}

}  // namespace bmsg::cli
