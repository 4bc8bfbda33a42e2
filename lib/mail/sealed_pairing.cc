#include "lib/mail/sealed_pairing.h"

#include <fmt/format.h>

#include "lib/core/address.h"
#include "lib/core/try.h"
#include "lib/crypto/sha512.h"
#include "lib/mail/pairing.h"

namespace bmsg::mail {
namespace {

/// In small letters, words parted by one hyphen.
crypto::SecretBytes plain_words(ByteView typed) {
  crypto::SecretBytes text(typed.size());
  std::size_t size = 0;
  bool parted = false;
  for (const std::uint8_t byte : typed) {
    if (as_text(ByteView(&byte, 1)).find_first_of("- \t\r\n") == 0) {
      parted = size > 0;
      continue;
    }
    if (parted) text.writable()[size++] = '-';
    parted = false;
    const bool upper = byte >= 'A' && byte <= 'Z';
    text.writable()[size++] = upper ? static_cast<std::uint8_t>(byte + ('a' - 'A')) : byte;
  }
  return crypto::SecretBytes::from(text.view().first(size));
}

}  // namespace

Result<Bytes> seal_with_sum(const crypto::SecretBytes& json, ByteView passphrase,
                            const crypto::ScryptCost& cost, Entropy& entropy) {
  BMSG_TRY_ASSIGN(Bytes file, seal_keyring(json, passphrase, cost, entropy));
  append(file, crypto::sha512(file).view());
  if (file.size() > kPairFileBytesMax) {
    return Error{Errc::bad_input,
                 fmt::format("the contacts need more than {} bytes", kPairFileBytesMax)};
  }
  return file;
}

std::optional<std::string> find_damage(ByteView file) {
  if (file.size() > kPairFileBytesMax) return "it is too long";
  if (file.size() < Digest::kSize) return "it is cut short";
  if (crypto::sha512(keyring_in(file)) != Digest::from(file.last(Digest::kSize)))
    return "it was changed or cut short";
  if (const auto front = check_keyring(keyring_in(file)); !front) return front.error().message;
  return std::nullopt;
}

ByteView keyring_in(ByteView file) { return file.first(file.size() - Digest::kSize); }

crypto::SecretBytes words_of(ByteView secret) {
  std::string text = to_proquint(secret);
  crypto::SecretBytes kept = crypto::SecretBytes::from(as_bytes(text));
  crypto::wipe({reinterpret_cast<std::uint8_t*>(text.data()), text.size()});
  return kept;
}

std::optional<crypto::SecretBytes> secret_in(ByteView typed) {
  auto bytes = from_proquint(as_text(plain_words(typed).view()));
  if (!bytes) return std::nullopt;
  auto secret = crypto::SecretBytes::from(*bytes);
  crypto::wipe(*bytes);
  return secret;
}

}  // namespace bmsg::mail
