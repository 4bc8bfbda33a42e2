#include "lib/mail/open.h"

#include <array>
#include <utility>
#include <variant>

#include "lib/chain/block_hash.h"
#include "lib/crypto/ecdsa.h"
#include "lib/crypto/sha512.h"
#include "lib/crypto/sign.h"
#include "lib/mail/seal_scheme.h"

namespace bmsg::mail {
namespace {

Opened refused(Fault fault, std::string detail) {
  Opened opened;
  opened.fault = fault;
  opened.detail = std::move(detail);
  return opened;
}

/// The number of slots; nullopt for a key section that no sender of this suite makes.
std::optional<std::size_t> count_slots(const MessageHead& head) {
  const std::size_t enc = scheme::enc_bytes(head.suite);
  const std::size_t size = head.key_section.size();
  if (size <= enc || (size - enc) % kSlotBytes != 0) return std::nullopt;
  const std::size_t count = (size - enc) / kSlotBytes;
  return count <= kSlotsMax ? std::optional(count) : std::nullopt;
}

std::optional<crypto::SecretBytes> try_slots(const MessageHead& head, std::size_t count,
                                             const crypto::SecretBytes& shared_secret,
                                             const crypto::KeySchedule& schedule) {
  const auto context = schedule.context(shared_secret);
  crypto::AeadOpener opener(context.key);
  const Bytes prefix = scheme::prefix_of_head(head);
  const ByteView slots = ByteView(head.key_section).subspan(scheme::enc_bytes(head.suite));
  for (std::size_t i = 0; i < count; ++i) {
    auto opened =
        opener.open(context.base_nonce, prefix, slots.subspan(i * kSlotBytes, kSlotBytes));
    if (opened) return opened;
  }
  return std::nullopt;
}

SignatureState judge_signature(const ReadRecords& read, const ChainId& chain, const Digest& hash,
                               ByteView records) {
  if (!read.signature) return SignatureState::absent;
  const Bytes text = signed_text(chain, hash, records.first(read.signed_bytes));
  const auto sender = read.content.identity();
  const bool is_good =
      sender ? crypto::verify(*sender, text, *read.signature)  // False for a weak key, too.
             : crypto::ecdsa_verify(read.content.sender, crypto::ecdsa_hash(text), *read.signature);
  return is_good ? SignatureState::good : SignatureState::bad;
}

Opened read_records(const Message& message, const ChainId& chain, ByteView plain, Padding padding) {
  auto decoded = decode_records(plain, padding);
  if (const auto* fault = std::get_if<BadRecords>(&decoded)) {
    constexpr std::array<Fault, 3> kFaults = {Fault::padding, Fault::records, Fault::newer};
    return refused(kFaults[static_cast<std::size_t>(fault->fault)], fault->detail);
  }
  auto& read = std::get<ReadRecords>(decoded);
  Opened opened;
  opened.signature = judge_signature(read, chain, head_hash(message.head), plain);
  opened.content = std::move(read.content);
  return opened;
}

/// What must hold before a body is looked at.
std::optional<Opened> find_body_fault(const Message& message, const ChainId& chain) {
  if (message.head.chain != prefix_of<ChainTag>(chain)) {
    return refused(Fault::suite, "of another chain");
  }
  if (!message.body) return refused(Fault::body, "absent");
  if (message.body->size() != message.head.body_bytes ||
      chain::body_hash_of(*message.body) != message.head.body_hash) {
    return refused(Fault::body, "not the one that the head names");
  }
  return std::nullopt;
}

}  // namespace

std::string_view name_of(Fault fault) {
  constexpr std::array<std::string_view, 7> kNames = {"suite",   "body",    "commitment", "tag",
                                                      "padding", "records", "newer"};
  return kNames[static_cast<std::size_t>(fault)];
}

std::string_view name_of(SignatureState state) {
  constexpr std::array<std::string_view, 3> kNames = {"absent", "good", "bad"};
  return kNames[static_cast<std::size_t>(state)];
}

Digest head_hash(const MessageHead& head) {
  const Bytes bytes = encode(head);
  return crypto::sha512(ByteView(bytes).first(bytes.size() - BodyHash::kSize));
}

std::optional<IdentityKey> signer_of(const Opened& opened) {
  return opened.signature == SignatureState::good ? opened.content.identity() : std::nullopt;
}

SlotKey::SlotKey(crypto::Agreement prekey, const ChainId& chain, const IdentityKey& owner)
    : prekey_(std::move(prekey)),
      schedule_(scheme::hpke_suite(Suite::sealed), scheme::slot_info(chain, owner)) {}

std::optional<crypto::SecretBytes> SlotKey::find_content_key(const MessageHead& head) const {
  if (head.suite != Suite::sealed) return std::nullopt;
  const auto count = count_slots(head);
  if (!count) return std::nullopt;
  const ByteView enc = ByteView(head.key_section).first(scheme::enc_bytes(head.suite));
  const auto shared = crypto::decap(prekey_, enc);
  if (!shared) return std::nullopt;
  return try_slots(head, *count, *shared, schedule_);
}

std::optional<crypto::SecretBytes> find_content_key(const MessageHead& head, const ChainId& chain,
                                                    const crypto::Agreement& prekey,
                                                    const IdentityKey& owner) {
  return SlotKey(prekey.clone(), chain, owner).find_content_key(head);
}

std::optional<crypto::SecretBytes> find_content_key(const MessageHead& head, const ChainId& chain,
                                                    const crypto::SecretBytes& secp256k1_key) {
  if (head.suite != Suite::sealed_secp256k1) return std::nullopt;
  const auto count = count_slots(head);
  if (!count) return std::nullopt;
  const ByteView enc = ByteView(head.key_section).first(scheme::enc_bytes(head.suite));
  const auto shared = crypto::decap(crypto::KemId::secp256k1_hkdf_sha256, secp256k1_key, enc);
  if (!shared) return std::nullopt;
  return try_slots(head, *count, *shared,
                   {scheme::hpke_suite(head.suite), scheme::slot_info(chain, std::nullopt)});
}

namespace {

/// The records of a sealed message, or why they cannot be had.
std::variant<crypto::SecretBytes, Opened> plain_of(const Message& message, const ChainId& chain,
                                                   const crypto::SecretBytes& content_key) {
  const Suite suite = message.head.suite;
  if (suite != Suite::sealed && suite != Suite::sealed_secp256k1) {
    return refused(Fault::suite, "not sealed");
  }
  if (auto fault = find_body_fault(message, chain)) return std::move(*fault);
  const ByteView body = *message.body;
  if (content_key.size() != scheme::kContentKeyBytes || body.size() < scheme::kBodyOverheadBytes) {
    return refused(Fault::commitment, "too short");
  }

  const auto keys = scheme::body_keys(content_key, head_hash(message.head));
  if (!crypto::equal_in_constant_time(keys.commitment, body.first(scheme::kCommitmentBytes))) {
    return refused(Fault::commitment, "differs");
  }
  auto plain =
      crypto::aead_open(keys.key, crypto::AeadNonce(), {}, body.subspan(scheme::kCommitmentBytes));
  if (!plain) return refused(Fault::tag, "differs");
  return std::move(*plain);
}

}  // namespace

Opened open_with_content_key(const Message& message, const ChainId& chain,
                             const crypto::SecretBytes& content_key) {
  auto plain = plain_of(message, chain, content_key);
  if (auto* fault = std::get_if<Opened>(&plain)) return std::move(*fault);
  const auto& records = std::get<crypto::SecretBytes>(plain);
  Opened opened = read_records(message, chain, records.view(), Padding::allowed);
  opened.content_key = content_key.clone();
  return opened;
}

std::optional<Bytes> text_alone(const Message& message, const ChainId& chain,
                                const crypto::SecretBytes& content_key) {
  const auto content_of = [](auto decoded) {
    auto* read = std::get_if<ReadRecords>(&decoded);
    return read ? std::optional(std::move(read->content.content)) : std::nullopt;
  };
  if (message.head.suite == Suite::open) {
    if (find_body_fault(message, chain)) return std::nullopt;
    return content_of(decode_records(*message.body, Padding::malformed));
  }
  const auto plain = plain_of(message, chain, content_key);
  const auto* records = std::get_if<crypto::SecretBytes>(&plain);
  if (records == nullptr) return std::nullopt;
  return content_of(decode_records(records->view(), Padding::allowed));
}

std::optional<Opened> open(const Message& message, const ChainId& chain,
                           const crypto::Agreement& prekey, const IdentityKey& owner) {
  const auto content_key = find_content_key(message.head, chain, prekey, owner);
  if (!content_key) return std::nullopt;
  return open_with_content_key(message, chain, *content_key);
}

Opened open_public(const Message& message, const ChainId& chain) {
  if (message.head.suite != Suite::open) return refused(Fault::suite, "not public");
  if (auto fault = find_body_fault(message, chain)) return std::move(*fault);
  return read_records(message, chain, *message.body, Padding::malformed);
}

}  // namespace bmsg::mail
