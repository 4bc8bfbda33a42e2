// What comes to members of a world: each message once, and to the byte what was sent.

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "lib/core/try.h"
#include "lib/mail/absent.h"
#include "lib/mail/ack.h"
#include "lib/mail/reader.h"
#include "tests/mail/world.h"

namespace bmsg::mail {
namespace {

constexpr const char* kReader = "bot";
constexpr std::uint64_t kClocksApartMax = 12 * 3600;

/// Of "post NUMBER REST".
std::optional<std::size_t> number_of(std::string_view words) {
  constexpr std::string_view kBegin = "post ";
  std::size_t number = 0;
  if (!words.starts_with(kBegin)) return std::nullopt;
  words.remove_prefix(kBegin.size());
  const auto end = std::from_chars(words.data(), words.data() + words.size(), number);
  return end.ec == std::errc() ? std::optional(number) : std::nullopt;
}

}  // namespace

/// All that there is, with the past of secrets that came with it. False: something failed.
bool World::scan(Index at) {
  for (bool more = true; more && !is_broken();) {
    if (!attempt(at, "scan", [](WorldMember& one) { return one.scan_all(); })) return false;
    look_into_mail(at);
    more = !is_broken() && take_grants(at);
  }
  return !is_broken() && member(at).is_running();
}

void World::read(Index at) {
  if (scan(at)) acknowledge_some(at, 25);
}

/// Of what was read and is not of the room: so many in a hundred.
void World::acknowledge_some(Index at, unsigned percent) {
  WorldMember& one = member(at);
  for (const MessageId& id : std::set<MessageId>(one.read)) {
    if (is_broken() || !one.is_running()) return;
    if (one.acknowledged.contains(id) || !chance(percent)) continue;
    const MailKeys keys = one.keys();
    if (one.mailbox(keys).item(id).value()->summary.room.empty()) acknowledge(at, id);
  }
}

void World::look_into_mail(Index at) {
  WorldMember& one = member(at);
  for (const MessageId& id : one.mail.with_flag("unread").value())
    expect(!one.read.contains(id), fmt::format("member {} is shown a message as new again", at));
  const MailKeys keys = one.keys();
  const Mailbox mailbox = one.mailbox(keys);
  for (const MessageId& id : one.mail.ids_with_prefix({}, SIZE_MAX).value()) {
    if (is_broken()) return;
    if (!one.known.insert(id).second) continue;
    const auto item = mailbox.item(id);
    expect(item && item.value(), "the mail index does not have what it lists");
    if (!is_broken()) take(at, *item.value());
  }
}

void World::take(Index at, const MailItem& item) {
  // Whoever had its block before may have forgotten what had expired.
  const bool has_expired = item.expires() <= clock_.now().value + kClocksApartMax;
  if (item.summary.fault == Fault::body && has_expired) return count("came too late");
  expect(!item.summary.fault, fmt::format("member {} cannot open a message to her", at));
  if (is_broken()) return;
  if (item.summary.kind == Kind::ack) return take_receipt(at, item);
  if (item.summary.kind == Kind::room_grant) return take_grant_note(item);
  expect(item.summary.kind == Kind::text, "a message of a kind that nobody sends");
  if (!is_broken()) take_text(at, item);
}

void World::take_text(Index at, const MailItem& item) {
  WorldMember& one = member(at);
  const auto number = number_of(item.summary.snippet);
  expect(number && *number < posts_.size(), "a text that nobody wrote");
  if (is_broken()) return;
  const Post& post = posts_[*number];
  const auto sender = index_of(item.summary.sender);
  expect(sender == post.from, fmt::format("post {} has another sender", *number));
  check_number({post.from, post.to}, item);
  if (item.summary.direction == Direction::out) return;
  expect(readers_of(post).contains(at), fmt::format("post {} was not for member {}", *number, at));
  expect(!post.is_called_back, fmt::format("post {} came though it was called back", *number));
  expect(one.letters.insert(*number).second, fmt::format("post {} came twice", *number));
  const MailKeys keys = one.keys();
  const auto text = one.mailbox(keys).read(item.id).value();
  const bool is_gone = text->opened.fault == Fault::body;
  expect(!is_gone || item.expires() <= clock_.now().value + kClocksApartMax,
         fmt::format("post {} has no body", *number));
  expect(is_gone || text->opened.content.content == post.letter.content.content,
         fmt::format("post {} does not say what was written", *number));
  expect(item.summary.signature == SignatureState::good, "a message without a good signature");
  check(bool(one.mail.apply({.flags = {{item.id, {}}}})), "a flag is not kept");
  one.read.insert(item.id);
  note(fmt::format("{} reads post {}", at, *number));
  count(post.epoch == 0 ? "read" : "read in the room");
}

void World::take_receipt(Index at, const MailItem& item) {
  WorldMember& one = member(at);
  const auto sender = index_of(item.summary.sender);
  expect(sender.has_value() && item.summary.re.size() == 1, "a receipt of nobody or nothing");
  if (is_broken()) return;
  if (item.summary.direction == Direction::out) {
    for (const Addressee& to : item.summary.to)
      check_number({at, {index_of(to.address.view()).value()}}, item);
    return;
  }
  check_number({*sender, {at}}, item);
  const bool is_new =
      one.receipts.emplace(item.summary.re.front(), member(*sender).address()).second;
  expect(is_new, fmt::format("member {} has acknowledged a message twice", *sender));
  note(fmt::format("{} has a receipt of {}", at, *sender));
  count("receipts");
}

/// Whom it went to nobody reads in it, and the keeper may not have been told yet.
void World::take_grant_note(const MailItem& item) {
  expect(index_of(item.summary.sender) == kKeeper, "a grant that is not of the keeper");
  const auto known = grants_.find(item.id);
  if (!is_broken() && known != grants_.end()) check_number({kKeeper, known->second}, item);
}

void World::check_number(const Course& course, const MailItem& item) {
  expect(item.summary.seq.has_value(), "a message without a number");
  if (is_broken()) return;
  const auto [found, is_new] = numbered_.emplace(std::pair(course, *item.summary.seq), item.id);
  expect(found->second == item.id,
         fmt::format("member {} has used number {} twice", course.first, *item.summary.seq));
}

/// A program that is given each message once. If its process dies before that is written down, it
/// is given that one again.
void World::run_reader(Index at) {
  if (!scan(at)) return;
  WorldMember& one = member(at);
  auto reader = find_reader(one.mail, kReader).value();
  MailChange change;
  if (!reader)
    reader =
        begin_reader(one.store, one.mail, kReader, first_place(one.store).value(), change).value();
  if (!give_late(at, change)) return;
  ReaderWish wish;
  wish.wants = [&](const MessageId& id) -> Result<bool> {
    BMSG_TRY_ASSIGN(const bool handled, is_handled(one.mail, kReader, id));
    BMSG_TRY_ASSIGN(const bool absent, is_absent(one.mail, id));
    if (!handled && absent) set_late(change, kReader, id);
    return one.read.contains(id) && !handled;
  };
  for (bool more = true; more;) {
    const auto look = look_ahead(one.store, *reader, wish).value();
    for (const ReaderEvent& event : look.events) {
      set_reader(change, kReader, {event.after, reader->begin});
      if (!give(at, *event.message, change)) return;
    }
    reader->place = look.place;
    set_reader(change, kReader, *reader);
    check(bool(one.mail.apply(std::exchange(change, {}))), "a place is not kept");
    more = look.more;
  }
}

/// What was passed without its body, and has come. False: the process is gone.
bool World::give_late(Index at, MailChange& change) {
  WorldMember& one = member(at);
  for (const MessageId& id : late_for(one.mail, kReader).value()) {
    if (!one.read.contains(id)) continue;
    clear_late(change, kReader, id);
    if (is_handled(one.mail, kReader, id).value()) continue;
    count("given late");
    if (!give(at, id, change)) return false;
  }
  return true;
}

/// The change says that it was given. False: the process died before that.
bool World::give(Index at, const MessageId& id, MailChange& change) {
  WorldMember& one = member(at);
  const bool is_first = one.given.insert(id).second;
  expect(is_first, fmt::format("the program of member {} is given a message again", at));
  count("given");
  if (has_faults_ && chance(5)) {
    one.given.erase(id);
    kill(at);
    return false;
  }
  set_handled(change, kReader, id);
  check(bool(one.mail.apply(std::exchange(change, {}))), "a place is not kept");
  return true;
}

}  // namespace bmsg::mail
