// What the tests of mail share: people with keys, a chain, entropy that follows a script.

#pragma once

#include <deque>
#include <string>
#include <vector>

#include "lib/chain/rules_text.h"
#include "lib/core/check.h"
#include "lib/core/entropy.h"
#include "lib/crypto/agree.h"
#include "lib/crypto/hpke.h"
#include "lib/crypto/sign.h"
#include "lib/mail/open.h"
#include "lib/mail/seal.h"
#include "tests/support/fake_entropy.h"
#include "tests/vectors/golden.h"

namespace bmsg::mail {

/// Gives out the pieces of a script, one for each call, then fails.
class ScriptedEntropy final : public Entropy {
 public:
  explicit ScriptedEntropy(std::deque<Bytes> pieces) : pieces_(std::move(pieces)) {}

  Result<Done> fill(std::span<std::uint8_t> out) override {
    if (pieces_.empty()) return Error{Errc::no_resource, "the script is over"};
    check(pieces_.front().size() == out.size(), "the script has another size here");
    std::ranges::copy(pieces_.front(), out.begin());
    pieces_.pop_front();
    return done;
  }

 private:
  std::deque<Bytes> pieces_;
};

inline Bytes filled(std::uint8_t byte, std::size_t size = 32) { return Bytes(size, byte); }
inline crypto::SecretBytes secret(std::uint8_t byte) {
  return crypto::SecretBytes::from(filled(byte));
}

/// An X25519 key from 32 bytes of `ikm`.
inline crypto::SecretBytes prekey_secret(std::uint8_t ikm) {
  return crypto::derive_private_key(crypto::KemId::x25519_hkdf_sha256, filled(ikm));
}
inline Bytes prekey(std::uint8_t ikm) {
  return *crypto::public_key_of(crypto::Curve::x25519, prekey_secret(ikm));
}
inline crypto::Agreement agreement(std::uint8_t ikm) {
  return crypto::Agreement(prekey_secret(ikm));
}

/// Whose seed is 32 bytes of `byte`. Alice is 1, Bob is 2.
inline IdentityKey identity(std::uint8_t byte) { return crypto::public_key_of(secret(byte)); }

inline Recipient recipient(std::uint8_t ikm, std::uint8_t owner) {
  return {prekey(ikm), identity(owner)};
}

inline const chain::ChainRules& example_chain() {
  static const chain::ChainRules chain = chain::parse_chain_rules(golden::kGenesisText).value();
  return chain;
}

inline Content text(std::string_view words) {
  Content content;
  content.content = to_bytes(words);
  return content;
}

/// A head for the time of the golden messages, 30 days.
inline HeadOptions month() {
  return {.suite = Suite::sealed, .topic = {}, .time = golden::kMessageTime, .ttl = 30 * 86400};
}

/// From Alice to these, stamped with 0.
inline Message sealed_to(const std::vector<Recipient>& to, std::string_view words,
                         std::uint64_t random = 1) {
  FakeEntropy entropy(random);
  const auto seed = secret(1);
  auto sealed = seal(example_chain(), text(words), to, &seed, month(), entropy);
  return std::move(sealed).value().with_nonce(0);
}

}  // namespace bmsg::mail
