#include "lib/mail/identity_backup.h"

#include <fmt/format.h>

#include <algorithm>

#include "lib/core/address.h"
#include "lib/core/try.h"
#include "lib/crypto/sha512.h"
#include "lib/crypto/sign.h"
#include "lib/mail/statement.h"

namespace bmsg::mail {
namespace {

constexpr std::size_t kSumBytes = 2;
constexpr std::size_t kTypedBytesMax = 2048;  // Of a paper with all its blanks.

Error damaged(std::string_view what) {
  return Error{Errc::corrupt, fmt::format("the backup is damaged: {}", what)};
}

Error no_paper(std::string_view why) {
  return Error{Errc::denied, fmt::format("this is no paper of an identity: {}", why),
               "it is 17 words of 5 letters, as 'bmsg id backup --paper' printed it"};
}

CardKey copy_of(const CardKey& key) {
  CardKey made;
  made.chain = key.chain;
  made.seq = key.seq;
  made.secret = key.secret.clone();
  made.until = key.until;
  made.buried = key.buried;
  made.block = key.block;
  made.inbox = key.inbox;
  made.unknown = key.unknown.clone();
  return made;
}

/// In small letters, words parted by one hyphen. Errors: Errc::denied.
Result<crypto::SecretBytes> plain_words(ByteView typed) {
  if (typed.size() > kTypedBytesMax) return no_paper("it is too long");
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

Pairing backup_of(const Keyring& keyring, const Identity* only, ContactBook contacts,
                  Prekeys prekeys) {
  Pairing made = pairing_of(keyring, only, std::move(contacts));
  for (Identity& identity : made.keyring.identities) {
    const Identity& from = *keyring.find(identity.address());
    identity.epoch = from.epoch;
    identity.grace = from.grace;
    if (prekeys == Prekeys::left_out) continue;
    for (const CardKey& key : from.cards) identity.cards.push_back(copy_of(key));
  }
  return made;
}

Result<Bytes> seal_backup(const crypto::SecretBytes& json, const crypto::SecretBytes& passphrase,
                          const crypto::ScryptCost& cost, Entropy& entropy) {
  BMSG_TRY_ASSIGN(Bytes file, seal_keyring(json, passphrase.view(), cost, entropy));
  append(file, crypto::sha512(file).view());
  if (file.size() > kPairFileBytesMax) {
    return Error{Errc::bad_input,
                 fmt::format("the contacts need more than {} bytes", kPairFileBytesMax)};
  }
  return file;
}

Result<Done> check_backup(ByteView file) {
  if (!as_text(file).starts_with("bmK1"))
    return Error{Errc::corrupt, "this is no backup of identities"};
  if (file.size() > kPairFileBytesMax) return damaged("it is too long");
  if (file.size() < Digest::kSize) return damaged("it is cut short");
  const ByteView keyring = file.first(file.size() - Digest::kSize);
  if (crypto::sha512(keyring) != Digest::from(file.last(Digest::kSize)))
    return damaged("it was changed or cut short");
  if (const auto front = check_keyring(keyring); !front) return damaged(front.error().message);
  return done;
}

Result<crypto::SecretBytes> open_backup(ByteView file, const crypto::SecretBytes& passphrase) {
  BMSG_TRY(check_backup(file));
  auto json = open_keyring(file.first(file.size() - Digest::kSize), passphrase.view());
  if (json || json.error().code != Errc::denied) return json;
  return Error{Errc::denied, "wrong passphrase for this backup"};
}

crypto::SecretBytes paper_of(const crypto::SecretBytes& seed) {
  Bytes bytes = to_bytes(seed.view());
  append(bytes, crypto::sha512(seed.view()).view().first(kSumBytes));
  std::string text = to_proquint(bytes);
  crypto::wipe(bytes);
  crypto::SecretBytes kept = crypto::SecretBytes::from(as_bytes(text));
  crypto::wipe({reinterpret_cast<std::uint8_t*>(text.data()), text.size()});
  return kept;
}

Result<crypto::SecretBytes> seed_on_paper(ByteView typed) {
  BMSG_TRY_ASSIGN(const auto words, plain_words(typed));
  auto bytes = from_proquint(as_text(words.view()));
  if (!bytes) return no_paper("a word is no proquint");
  const crypto::SecretBytes all = crypto::SecretBytes::from(*bytes);
  crypto::wipe(*bytes);
  if (all.size() != crypto::kSeedBytes + kSumBytes) return no_paper("it has not 17 words");
  const ByteView seed = all.view().first(crypto::kSeedBytes);
  const Digest sum = crypto::sha512(seed);
  const bool fits = std::ranges::equal(all.view().last(kSumBytes), sum.view().first(kSumBytes));
  if (!fits) return no_paper("the last word does not fit the others; one of them is mistyped");
  return crypto::SecretBytes::from(seed);
}

Identity identity_of(crypto::SecretBytes seed, const std::string& name) {
  Identity made;
  made.name = name;
  made.revocation = make_statement(kWholeIdentity, seed, nullptr);
  made.seed = std::move(seed);
  return made;
}

}  // namespace bmsg::mail
