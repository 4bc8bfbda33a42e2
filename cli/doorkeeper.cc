#include "cli/doorkeeper.h"

#include <fmt/format.h>

#include <memory>
#include <set>
#include <sstream>

#include "lib/core/hex.h"
#include "lib/core/try.h"

namespace bmsg::cli {
namespace {

constexpr std::chrono::minutes kBetweenLines{1};

Result<std::set<NodeKey>> allowed_keys(const std::string& setting) {
  std::set<NodeKey> keys;
  std::istringstream words(setting);
  for (std::string word; words >> word;) {
    const auto key = fixed_from_hex<NodeKey>(word);
    if (!key) {
      return Error{
          Errc::bad_config,
          fmt::format("serve.allow: '{}' is no node key, which has 64 digits of 0-9a-f", word),
          "'bmsg id --node' prints the key of a store"};
    }
    keys.insert(*key);
  }
  return keys;
}

chain::RulesText closed_rules() {
  chain::RulesText rules;
  rules.access = chain::Access::members;
  return rules;
}

}  // namespace

bool Members::take(const chain::RulesText& rules) {
  const bool all = rules.access == chain::Access::open;
  std::set<NodeKey> keys(rules.members.begin(), rules.members.end());
  const std::lock_guard lock(mutex_);
  if (all == all_ && keys == keys_) return false;
  all_ = all;
  keys_ = std::move(keys);
  return true;
}

bool Members::are_all() const {
  const std::lock_guard lock(mutex_);
  return all_;
}

bool Members::have(const NodeKey& key) const {
  const std::lock_guard lock(mutex_);
  return keys_.contains(key);
}

Result<node::JudgeKey> admitted_keys(std::shared_ptr<const Members> members,
                                     const Settings& settings) {
  BMSG_TRY_ASSIGN(auto keys, allowed_keys(settings.text("serve.allow")));
  if (members->are_all()) return node::JudgeKey();
  // Shared, because a function can be copied and what it asks is the same for all copies.
  const auto allowed = std::make_shared<const std::set<NodeKey>>(std::move(keys));
  return node::JudgeKey([allowed, members = std::move(members)](const NodeKey& key) {
    return allowed->contains(key) || members->have(key);
  });
}

Doorkeeper::Doorkeeper(const Clock& clock, Log& log)
    : clock_(clock), log_(log), members_(std::make_shared<Members>(closed_rules())) {}

bool Doorkeeper::follow(node::Service& node) {
  if (members_->are_all()) return false;  // No charter changes that.
  const auto text = node.rules_in_force();
  const auto rules =
      text ? chain::parse_rules_text(text.value()) : Result<chain::RulesText>(text.error());
  if (rules) return members_->take(rules.value());
  log_.write(LogLevel::warning, "members are judged by older rules: " + rules.error().message);
  return false;
}

Result<Done> Doorkeeper::guard(net::ServerOptions& options, const Settings& settings) {
  BMSG_TRY_ASSIGN(auto admits, admitted(settings));
  if (!admits) {
    if (!settings.text("serve.allow").empty())
      log_.write(LogLevel::warning, "serve.allow says nothing here: this chain is open to all");
    return done;
  }
  options.admits = std::move(admits);
  options.turned_away = [this](const net::Peer& caller) { note(caller); };
  return done;
}

std::size_t Doorkeeper::turned_away() const {
  const std::lock_guard lock(mutex_);
  return turned_away_;
}

void Doorkeeper::note(const net::Peer& caller) {
  const std::lock_guard lock(mutex_);
  ++turned_away_;
  const auto now = clock_.steady();
  if (told_ && now - *told_ < kBetweenLines) return;
  told_ = now;
  const std::size_t untold = turned_away_ - told_of_ - 1;
  told_of_ = turned_away_;
  log_.write(
      LogLevel::warning,
      fmt::format(
          "turned away {}, which shows {}{}", caller.address,
          caller.key ? "the node key " + to_hex(caller.key->view()) : std::string("no node key"),
          untold > 0 ? fmt::format("; {} more since the last such line", untold) : std::string()));
}

}  // namespace bmsg::cli
