#include "lib/mail/conversation.h"

#include <algorithm>
#include <optional>

#include "lib/core/byte_reader.h"
#include "lib/core/hex.h"
#include "lib/core/try.h"
#include "lib/crypto/kdf.h"
#include "lib/crypto/sha512.h"

namespace bmsg::mail {
namespace {

constexpr std::string_view kMagic = "bmQ1";
constexpr std::size_t kCheckBytes = 8;
constexpr std::size_t kSlotBytes = 4 + 8 + IdPrefix::kSize + kCheckBytes;
constexpr std::uint64_t kSlotStep = 4096;  // What is written at once never reaches into two.
// The one before the newest is kept, too: it is durable where the newest is not, whose syncing may
// have failed without whoever comes next knowing.
constexpr std::uint64_t kSlots = 3;
constexpr std::size_t kNameBytes = 32;

std::string name_of(const ConversationKey& key, const crypto::SecretBytes& mailbox_key) {
  std::vector<IdentityKey> to = key.to;
  std::ranges::sort(to);
  const auto repeated = std::ranges::unique(to);
  to.erase(repeated.begin(), repeated.end());

  Bytes text = to_bytes("bmsg1 conversation");
  append(text, key.sender.view());
  text.push_back(key.device);
  append_be(text, static_cast<std::uint32_t>(to.size()));
  for (const IdentityKey& address : to) append(text, address.view());
  append(text, key.scope);
  const auto mac = crypto::hmac(crypto::Hash::sha512, mailbox_key.view(), text);
  return to_hex(mac.view().first(kNameBytes));
}

ByteView check_of(const Digest& hash) { return hash.view().first(kCheckBytes); }

struct Slot {
  std::uint64_t seq;
  IdPrefix prev;
};

struct Newest {
  std::uint64_t number;
  Slot slot;
};

/// The slot that begins there; nullopt if it is not whole.
std::optional<Slot> read_slot(ByteView file, std::uint64_t at) {
  if (file.size() < at + kSlotBytes) return std::nullopt;
  const ByteView slot = file.subspan(at, kSlotBytes);
  ByteReader reader(slot);
  const ByteView magic = reader.take(kMagic.size());
  const auto seq = reader.integer<std::uint64_t>();
  const auto prev = reader.fixed<IdPrefix>();
  const ByteView check = reader.take(kCheckBytes);
  const Digest hash = crypto::sha512(slot.first(kSlotBytes - kCheckBytes));
  if (!reader.finished() || as_text(magic) != kMagic) return std::nullopt;
  if (!std::ranges::equal(check, check_of(hash))) return std::nullopt;
  return Slot{seq, prev};
}

/// A file of one slot, or with room for more, of which a crash may have cut the last.
bool has_fitting_size(ByteView file) {
  return file.size() == kSlotBytes || file.size() >= kSlotStep;
}

/// The slot with the highest number.
std::optional<Newest> newest_in(ByteView file) {
  std::optional<Newest> newest;
  for (std::uint64_t number = 0; number < kSlots; ++number) {
    const auto slot = read_slot(file, number * kSlotStep);
    if (slot && (!newest || slot->seq > newest->slot.seq)) newest = Newest{number, *slot};
  }
  return newest;
}

}  // namespace

bool is_whole_conversation(ByteView bytes) { return has_fitting_size(bytes) && newest_in(bytes); }

Conversation::Conversation(Disk& disk, std::filesystem::path file, FileLock lock)
    : disk_(disk), file_(std::move(file)), lock_(std::move(lock)) {}

Result<Conversation> Conversation::take(Disk& disk, const std::filesystem::path& seq_directory,
                                        const ConversationKey& key,
                                        const crypto::SecretBytes& mailbox_key,
                                        std::chrono::milliseconds patience, const Clock& clock) {
  BMSG_TRY(disk.make_directory(seq_directory));
  const std::filesystem::path file = seq_directory / name_of(key, mailbox_key);
  BMSG_TRY_ASSIGN(FileLock lock, FileLock::take(file.string() + ".lock", "send", patience, clock));
  Conversation taken(disk, file, std::move(lock));
  BMSG_TRY(taken.load());
  return taken;
}

Result<Done> Conversation::load() {
  BMSG_TRY_ASSIGN(const auto bytes, disk_.read(file_, (kSlots - 1) * kSlotStep + kSlotBytes));
  if (!bytes) return done;
  const auto newest = newest_in(*bytes);
  if (newest && newest->slot.seq > 0 && has_fitting_size(*bytes)) {
    last_seq_ = newest->slot.seq;
    prev_ = newest->slot.prev;
    slot_ = newest->number;
    has_more_slots_ = bytes->size() >= kSlotStep;
    return done;
  }
  return Error{Errc::corrupt, "'" + file_.string() + "' is damaged; remove it to begin again"};
}

Result<Done> Conversation::write(std::uint64_t seq, const IdPrefix& prev) {
  Bytes bytes = to_bytes(kMagic);
  append_be(bytes, seq);
  append(bytes, prev.view());
  const Digest hash = crypto::sha512(bytes);
  append(bytes, check_of(hash));
  if (!slot_) {
    BMSG_TRY(disk_.replace(file_, bytes));
    slot_ = 0;
    return done;
  }
  // Whoever made the file may have died, or failed, before its name was durable.
  if (!has_more_slots_) BMSG_TRY(disk_.sync_directory(file_.parent_path()));
  const std::uint64_t oldest = (*slot_ + 1) % kSlots;
  BMSG_TRY(disk_.overwrite(file_, oldest * kSlotStep, bytes));
  slot_ = oldest;
  has_more_slots_ = true;
  return done;
}

Result<Done> Conversation::used(const MessageId& id) {
  const auto prefix = prefix_of<IdPrefix>(id);
  BMSG_TRY(write(next_seq(), prefix));
  ++last_seq_;
  prev_ = prefix;
  return done;
}

void Conversation::note(const MessageId& id) {
  ++last_seq_;
  prev_ = prefix_of<IdPrefix>(id);
  is_noted_ = true;
}

Result<Done> Conversation::keep() { return is_noted_ ? write(last_seq_, *prev_) : done; }

Result<Conversation*> OpenConversations::take(Disk& disk,
                                              const std::filesystem::path& seq_directory,
                                              const ConversationKey& key,
                                              const crypto::SecretBytes& mailbox_key,
                                              std::chrono::milliseconds patience,
                                              const Clock& clock) {
  const std::filesystem::path file = seq_directory / name_of(key, mailbox_key);
  if (const auto open = open_.find(file); open != open_.end()) return &open->second;
  if (!open_.empty()) patience = std::chrono::milliseconds(0);
  BMSG_TRY_ASSIGN(auto taken,
                  Conversation::take(disk, seq_directory, key, mailbox_key, patience, clock));
  return &open_.emplace(file, std::move(taken)).first->second;
}

Result<Done> OpenConversations::keep() {
  auto open = std::exchange(open_, {});
  for (auto& [file, conversation] : open) BMSG_TRY(conversation.keep());
  return done;
}

}  // namespace bmsg::mail
