#include "lib/mail/whole_files.h"

#include <algorithm>

#include "lib/core/codec.h"
#include "lib/crypto/sha512.h"
#include "lib/mail/card.h"

namespace bmsg::mail {
namespace {

constexpr std::size_t kSlotBytes = 36;  // "bmQ1", seq 8, prev 16, check 8.
constexpr std::size_t kCheckBytes = 8;
constexpr std::size_t kSecondSlot = 4096;

/// Whether the last bytes begin the hash of those before.
bool ends_with_hash(ByteView bytes, std::size_t check_bytes) {
  if (bytes.size() < check_bytes) return false;
  const Digest hash = crypto::sha512(bytes.first(bytes.size() - check_bytes));
  return std::ranges::equal(bytes.last(check_bytes), hash.view().first(check_bytes));
}

bool is_whole_slot(ByteView bytes, std::size_t at) {
  return bytes.size() >= at + kSlotBytes && as_text(bytes.subspan(at, 4)) == "bmQ1" &&
         ends_with_hash(bytes.subspan(at, kSlotBytes), kCheckBytes);
}

}  // namespace

bool is_whole_conversation(ByteView bytes) {
  if (bytes.size() != kSlotBytes && bytes.size() < kSecondSlot) return false;
  return is_whole_slot(bytes, 0) || is_whole_slot(bytes, kSecondSlot);
}

bool is_whole_held(ByteView bytes) {
  return bytes.size() > 5 && as_text(bytes.first(4)) == "bmL1" &&
         ends_with_hash(bytes, Digest::kSize);
}

bool is_whole_card(ByteView bytes, const ChainId& chain) {
  const auto message = decode_message(bytes);
  return message && read_card(message.value(), chain);
}

}  // namespace bmsg::mail
