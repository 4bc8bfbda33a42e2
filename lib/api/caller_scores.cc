#include "lib/api/caller_scores.h"

#include <algorithm>
#include <array>

#include "lib/api/peer_answers.h"
#include "lib/api/wire_json.h"
#include "lib/chain/rules.h"
#include "lib/core/hex.h"

namespace bmsg::api {
namespace {

using chain::FrameType;
using chain::Rule;

bool is_put(const net::HttpRequest& request) {
  return request.method == net::Method::post && request.path == std::string(kPeerPrefix) + "put";
}

/// Whom a score is kept for; nullopt: nobody.
std::optional<std::string> name_of(const net::Peer& caller) {
  if (caller.is_unix || caller.is_loopback || caller.address.empty()) return std::nullopt;
  return caller.key ? to_hex(caller.key->view()) : caller.address;
}

template <std::size_t kCount>
bool is_one_of(std::string_view name, const std::array<Rule, kCount>& rules) {
  return std::ranges::any_of(rules, [name](Rule rule) { return chain::name_of(rule) == name; });
}

/// Broken by whoever made it and whoever passed it on.
bool is_broken(FrameType type, std::string_view rule, Limits limits) {
  switch (type) {
    case FrameType::block:
      // A body may have been dropped, and a clock may be wrong.
      return !is_one_of(rule, std::array{Rule::body, Rule::early});
    case FrameType::compact:
      // With another root, two messages may have one short id.
      return is_one_of(rule, std::array{Rule::layout, Rule::height, Rule::rules, Rule::past,
                                        Rule::time, Rule::work, Rule::bits, Rule::seal});
    case FrameType::message:
      if (limits == Limits::by_charter) return is_one_of(rule, std::array{Rule::layout});
      return is_one_of(rule, std::array{Rule::layout, Rule::stamp, Rule::message_size});
    case FrameType::ids:
    case FrameType::peers:
      return is_one_of(rule, std::array{Rule::layout, Rule::message_size});
    case FrameType::genesis:
    case FrameType::header:
    case FrameType::end:
      return true;  // Nobody is to be given these.
  }
  return true;
}

}  // namespace

std::optional<node::Misdeed> misdeed_of(FrameType type, const node::PutLine& line, Limits limits) {
  if (line.verdict != node::Verdict::refused || line.rule.empty()) return std::nullopt;
  if (line.rule == chain::name_of(Rule::chain)) return node::Misdeed::false_claim;
  if (!is_broken(type, line.rule, limits)) return std::nullopt;
  return node::Misdeed::broken_rule;
}

void CallerScores::note(const net::HttpRequest& request, const net::HttpResponse& response) {
  const auto name = is_put(request) ? name_of(request.peer) : std::nullopt;
  const bool all_well =
      response.status == 200 && as_text(response.body).find("bad ") == std::string_view::npos;
  if (!name || all_well) return;
  const auto frames = chain::view_pack(request.body, chain::EndFrame::optional);
  if (!frames) return count(*name, node::Misdeed::broken_rule);
  const auto lines = parse_put_lines(as_text(response.body), frames.value().size());
  if (!lines) return;  // It was not judged: too much at once, or a failure of ours.
  const std::size_t judged = std::min(lines.value().size(), frames.value().size());
  for (std::size_t i = 0; i < judged; ++i) {
    if (const auto misdeed = misdeed_of(frames.value()[i].type, lines.value()[i], limits_))
      count(*name, *misdeed);
  }
}

bool CallerScores::is_banned(const net::Peer& caller) const {
  const auto name = name_of(caller);
  if (!name) return false;
  const std::lock_guard lock(mutex_);
  const auto found = callers_.find(*name);
  return found != callers_.end() && !node::may_call(found->second, clock_.now());
}

std::size_t CallerScores::known() const {
  const std::lock_guard lock(mutex_);
  return callers_.size();
}

void CallerScores::count(const std::string& name, node::Misdeed misdeed) {
  const std::lock_guard lock(mutex_);
  if (callers_.size() >= kCallersScored && !callers_.contains(name)) {
    const auto score = [](const auto& caller) { return caller.second.score; };
    callers_.erase(std::ranges::min_element(callers_, {}, score));
  }
  node::Peer& caller = callers_[name];
  caller = node::penalise(std::move(caller), misdeed, clock_.now());
}

}  // namespace bmsg::api
