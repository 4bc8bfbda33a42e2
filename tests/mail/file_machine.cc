#include "tests/mail/file_machine.h"

#include <fmt/format.h>

#include <algorithm>

#include "lib/core/try.h"
#include "lib/mail/keyring.h"
#include "tests/mail/support.h"

namespace bmsg::mail {
namespace {

constexpr std::size_t kFileBytesMax = 1 << 20;

/// No error where what was wanted is so already.
Result<Done> or_else(Result<Done> result, Errc fine) {
  return result || result.error().code != fine ? result : Result<Done>(done);
}

std::string text_of(const Result<std::optional<Bytes>>& bytes) {
  if (!bytes) return bytes.error().message;
  return bytes.value() ? to_string(*bytes.value()) : kGone;
}

std::string keyring_fact(const Machine& machine) {
  const auto file = machine.disk.read(machine.root / "keyring", kFileBytesMax);
  if (!file || !file.value()) return text_of(file);
  const auto opened = open_keyring(*file.value(), as_bytes(kKeyringPassphrase));
  return opened ? to_string(opened.value().view()) : opened.error().message;
}

std::string card_fact(const Machine& machine) {
  static const IdentityKey whose = identity(2);
  const auto found = machine.cards.kept(whose, 0);
  if (!found) return found.error().message;
  std::string text;
  for (const Card& card : found.value()) text += fmt::format("{} ", card.seq);
  return text;
}

std::string revoked_fact(const Machine& machine) {
  static const IdentityKey whose = identity(3);
  const auto found = machine.cards.cards_of(whose);
  return !found ? found.error().message : found.value().revoked ? "revoked" : "not revoked";
}

/// The last number that was used. A number whose use was not acknowledged is used no more.
std::string number_fact(const Machine& machine) {
  const auto open = machine.conversation();
  if (!open) return open.error().message;
  const std::uint64_t last = open.value().next_seq() - 1;
  const auto& prev = open.value().prev();
  const bool fits = last == 0 ? !prev : prev == IdPrefix::filled(static_cast<std::uint8_t>(last));
  return fits && last < 10 ? std::to_string(last) : "a number without its message";
}

/// None where the file is not there yet: to open it would begin one.
std::string signed_fact(const Machine& machine) {
  const auto file = machine.disk.read(machine.root / "endorser.log", kFileBytesMax);
  if (!file || !file.value()) return text_of(file);
  const auto log = machine.endorser_log();
  if (!log) return log.error().message;
  return log.value().is_new() ? "begun anew" : fmt::format("{}", log.value().entries().size());
}

std::string held_fact(Machine& machine) {
  std::vector<MessageId> damaged;
  const auto all = machine.held().all(&damaged);
  if (!all) return all.error().message;
  std::string text = damaged.empty() ? "" : "damaged ";
  for (const HeldLetter& one : all.value()) text += to_string(one.letter.content.content);
  return text;
}

}  // namespace

Machine::Machine(CutDisk& its_disk, std::filesystem::path its_root)
    : disk(its_disk),
      root(std::move(its_root)),
      clock(kFilesNow),
      mailbox_key(secret(9)),
      outbox(disk, root / "outbox"),
      cards(disk, root / "cards", example_chain().id) {}

Result<Conversation> Machine::conversation() const {
  static const ConversationKey key{
      .sender = identity(1), .device = 0, .to = {identity(2)}, .scope = {}};
  return Conversation::take(disk, root / "outbox" / "seq", key, mailbox_key,
                            std::chrono::milliseconds(0), clock);
}

Result<node::EndorserLog> Machine::endorser_log() const {
  return node::EndorserLog::open(disk, root / "endorser.log", EndorserKey::filled(5), {kFilesNow});
}

Result<Done> Machine::cancel(const MessageId& id) {
  return or_else(outbox.cancel(id), Errc::not_found);
}

Result<Done> Machine::take(const std::vector<OutboxFile>& files) {
  BMSG_TRY_ASSIGN(const auto queued, outbox.new_messages(99));
  for (const auto& one : queued) {
    const bool is_wanted = std::ranges::any_of(
        files, [&](const OutboxFile& file) { return file.message == one.message; });
    if (is_wanted) BMSG_TRY(outbox.mark_taken(one.name));
  }
  return done;
}

Facts Machine::facts() {
  Facts found;
  found["keyring"] = keyring_fact(*this);
  found["card"] = card_fact(*this);
  found["revoked"] = revoked_fact(*this);
  found["number"] = number_fact(*this);
  found["signed"] = signed_fact(*this);
  found["held"] = held_fact(*this);
  for (const char* file : {"contacts", "config"}) {
    found[file] = text_of(disk.read(root / file, kFileBytesMax));
  }
  return found;
}

}  // namespace bmsg::mail
