#include "lib/mail/identity_backup.h"

#include <fmt/format.h>

#include <algorithm>

#include "lib/core/try.h"
#include "lib/crypto/sha512.h"
#include "lib/crypto/sign.h"
#include "lib/mail/sealed_pairing.h"
#include "lib/mail/statement.h"

namespace bmsg::mail {
namespace {

constexpr std::size_t kSumBytes = 2;
constexpr std::size_t kTypedBytesMax = 2048;  // Of a paper with all its blanks.

Error damaged(std::string_view what) {
  return Error{Errc::corrupt, fmt::format("the backup is damaged: {}", what),
               "take another copy of it"};
}

Error no_paper(std::string_view why) {
  return Error{Errc::bad_input, fmt::format("this is no paper of an identity: {}", why),
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
  return seal_with_sum(json, passphrase.view(), cost, entropy);
}

Result<Done> check_backup(ByteView file) {
  if (!as_text(file).starts_with("bmK1"))
    return Error{Errc::corrupt, "this is no backup of identities",
                 "it is a file that 'bmsg id backup FILE' wrote"};
  if (const auto damage = find_damage(file)) return damaged(*damage);
  return done;
}

Result<crypto::SecretBytes> open_backup(ByteView file, const crypto::SecretBytes& passphrase) {
  BMSG_TRY(check_backup(file));
  auto json = open_keyring(keyring_in(file), passphrase.view());
  if (json || json.error().code != Errc::denied) return json;
  return Error{Errc::denied, "wrong passphrase for this backup"};
}

crypto::SecretBytes paper_of(const crypto::SecretBytes& seed) {
  Bytes bytes;
  bytes.reserve(seed.view().size() + kSumBytes);  // A buffer that grows leaves the seed behind.
  append(bytes, seed.view());
  append(bytes, crypto::sha512(seed.view()).view().first(kSumBytes));
  auto words = words_of(bytes);
  crypto::wipe(bytes);
  return words;
}

Result<crypto::SecretBytes> seed_on_paper(ByteView typed) {
  if (typed.size() > kTypedBytesMax) return no_paper("it is too long");
  const auto all = secret_in(typed);
  if (!all) return no_paper("a word is no proquint");
  if (all->size() != crypto::kSeedBytes + kSumBytes) return no_paper("it has not 17 words");
  const ByteView seed = all->view().first(crypto::kSeedBytes);
  const Digest sum = crypto::sha512(seed);
  const bool fits = std::ranges::equal(all->view().last(kSumBytes), sum.view().first(kSumBytes));
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
