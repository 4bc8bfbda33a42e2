#include "cli/wait.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <thread>

#include "cli/release.h"
#include "cli/session.h"
#include "cli/standing.h"
#include "cli/text.h"
#include "lib/api/json_objects.h"
#include "lib/core/address.h"
#include "lib/core/hex.h"
#include "lib/core/try.h"

namespace bmsg::cli {
namespace {

constexpr std::chrono::milliseconds kFirstPause{50};
constexpr std::chrono::milliseconds kLongestPause{2000};
constexpr std::uint64_t kCountMax = 1'000'000;

/// One recipient of one message; no recipient for a public one.
struct Line {
  const mail::Addressee* to = nullptr;
  api::SentView view = {};
};

std::vector<Line> lines_of(const Queued& queued, const WaitWish& wish) {
  std::vector<Line> lines;
  const auto add = [&](const MessageId& id, const mail::Addressee* to) {
    Line line{.to = to};
    line.view.id = id;
    line.view.asked = wish.words;
    if (to != nullptr) line.view.to = to_address(to->address);
    lines.push_back(std::move(line));
  };
  for (const mail::Sent& sent : queued.sent) {
    if (sent.to.empty()) add(sent.id, nullptr);
    for (const mail::Addressee& to : sent.to) add(sent.id, &to);
  }
  if (queued.held) {
    for (const mail::Addressee& to : queued.to) add(*queued.held, &to);
  }
  return lines;
}

bool reached(const mail::OutboxStatus& status, const WaitWish& wish) {
  using State = mail::OutboxState;
  const bool mined = status.state == State::mined || status.state == State::buried;
  switch (wish.goal) {
    case WaitGoal::queued:
      return status.state != State::held;
    case WaitGoal::pooled:
      return mined || status.state == State::pooled || status.state == State::relayed;
    case WaitGoal::relayed:
      return status.relayed_to >= wish.count;
    case WaitGoal::mined:
      return mined && status.confirmations >= wish.count;
    case WaitGoal::read:
      return false;  // The message does not tell: its recipient does.
  }
  return false;
}

bool is_over(mail::OutboxState state) {
  return state == mail::OutboxState::failed || state == mail::OutboxState::expired;
}

void set(api::SentView& view, bool ok, ExitCode code, std::string_view state, std::string reason) {
  view.ok = ok;
  view.code = static_cast<int>(code);
  view.state = state;
  view.reason = reason.empty() ? std::nullopt : std::optional(std::move(reason));
}

Result<Done> look(const Standings& standings, const WaitWish& wish, Line& line) {
  if (wish.goal == WaitGoal::read && line.to != nullptr) {
    BMSG_TRY_ASSIGN(const bool read, standings.is_read_by(line.view.id, line.to->address));
    if (read) {
      set(line.view, true, ExitCode::ok, "read", "");
      return done;
    }
  }
  BMSG_TRY_ASSIGN(const auto status, standings.status_of(line.view.id));
  if (!status) {
    set(line.view, false, ExitCode::unavailable, "cancelled", "it was taken back");
    return done;
  }
  const bool ok = reached(*status, wish);
  const ExitCode code =
      ok ? ExitCode::ok : (is_over(status->state) ? ExitCode::unavailable : ExitCode::try_again);
  set(line.view, ok, code, mail::name_of(status->state), status->reason);
  return done;
}

/// What the command exits with: the worst of what cannot be, else whether all is reached.
ExitCode outcome_of(const std::vector<Line>& lines) {
  ExitCode outcome = ExitCode::ok;
  for (const Line& line : lines) {
    const auto code = static_cast<ExitCode>(line.view.code);
    if (code == ExitCode::ok) continue;
    if (code != ExitCode::try_again) return code;
    outcome = code;
  }
  return outcome;
}

bool is_settled(const std::vector<Line>& lines) {
  return std::ranges::none_of(lines, [](const Line& line) {
    return line.view.code == static_cast<int>(ExitCode::try_again);
  });
}

void print(Context& context, const std::vector<Line>& lines) {
  for (const Line& line : lines) {
    const api::SentView& view = line.view;
    if (context.options.json) {
      context.out.line(api::sent_json(view));
    } else {
      context.out.line(fmt::format("{}\t{}\t{}\t{}", to_hex(view.id.view()), view.to.value_or("-"),
                                   view.state, shown_line(view.reason.value_or("-"))));
    }
  }
}

}  // namespace

Result<WaitWish> parse_wait(const std::string& words) {
  constexpr std::array<std::string_view, 5> kNames = {"queued", "pooled", "relayed", "mined",
                                                      "read"};
  const auto equals = words.find('=');
  const std::string_view name = std::string_view(words).substr(0, equals);
  const auto found = std::ranges::find(kNames, name);
  const Error bad{
      Errc::bad_usage,
      fmt::format("--wait {}: give queued, pooled, relayed[=N], mined[=N] or read", words)};
  if (found == kNames.end()) return bad;
  WaitWish wish{.goal = static_cast<WaitGoal>(found - kNames.begin()), .count = 1, .words = words};
  if (equals == std::string::npos) return wish;
  const bool counts = wish.goal == WaitGoal::relayed || wish.goal == WaitGoal::mined;
  const char* end = words.data() + words.size();
  const auto [at, error] = std::from_chars(words.data() + equals + 1, end, wish.count);
  const bool number = error == std::errc() && at == end;
  if (!counts || !number || wish.count == 0 || wish.count > kCountMax) return bad;
  return wish;
}

Result<ExitCode> wait_for(Context& context, const StoreDir& store, const mail::Keyring* keyring,
                          const Queued& queued, const WaitWish& wish,
                          std::optional<std::chrono::seconds> timeout) {
  const auto began = context.clock.steady();
  BMSG_TRY_ASSIGN(auto standings, Standings::open(context, store, keyring));
  std::vector<Line> lines = lines_of(queued, wish);
  BMSG_TRY_ASSIGN(const auto rules, rules_now(context, store));
  for (auto pause = kFirstPause;; pause = std::min(2 * pause, kLongestPause)) {
    if (queued.held && keyring != nullptr) BMSG_TRY(release_held(context, store, rules, *keyring));
    for (Line& line : lines) BMSG_TRY(look(standings, wish, line));
    if (is_settled(lines)) break;
    const auto left = timeout ? std::chrono::duration_cast<std::chrono::milliseconds>(
                                    *timeout - (context.clock.steady() - began))
                              : pause;
    if (left.count() <= 0) break;
    std::this_thread::sleep_for(std::min(pause, left));
    BMSG_TRY(standings.refresh());
  }
  print(context, lines);
  return outcome_of(lines);
}

}  // namespace bmsg::cli
