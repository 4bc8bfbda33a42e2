#include "lib/mail/keyring.h"

#include <algorithm>

#include "lib/core/byte_reader.h"
#include "lib/core/try.h"
#include "lib/crypto/aead.h"
#include "lib/crypto/hpke.h"
#include "lib/crypto/random.h"
#include "lib/crypto/sign.h"
#include "lib/mail/statement.h"
#include "lib/mail/text.h"

namespace bmsg::mail {
namespace {

constexpr std::string_view kMagic = "bmK1";
constexpr std::size_t kSaltBytes = 32;
constexpr std::size_t kCommitmentBytes = 32;
constexpr std::size_t kCostBytes = 4;  // log2_n, r, p, zero.
constexpr std::size_t kFrontBytes = 4 + kCostBytes + kSaltBytes + kCommitmentBytes;
constexpr std::size_t kSecretBytes = 32;

Error damaged(const char* what) {
  return Error{Errc::corrupt, std::string("keyring is damaged: ") + what};
}

bool is_accepted(const crypto::ScryptCost& cost) {
  const bool n = cost.log2_n == 1 || (cost.log2_n >= 10 && cost.log2_n <= 22);
  return n && cost.r == 8 && cost.p >= 1 && cost.p <= 4;
}

/// No honest owner gets there in any life.
Error last_number() {
  return Error{Errc::bad_input, "the last number of a card is taken, which only a thief does",
               "'bmsg id revoke' ends the identity"};
}

struct FileKeys {
  crypto::SecretBytes key;
  Bytes commitment;
};

Result<FileKeys> file_keys(ByteView passphrase, ByteView salt, const crypto::ScryptCost& cost) {
  BMSG_TRY_ASSIGN(const auto made,
                  crypto::scrypt(passphrase, salt, cost, crypto::kAeadKeyBytes + kCommitmentBytes));
  return FileKeys{crypto::SecretBytes::from(made.view().first(crypto::kAeadKeyBytes)),
                  to_bytes(made.view().subspan(crypto::kAeadKeyBytes))};
}

/// What stands before the ciphertext. Views into the file.
struct Front {
  crypto::ScryptCost cost;
  ByteView salt;
  ByteView commitment;
};

Result<Front> read_front(ByteView file) {
  ByteReader reader(file);
  const ByteView magic = reader.take(kMagic.size());
  Front front;
  front.cost.log2_n = reader.integer<std::uint8_t>();
  front.cost.r = reader.integer<std::uint8_t>();
  front.cost.p = reader.integer<std::uint8_t>();
  const auto zero = reader.integer<std::uint8_t>();
  front.salt = reader.take(kSaltBytes);
  front.commitment = reader.take(kCommitmentBytes);
  if (reader.ran_short() || reader.size_left() < crypto::kAeadTagBytes) return damaged("cut short");
  if (as_text(magic) != kMagic) return damaged("it is no keyring");
  // Judged before any memory is asked for: the file says how much.
  if (!is_accepted(front.cost) || zero != 0) return damaged("its cost is out of bounds");
  return front;
}

}  // namespace

IdentitySeed::IdentitySeed(crypto::SecretBytes secret) : SecretBytes(std::move(secret)) {
  if (size() == crypto::kSeedBytes) address_ = crypto::public_key_of(*this);
}

const IdentityKey& IdentitySeed::address() const {
  check(address_.has_value(), "an identity without a seed");
  return *address_;
}

const Identity* Keyring::find(std::string_view name) const {
  const auto kept = to_nfc(name);
  const auto found =
      kept ? std::ranges::find(identities, *kept, &Identity::name) : identities.end();
  return found == identities.end() ? nullptr : &*found;
}

const Identity* Keyring::find(const IdentityKey& address) const {
  const auto found = std::ranges::find(identities, address, &Identity::address);
  return found == identities.end() ? nullptr : &*found;
}

Result<Keyring> make_keyring(Entropy& entropy) {
  Keyring made;
  BMSG_TRY_ASSIGN(made.archive, crypto::random_secret(entropy, kSecretBytes));
  return made;
}

Result<Identity> make_identity(const std::string& name, std::uint8_t device, Entropy& entropy) {
  Identity made;
  made.name = name;
  made.device = device;
  BMSG_TRY_ASSIGN(made.seed, crypto::random_secret(entropy, kSecretBytes));
  made.revocation = make_statement(kWholeIdentity, made.seed, nullptr);
  return made;
}

InboxPrefix inbox_of(const Identity& identity) {
  InboxPrefix inbox{.bits = identity.inbox_bits, .topic = {}};
  // Of the seed, so that the card alone tells it, to those who may see the card.
  const auto bits = crypto::hkdf(crypto::Hash::sha512, {}, identity.seed.view(),
                                 as_bytes("bmsg1 inbox"), Topic::kSize);
  for (std::size_t i = 0; i < Topic::kSize; ++i) {
    inbox.topic.data()[i] = static_cast<std::uint8_t>(bits.view()[i] & inbox.mask_of(i));
  }
  return inbox;
}

Result<CardKey> make_card_key(const Identity& identity, const ChainId& chain, UnixSeconds until,
                              Entropy& entropy) {
  CardKey made;
  made.chain = chain;
  made.until = until;
  made.inbox = inbox_of(identity);
  for (const CardKey& known : identity.cards) {
    if (known.chain != chain) continue;
    if (known.seq == UINT64_MAX) return last_number();
    made.seq = std::max(made.seq, known.seq + 1);
  }
  BMSG_TRY_ASSIGN(const auto ikm, crypto::random_secret(entropy, kSecretBytes));
  made.secret = crypto::derive_private_key(crypto::KemId::x25519_hkdf_sha256, ikm.view());
  return made;
}

Result<Bytes> seal_keyring(const crypto::SecretBytes& json, ByteView passphrase,
                           const crypto::ScryptCost& cost, Entropy& entropy) {
  check(is_accepted(cost), "a scrypt cost that no reader accepts");
  Bytes file = to_bytes(kMagic);
  append(file, Bytes{cost.log2_n, cost.r, cost.p, 0});
  Bytes salt(kSaltBytes);
  BMSG_TRY(entropy.fill(salt));
  append(file, salt);

  // The salt, and so the key, is new for each file: the zero nonce is never used twice with it.
  BMSG_TRY_ASSIGN(const FileKeys keys, file_keys(passphrase, salt, cost));
  append(file, keys.commitment);
  append(file, crypto::aead_seal(keys.key, crypto::AeadNonce(), file, json.view()));
  return file;
}

Result<Done> check_keyring(ByteView file) {
  BMSG_TRY(read_front(file));
  return done;
}

Result<crypto::SecretBytes> open_keyring(ByteView file, ByteView passphrase) {
  BMSG_TRY_ASSIGN(const auto front, read_front(file));
  BMSG_TRY_ASSIGN(const FileKeys keys, file_keys(passphrase, front.salt, front.cost));
  if (!crypto::equal_in_constant_time(keys.commitment, front.commitment)) {
    return Error{Errc::denied, "wrong passphrase"};
  }
  auto json = crypto::aead_open(keys.key, crypto::AeadNonce(), file.first(kFrontBytes),
                                file.subspan(kFrontBytes));
  if (!json) return damaged("its text was changed");
  return std::move(*json);
}

}  // namespace bmsg::mail
