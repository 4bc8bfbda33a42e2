#include "lib/api/whisper_slot.h"

#include "lib/core/codec.h"
#include "lib/crypto/aead.h"
#include "lib/mail/open.h"
#include "lib/mail/room.h"
#include "lib/mail/seal_scheme.h"

namespace bmsg::api {

WhisperSlot::WhisperSlot(WhisperKeyKind kind, const crypto::SecretBytes& secret,
                         const ChainId& chain)
    : kind_(kind), chain_(chain) {
  if (kind == WhisperKeyKind::pair) {
    public_key_ = whisper_public_key(secret);
    private_key_ = secret.clone();
    return;
  }
  public_key_ = mail::room_public_key(secret);
  agreement_.emplace(mail::room_private_key(secret));
  schedule_.emplace(mail::scheme::hpke_suite(Suite::sealed),
                    mail::scheme::slot_info(chain, std::nullopt));
}

Suite WhisperSlot::suite() const {
  return kind_ == WhisperKeyKind::pair ? Suite::sealed_secp256k1 : Suite::sealed;
}

std::optional<crypto::SecretBytes> WhisperSlot::find_content_key(const MessageHead& head) const {
  if (head.suite != suite()) return std::nullopt;
  if (kind_ == WhisperKeyKind::pair) return mail::find_content_key(head, chain_, private_key_);
  return find_in_room(head);
}

// A mail::SlotKey has an owner, whom its slots name; a key that nobody signed for has none.
std::optional<crypto::SecretBytes> WhisperSlot::find_in_room(const MessageHead& head) const {
  const std::size_t enc_bytes = mail::scheme::enc_bytes(Suite::sealed);
  if (!key_section_fits(head.suite, head.key_section.size())) return std::nullopt;
  const ByteView section = head.key_section;
  const auto shared = crypto::decap(*agreement_, section.first(enc_bytes));
  if (!shared) return std::nullopt;
  const auto context = schedule_->context(*shared);
  crypto::AeadOpener opener(context.key);
  const Bytes prefix = mail::scheme::prefix_of_head(head);
  for (std::size_t at = enc_bytes; at < section.size(); at += kSlotBytes) {
    auto opened = opener.open(context.base_nonce, prefix, section.subspan(at, kSlotBytes));
    if (opened) return opened;
  }
  return std::nullopt;
}

}  // namespace bmsg::api
