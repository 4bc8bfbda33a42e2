// To whom a message went, told to the sender's other devices and to nobody else.

#pragma once

#include <vector>

#include "lib/core/entropy.h"
#include "lib/mail/summary.h"

namespace bmsg::mail {

/// The key that all devices of an identity have in common.
/// Source: bmsg-format(5), "Records", 41.
crypto::SecretBytes sent_to_key(const crypto::SecretBytes& identity_seed);

/// The record of a message to these persons; of more than kSentToMax the first.
///
/// Shape: nonce 12, AES-256-GCM of 1, 2, 4, 8, 16, 32 or 64 places of 32 bytes, those that are not
///        needed zero: fellow recipients see no more of the number than the slots tell.
Result<Bytes> seal_sent_to(const crypto::SecretBytes& key, const std::vector<Addressee>& to,
                           Entropy& entropy);
inline constexpr std::size_t kSentToMax = 64;

/// The addresses in a record; none if there is no record, or it is not of this key.
std::vector<IdentityKey> open_sent_to(const crypto::SecretBytes& key, ByteView record);

}  // namespace bmsg::mail
