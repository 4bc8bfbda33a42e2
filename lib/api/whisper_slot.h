// The gateway's keys as they open slots: no identity has signed for them.

#pragma once

#include <optional>

#include "lib/api/whisper_keys.h"
#include "lib/core/ids.h"
#include "lib/core/message.h"
#include "lib/crypto/agree.h"
#include "lib/crypto/hpke.h"

namespace bmsg::api {

/// One key, for trying it on many messages of one chain.
/// Threads: one at a time.
class WhisperSlot {
 public:
  WhisperSlot(WhisperKeyKind kind, const crypto::SecretBytes& secret, const ChainId& chain);

  /// The content key, if one of the message's slots was made for this key.
  std::optional<crypto::SecretBytes> find_content_key(const MessageHead& head) const;

  /// What is sealed to.
  const Bytes& public_key() const { return public_key_; }
  WhisperKeyKind kind() const { return kind_; }
  /// Of messages that are sealed to it.
  Suite suite() const;

 private:
  std::optional<crypto::SecretBytes> find_in_room(const MessageHead& head) const;

  WhisperKeyKind kind_;
  ChainId chain_;
  Bytes public_key_;
  crypto::SecretBytes private_key_;              // Of a pair.
  std::optional<crypto::Agreement> agreement_;   // Of a room.
  std::optional<crypto::KeySchedule> schedule_;  // Of a room.
};

}  // namespace bmsg::api
