#include "lib/mail/seal.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "lib/chain/block_hash.h"
#include "lib/core/address.h"
#include "lib/core/hex.h"
#include "lib/core/try.h"
#include "lib/crypto/ecdsa.h"
#include "lib/crypto/random.h"
#include "lib/crypto/sign.h"
#include "lib/mail/open.h"
#include "lib/mail/seal_scheme.h"

namespace bmsg::mail {
namespace {

using SlotBytes = Bytes;

/// The key that the slots of one message have in common.
struct Ephemeral {
  crypto::SecretBytes secret;
  std::optional<crypto::Agreement> agreement;  // Of X25519, prepared for all of them.
  Bytes public_key;

  Ephemeral(Suite suite, crypto::SecretBytes key) : secret(std::move(key)) {
    if (suite == Suite::sealed) {
      agreement.emplace(secret);
      public_key = to_bytes(agreement->public_key().view());
      return;
    }
    auto made = crypto::public_key_of(crypto::Curve::secp256k1, secret);
    check(made.has_value(), "a derived private key is no key");
    public_key = std::move(*made);
  }
};

/// The records as the signer will sign them, not yet signed.
Result<Bytes> records_of(Content& content, const SigningKey& signer) {
  check(content.sender.empty(), "the sender is set by whoever signs");
  if (signer.signs()) content.sender = signer.public_key();
  return encode_records(content);
}

void sign_records(Bytes& records, const chain::ChainRules& chain, const MessageHead& head,
                  const SigningKey& signer) {
  if (!signer.signs()) return;
  append_signature(records, signer.sign(signed_text(chain.id, head_hash(head), records)));
}

Result<Done> check_limits(const chain::ChainRules& chain, const MessageHead& head) {
  if (head.encoded_bytes() > chain.rules.maxmessage) {
    return Error{Errc::bad_input,
                 fmt::format("message is {} bytes; the limit is {} (chain rule maxmessage)",
                             head.encoded_bytes(), chain.rules.maxmessage)};
  }
  if (head.ttl == 0 || head.ttl > chain.rules.maxttl) {
    return Error{Errc::bad_input, fmt::format("message lives {} s; the limit is 1 to {} (chain "
                                              "rule maxttl)",
                                              head.ttl, chain.rules.maxttl)};
  }
  return done;
}

MessageHead head_of(const chain::ChainRules& chain, const HeadOptions& options,
                    std::size_t body_bytes) {
  return {.suite = options.suite,
          .chain = prefix_of<ChainTag>(chain.id),
          .topic = options.topic,
          .time = options.time,
          .ttl = options.ttl,
          .body_bytes = static_cast<std::uint32_t>(body_bytes),
          .key_section = {},
          .body_hash = {}};
}

Result<SlotBytes> make_slot(const chain::ChainRules& chain, const Recipient& recipient,
                            const Ephemeral& ephemeral, const crypto::SecretBytes& content_key,
                            const MessageHead& head, ByteView prefix) {
  const auto suite = scheme::hpke_suite(head.suite);
  const auto shared = ephemeral.agreement
                          ? crypto::encap_with(*ephemeral.agreement, recipient.key)
                          : crypto::encap_with(suite.kem, ephemeral.secret, recipient.key);
  if (!shared) {
    const std::string who = recipient.owner ? to_address(*recipient.owner) : to_hex(recipient.key);
    return Error{Errc::no_recipient, fmt::format("the key of {} cannot be sealed to", who)};
  }
  const auto context =
      crypto::key_schedule(suite, *shared, scheme::slot_info(chain.id, recipient.owner));
  return crypto::aead_seal(context.key, context.base_nonce, prefix, content_key.view());
}

/// Random bytes look like a slot to everybody but whom a slot was made for.
Result<Done> add_random_slots(std::vector<SlotBytes>& slots, std::size_t count, Entropy& entropy) {
  while (slots.size() < count) {
    slots.emplace_back(kSlotBytes);
    BMSG_TRY(entropy.fill(slots.back()));
  }
  return done;
}

Result<std::vector<Recipient>> distinct(std::vector<Recipient> recipients) {
  std::ranges::sort(recipients);
  const auto repeated = std::ranges::unique(recipients);
  recipients.erase(repeated.begin(), repeated.end());
  if (recipients.empty() || recipients.size() > kSlotsMax) {
    return Error{Errc::bad_input, fmt::format("{} keys to seal to; a message has 1 to {}",
                                              recipients.size(), kSlotsMax)};
  }
  return recipients;
}

/// Sets the key section: the ephemeral public key, then the slots in the order of their bytes.
Result<Done> fill_key_section(MessageHead& head, const chain::ChainRules& chain,
                              const std::vector<Recipient>& recipients, std::size_t slot_count,
                              const crypto::SecretBytes& content_key, Entropy& entropy) {
  const auto kem = scheme::hpke_suite(head.suite).kem;
  BMSG_TRY_ASSIGN(const auto seed, crypto::random_secret(entropy, scheme::kContentKeyBytes));
  const Ephemeral ephemeral(head.suite, crypto::derive_private_key(kem, seed.view()));

  // The prefix holds the length of the section, so the section must have it before.
  head.key_section.resize(ephemeral.public_key.size() + slot_count * kSlotBytes);
  const Bytes prefix = scheme::prefix_of_head(head);
  std::vector<SlotBytes> slots;
  for (const Recipient& recipient : recipients) {
    BMSG_TRY_ASSIGN(slots.emplace_back(),
                    make_slot(chain, recipient, ephemeral, content_key, head, prefix));
  }
  BMSG_TRY(add_random_slots(slots, slot_count, entropy));
  std::ranges::sort(slots);
  head.key_section = ephemeral.public_key;
  for (const SlotBytes& slot : slots) append(head.key_section, slot);
  return done;
}

Bytes sealed_body(const MessageHead& head, const crypto::SecretBytes& content_key, ByteView plain) {
  auto keys = scheme::body_keys(content_key, head_hash(head));
  Bytes body = std::move(keys.commitment);
  append(body, crypto::aead_seal(keys.key, crypto::AeadNonce(), {}, plain));
  return body;
}

}  // namespace

MessageId Sealed::id() const { return chain::id_of(head); }

Message Sealed::with_nonce(std::uint64_t nonce) && {
  return {.head = std::move(head), .nonce = nonce, .body = std::move(body)};
}

SigningKey SigningKey::of_signer(const crypto::Signer& signer) {
  SigningKey key(nullptr);
  key.signer_ = &signer;
  return key;
}

SigningKey SigningKey::of_pair(const crypto::SecretBytes& key) {
  SigningKey signer(&key);
  signer.is_pair_ = true;
  return signer;
}

Bytes SigningKey::public_key() const {
  if (signer_ != nullptr) return to_bytes(signer_->public_key().view());
  if (!is_pair_) return to_bytes(crypto::public_key_of(*key_).view());
  auto made = crypto::public_key_of(crypto::Curve::secp256k1, *key_);
  check(made.has_value(), "a key pair that is none");
  return std::move(*made);
}

Signature SigningKey::sign(ByteView text) const {
  if (signer_ != nullptr) return signer_->sign(text);
  return is_pair_ ? crypto::ecdsa_sign(*key_, crypto::ecdsa_hash(text)) : crypto::sign(*key_, text);
}

Result<Sealed> seal(const chain::ChainRules& chain, Content content,
                    std::vector<Recipient> recipients, SigningKey signer,
                    const HeadOptions& options, Entropy& entropy) {
  check(options.suite == Suite::sealed || options.suite == Suite::sealed_secp256k1,
        "seal() makes sealed messages");
  BMSG_TRY_ASSIGN(recipients, distinct(std::move(recipients)));
  BMSG_TRY_ASSIGN(Bytes records, records_of(content, signer));
  const std::size_t slot_count =
      options.slots == Slots::padded ? std::bit_ceil(recipients.size()) : recipients.size();
  const std::size_t padded =
      padded_bytes(records.size() + (signer.signs() ? kSignatureRecordBytes : 0));

  Sealed made{.head = head_of(chain, options, padded + scheme::kBodyOverheadBytes),
              .body = {},
              .content_key = {}};
  made.head.key_section.resize(scheme::enc_bytes(options.suite) + slot_count * kSlotBytes);
  BMSG_TRY(check_limits(chain, made.head));
  BMSG_TRY_ASSIGN(made.content_key, crypto::random_secret(entropy, scheme::kContentKeyBytes));
  BMSG_TRY(fill_key_section(made.head, chain, recipients, slot_count, made.content_key, entropy));

  sign_records(records, chain, made.head, signer);
  records.resize(padded);
  made.body = sealed_body(made.head, made.content_key, records);
  made.head.body_hash = chain::body_hash_of(made.body);
  return made;
}

Result<Sealed> post(const chain::ChainRules& chain, Content content, SigningKey signer,
                    const HeadOptions& options) {
  BMSG_TRY_ASSIGN(Bytes records, records_of(content, signer));
  HeadOptions open_options = options;
  open_options.suite = Suite::open;
  Sealed made{.head = head_of(chain, open_options,
                              records.size() + (signer.signs() ? kSignatureRecordBytes : 0)),
              .body = {},
              .content_key = {}};
  BMSG_TRY(check_limits(chain, made.head));
  sign_records(records, chain, made.head, signer);
  made.body = std::move(records);
  made.head.body_hash = chain::body_hash_of(made.body);
  return made;
}

}  // namespace bmsg::mail
