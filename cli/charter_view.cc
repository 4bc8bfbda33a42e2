#include "cli/charter_view.h"

#include <fmt/format.h>

#include "cli/refs.h"
#include "cli/times.h"
#include "lib/chain/rule_changes.h"
#include "lib/core/hex.h"
#include "lib/core/limits.h"
#include "lib/crypto/sha512.h"

namespace bmsg::cli {
namespace {

std::string line_of(const chain::RuleChange& one) {
  if (one.from && one.to) return fmt::format("{} {} -> {}", one.key, *one.from, *one.to);
  if (one.to) return fmt::format("{} + {}", one.key, *one.to);
  if (one.from) return fmt::format("{} - {}", one.key, *one.from);
  return fmt::format("{}s are in another order", one.key);
}

void add_details(const api::CharterView& view, std::string_view indent,
                 std::vector<std::string>& lines) {
  for (const chain::RuleChange& one : view.changes)
    lines.push_back(fmt::format("{}{}", indent, line_of(one)));
  for (const EndorserKey& key : view.signers)
    lines.push_back(fmt::format("{}signed by {}", indent, to_hex(key.view())));
}

std::vector<EndorserKey> keys_of(const Seal& votes, const chain::RulesText& rules) {
  std::vector<EndorserKey> keys;
  for (const SealEntry& vote : votes)
    if (vote.index < rules.endorsers.size()) keys.push_back(rules.endorsers[vote.index]);
  return keys;
}

}  // namespace

api::CharterView view_of(const chain::CharterDraft& draft, const chain::ChainRules& in_force) {
  api::CharterView view{.chain = draft.chain,
                        .version = 0,
                        .rules = crypto::sha512(as_bytes(draft.charter.rules_text)),
                        .needed = in_force.rules.endorse,
                        .signers = keys_of(draft.charter.votes, in_force.rules),
                        .text = chain::print(draft)};
  const auto next = chain::parse_rules_text(draft.charter.rules_text);
  if (!next) return view;
  view.version = next.value().version;
  view.changes = chain::changes_between(in_force.rules, next.value());
  return view;
}

api::CharterView view_of(const node::ChartedRules& version, const chain::RulesText* before) {
  const chain::RulesText& rules = version.rules.rules;
  api::CharterView view{.chain = version.rules.id,
                        .version = rules.version,
                        .rules = crypto::sha512(as_bytes(chain::print(rules))),
                        .needed = {},
                        .height = version.height,
                        .block = version.block,
                        .time = version.time};
  if (before == nullptr) return view;
  view.needed = before->endorse;
  view.signers = keys_of(version.votes, *before);
  view.changes = chain::changes_between(*before, rules);
  view.message = version.message;
  return view;
}

std::vector<std::string> draft_lines(const api::CharterView& view) {
  std::vector<std::string> lines{
      fmt::format("version {}, after version {}", view.version, view.version - 1)};
  if (view.changes.empty()) lines.emplace_back("nothing changes yet");
  add_details(view, "", lines);
  const std::size_t votes = view.signers.size();
  const std::uint32_t needed = view.needed.value_or(0);
  lines.push_back(fmt::format("{} of {} signatures{}", votes, needed,
                              votes >= needed ? ": 'bmsg charter submit' posts it" : ""));
  return lines;
}

std::vector<std::string> log_lines(const api::CharterView& view) {
  std::vector<std::string> lines;
  if (!view.height) {
    lines.push_back(fmt::format("version {} waits for a block: message {}", view.version,
                                view.message ? to_hex(view.message->view()) : "-"));
  } else {
    const std::string since = view.height->value == 0
                                  ? ""
                                  : fmt::format(", in force from block {}", view.height->value + 1);
    lines.push_back(fmt::format("version {} block {} {}{}", view.version,
                                block_name(*view.height, *view.block), to_rfc3339(*view.time),
                                since));
  }
  add_details(view, "  ", lines);
  return lines;
}

void warn_of_size(Context& context, const chain::RulesText& next) {
  const std::size_t votes = 1 + next.endorse * (1 + Signature::kSize);
  const std::size_t bytes = kHeadBytesFixed + kNonceBytes + votes + chain::print(next).size();
  if (bytes <= next.maxmessage) return;
  context.out.warn(
      fmt::format("under these rules no later charter fits: it would be {} bytes, and a message "
                  "may be {} (maxmessage)",
                  bytes, next.maxmessage));
}

}  // namespace bmsg::cli
