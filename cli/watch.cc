#include "cli/watch.h"

#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <thread>

#include "cli/acknowledge.h"
#include "cli/block_view.h"
#include "cli/message_program.h"
#include "cli/message_view.h"
#include "cli/refs.h"
#include "cli/text.h"
#include "lib/core/hex.h"
#include "lib/core/try.h"
#include "lib/mail/absent.h"
#include "lib/mail/room.h"
#include "lib/node/chain_state.h"

namespace bmsg::cli {
namespace {

using std::chrono::milliseconds;

/// How often the files of the store are looked at.
constexpr milliseconds kLookEvery{100};
/// How often the store is read though its files say nothing: where they lie on another machine,
/// what they say may come late.
constexpr milliseconds kReadEvery{60'000};
constexpr milliseconds kFirstBackOff{2'000};
constexpr milliseconds kLongestBackOff{120'000};

/// Ends as if the signal had never been held up.
[[noreturn]] void end_by(int signal) {
  std::signal(signal, SIG_DFL);
  std::raise(signal);
  std::_Exit(128 + signal);
}

std::string name_of_message(const MessageId& id) {
  constexpr std::size_t kDigits = 16;
  return "message " + to_hex(id.view()).substr(0, kDigits);
}

}  // namespace

Watch::Watch(Context& context, const StoreDir& store, const WatchWish& wish, WatchedStore& watched,
             Cursor& cursor)
    : context_(context),
      store_(store),
      wish_(wish),
      watched_(watched),
      cursor_(cursor),
      began_(context.clock.steady()),
      spoke_(began_) {}

Result<ExitCode> Watch::run() {
  if (wish_.parked) {
    BMSG_TRY(deliver_parked());
    return outcome();
  }
  while (!is_over()) {
    BMSG_TRY_ASSIGN(bool more, deliver_chain());
    if (!more && !is_over() && watched_.room() != nullptr) BMSG_TRY(deliver_late());
    if (!more && !is_over() && wish_.pooled && watched_.room() != nullptr) {
      BMSG_TRY_ASSIGN(more, deliver_pool());
    }
    BMSG_TRY(cursor_.save());
    if (more || is_over()) continue;
    if (!watched_.has_changed()) {
      if (wish_.drain) break;
      BMSG_TRY(sleep(kReadEvery, Wake::changes_too));
    }
    if (!is_over()) BMSG_TRY(watched_.refresh());
  }
  return outcome();
}

/// Some events of the chain; true if there may be more.
Result<bool> Watch::deliver_chain() {
  mail::ReaderWish wish;
  wish.blocks = wish_.blocks ? mail::BlockEvents::yes : mail::BlockEvents::no;
  if (wish_.sealed || wish_.open)
    wish.wants = [this](const MessageId& id) { return wants_or_awaits(id); };
  BMSG_TRY_ASSIGN(const auto look, mail::look_ahead(watched_.chain(), cursor_.reader(), wish));
  if (look.left) BMSG_TRY(tell_left(*look.left));
  cursor_.move(look.from);
  for (std::size_t i = 0; i < look.events.size(); ++i) {
    if (i > 0 && watched_.has_changed()) {
      BMSG_TRY(watched_.refresh());  // What was found may have left the chain.
      return true;
    }
    BMSG_TRY(deliver(look.events[i]));
    if (is_over()) return false;
  }
  cursor_.move(look.place);
  return look.more;
}

/// What is in no block yet and new; its place in the chain is still to come.
Result<bool> Watch::deliver_pool() {
  BMSG_TRY_ASSIGN(const auto pooled, watched_.chain().pool(pool_arrival_));
  for (const node::PooledMessage& one : pooled) {
    BMSG_TRY_ASSIGN(const bool wanted, wants(one.id));
    BMSG_TRY_ASSIGN(const bool pending, is_pending(one.id));
    if (wanted && pending) cursor_.expect(one.id);
    if (wanted && !pending) BMSG_TRY(deliver({.after = cursor_.reader().place, .message = one.id}));
    if (is_over()) return false;
    pool_arrival_ = one.arrival + 1;
  }
  return false;
}

/// Signatures may come when the place has passed their message, and in a light store bodies.
Result<bool> Watch::wants_or_awaits(const MessageId& id) {
  BMSG_TRY_ASSIGN(const bool wanted, wants(id));
  if (wanted) {
    BMSG_TRY_ASSIGN(const bool pending, is_pending(id));
    if (pending) cursor_.expect(id);
    return !pending;
  }
  if (!watched_.chain().is_light()) return false;
  BMSG_TRY_ASSIGN(const bool handled, cursor_.has_handled(id));
  if (handled) return false;
  BMSG_TRY_ASSIGN(const bool absent, is_still_to_come(id));
  if (absent) cursor_.expect(id);
  return false;
}

/// Whether its head says that it may be wanted.
Result<bool> Watch::is_still_to_come(const MessageId& id) const {
  BMSG_TRY_ASSIGN(const auto places, watched_.chain().places_of(id));
  if (places.empty()) return false;
  BMSG_TRY_ASSIGN(const auto message, watched_.chain().message_at(places.front()));
  if (!message || message->body) return false;
  if (message->head.suite != Suite::open)
    return wish_.sealed ? mail::is_absent(watched_.index(), id) : Result<bool>(false);
  return wish_.open &&
         (wish_.topic ? message->head.topic == *wish_.topic : node::may_be_card(message->head));
}

/// Whether the policy that governs a message asks for more signatures than it has.
Result<bool> Watch::is_pending(const MessageId& id) const {
  if (!watched_.room()->has_policies()) return false;
  BMSG_TRY_ASSIGN(const auto item, watched_.room()->box().item(id));
  if (!item) return false;
  BMSG_TRY_ASSIGN(const auto approvals, watched_.room()->approvals(*item));
  return approvals && !approvals->enough();
}

/// Whether it has its place yet, and still.
bool Watch::stands(const mail::MailItem& item) const {
  return item.block.has_value() || (wish_.pooled && item.pooled);
}

/// What was put aside and is here, in the order of the chain.
Result<std::vector<mail::MailItem>> Watch::late_items() {
  BMSG_TRY_ASSIGN(const auto late, cursor_.late());
  std::vector<mail::MailItem> items;
  for (const MessageId& id : late) {
    BMSG_TRY_ASSIGN(auto item, watched_.room()->box().item(id));
    if (item) items.push_back(std::move(*item));
    // Only in a light store it may be still to come: here it was forgotten.
    if (!item && !watched_.chain().is_light()) cursor_.settle_late(id);
  }
  std::ranges::stable_sort(items, {}, [](const mail::MailItem& item) {
    const auto& block = item.block;
    return block ? std::pair(block->height, block->index) : std::pair(Height{UINT32_MAX}, 0u);
  });
  return items;
}

Result<Done> Watch::deliver_late() {
  BMSG_TRY_ASSIGN(const auto items, late_items());
  const auto before = given_ + parked_;
  for (const mail::MailItem& item : items) {
    BMSG_TRY(deliver_late(item));
    // Signatures of the next may have left the chain while a program ran.
    if (is_over() || (given_ + parked_ > before && watched_.has_changed())) return done;
  }
  return done;
}

/// Put aside until it has what it waits for, or has expired without it.
Result<Done> Watch::deliver_late(const mail::MailItem& item) {
  BMSG_TRY_ASSIGN(const bool wanted, wants(item.id));
  BMSG_TRY_ASSIGN(const bool pending, is_pending(item.id));
  BMSG_TRY_ASSIGN(const bool handled_before, cursor_.has_handled(item.id));
  if (!handled_before && (pending || !stands(item))) {
    if (item.expires() <= context_.clock.now().value) cursor_.settle_late(item.id);
    return done;
  }
  if (wanted) BMSG_TRY(deliver({.after = cursor_.reader().place, .message = item.id}));
  BMSG_TRY_ASSIGN(const bool handled, cursor_.has_handled(item.id));
  if (!wanted || handled) cursor_.settle_late(item.id);
  return done;
}

Result<Done> Watch::deliver_parked() {
  BMSG_TRY_ASSIGN(const auto parked, cursor_.parked());
  for (const mail::Parked& one : parked) {
    BMSG_TRY_ASSIGN(const bool pending, is_pending(one.id));
    if (pending) {
      context_.out.warn(name_of_message(one.id) + " waits for signatures again: it stays parked");
      continue;
    }
    BMSG_TRY(deliver({.after = cursor_.reader().place, .message = one.id}));
    BMSG_TRY(cursor_.save());
    if (is_over()) return done;
  }
  return done;
}

Result<Done> Watch::deliver(const mail::ReaderEvent& event) {
  if (!event.message) return deliver_block(event);
  BMSG_TRY_ASSIGN(const auto text, watched_.room()->box().read(*event.message));
  if (!text) {
    context_.out.warn(name_of_message(*event.message) + " is not in the index any more");
    return done;
  }
  if (!wish_.program.empty()) return hand_over(*text, event);
  const Mailroom& room = *watched_.room();
  BMSG_TRY(tell(api::message_json(message_view(room, *text)),
                message_event(room, text->item, context_.clock.now())));
  cursor_.handled(event);
  count_one();
  return done;
}

Result<Done> Watch::deliver_block(const mail::ReaderEvent& event) {
  BMSG_TRY_ASSIGN(const auto stored, watched_.chain().header(event.after.block));
  if (!stored) return done;
  BMSG_TRY(tell(api::block_json(block_view(*stored)), "block " + block_line(*stored)));
  cursor_.handled(event);
  count_one();
  return done;
}

/// Until the program takes the message, has failed too often, or the time is over.
Result<Done> Watch::hand_over(const mail::MailText& text, const mail::ReaderEvent& event) {
  ProgramCall call = message_call(wish_.program, store_, *watched_.room(), text);
  call.signals = OurSignals::passed_on;
  milliseconds pause = kFirstBackOff;
  for (std::uint32_t failures = 0; !is_over(); pause = std::min(2 * pause, kLongestBackOff)) {
    const ProgramResult result = run_program(call);
    const Verdict verdict = verdict_of(result);
    if (verdict == Verdict::handled) BMSG_TRY(note_handled(text, event));
    if (result.our_signal != 0) end_by(result.our_signal);
    if (verdict == Verdict::handled) return done;
    if (verdict == Verdict::impossible) {
      return Error{Errc::unreachable,
                   fmt::format("'{}' {}", wish_.program.front(), words_for(result)),
                   "nothing is lost: the message is delivered again by the next watch"};
    }
    if (verdict == Verdict::failed && ++failures >= wish_.tries) return give_up(result, event);
    context_.out.note(fmt::format("{}: '{}' {}; again in {} s", name_of_message(text.item.id),
                                  wish_.program.front(), words_for(result), pause.count() / 1000));
    BMSG_TRY(sleep(pause, Wake::only_time));
  }
  return Error{Errc::try_again, fmt::format("the time is over, and '{}' has not taken {} yet",
                                            wish_.program.front(), name_of_message(text.item.id))};
}

/// The acknowledgement first: queued twice it is one, and forgotten it would be none.
Result<Done> Watch::note_handled(const mail::MailText& text, const mail::ReaderEvent& event) {
  BMSG_TRY(
      acknowledge_message(context_, store_, *watched_.room(), text.item, AckWish::as_policy_says));
  cursor_.handled(event);
  BMSG_TRY(cursor_.save());
  count_one();
  return done;
}

Result<Done> Watch::give_up(const ProgramResult& result, const mail::ReaderEvent& event) {
  const std::string what = fmt::format("{}: '{}' {}, {} in a row", name_of_message(*event.message),
                                       wish_.program.front(), words_for(result), wish_.tries);
  if (wish_.stop_on_error)
    return Error{Errc::unreachable, what, "the next watch begins with this message"};
  context_.out.warn(cursor_.name().empty()
                        ? fmt::format("{}; it is left out", what)
                        : fmt::format("{}; it is parked, 'bmsg watch --cursor {} --parked' "
                                      "delivers it again",
                                      what, cursor_.name()));
  if (!wish_.parked) cursor_.park(event);
  BMSG_TRY(cursor_.save());
  ++parked_;
  return done;
}

Result<bool> Watch::wants(const MessageId& id) const {
  BMSG_TRY_ASSIGN(const bool handled, cursor_.has_handled(id));
  if (handled) return false;
  BMSG_TRY_ASSIGN(const auto item, watched_.room()->box().item(id));
  if (!item) return false;
  const mail::Summary& summary = item->summary;
  const bool is_open = summary.audience == mail::Audience::open;
  return summary.direction == mail::Direction::in && mail::is_text(summary) &&
         (is_open ? wish_.open : wish_.sealed) &&
         (!wish_.topic || (summary.room.empty() && summary.topic == *wish_.topic)) &&
         (!wish_.sender || summary.is_from(*wish_.sender)) &&
         (!wish_.room || mail::room_id_in(summary.room) == *wish_.room);
}

Result<Done> Watch::tell(const std::string& json, const std::string& words) {
  const bool for_person = context_.out.to_terminal() && !context_.options.json;
  context_.out.line(for_person ? fitted(words, context_.out.columns()) : json);
  spoke_ = context_.clock.steady();
  return context_.out.flush();
}

Result<Done> Watch::tell_left(const mail::LeftBranch& left) {
  api::ReorgView view{.from = left.from, .to = left.to, .depth = left.depth, .disconnected = {}};
  for (const MessageId& id : left.messages) {
    BMSG_TRY_ASSIGN(const auto entry, watched_.index().entry(id));
    if (entry) view.disconnected.push_back(id);
  }
  return tell(api::reorg_json(view),
              fmt::format("reorganised: {} blocks left the chain; {} messages are in none now",
                          view.depth, view.disconnected.size()));
}

Result<Done> Watch::tell_heartbeat() {
  BMSG_TRY_ASSIGN(const auto tip, watched_.chain().tip());
  return tell(api::heartbeat_json(context_.clock.now(), tip.height),
              fmt::format("height {}", tip.height.value));
}

/// Sleeps, tells that it is still there, and ends the watch when its time is over.
Result<Done> Watch::sleep(milliseconds longest, Wake wake) {
  const auto until = context_.clock.steady() + longest;
  for (;;) {
    const auto now = context_.clock.steady();
    if (is_over() || now >= until) return done;
    if (wake == Wake::changes_too && watched_.has_changed()) return done;
    if (wish_.heartbeat && now - spoke_ >= *wish_.heartbeat) BMSG_TRY(tell_heartbeat());
    auto pause = std::min<std::chrono::nanoseconds>(kLookEvery, until - now);
    if (wish_.timeout)
      pause = std::min<std::chrono::nanoseconds>(pause, began_ + *wish_.timeout - now);
    std::this_thread::sleep_for(pause);
  }
}

bool Watch::is_over() {
  const bool late = wish_.timeout && context_.clock.steady() - began_ >= *wish_.timeout;
  if (late && end_ == End::none) end_ = End::time;
  return end_ != End::none;
}

void Watch::count_one() {
  ++given_;
  if (wish_.count > 0 && given_ >= wish_.count) end_ = End::count;
}

Result<ExitCode> Watch::outcome() const {
  if (parked_ > 0) return ExitCode::partial;
  const bool short_of = given_ == 0 || given_ < wish_.count;
  return end_ == End::time && short_of ? ExitCode::no : ExitCode::ok;
}

}  // namespace bmsg::cli
