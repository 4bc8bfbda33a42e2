#include "cli/charter_change.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "cli/settings.h"
#include "cli/text.h"
#include "lib/core/hex.h"
#include "lib/core/try.h"

namespace bmsg::cli {
namespace {

constexpr std::size_t kPrefixMin = 8;  // Digits that name a key in a list.

Error bad(std::string why) { return Error{Errc::bad_usage, std::move(why)}; }

template <class Key>
Result<Done> add_keys(const char* option, const std::vector<std::string>& texts,
                      std::vector<Key>& keys) {
  for (const std::string& text : texts) {
    const auto key = fixed_from_hex<Key>(text);
    if (!key) return bad(fmt::format("{} '{}': give 64 lower-case hex digits", option, text));
    if (std::ranges::find(keys, *key) != keys.end())
      return bad(fmt::format("{} {}: it is there already", option, text));
    keys.push_back(*key);
  }
  return done;
}

/// Keys that are there may be named by their first digits.
template <class Key>
Result<Done> remove_keys(const char* option, const std::vector<std::string>& texts,
                         std::vector<Key>& keys) {
  for (const std::string& text : texts) {
    const auto is_named = [&](const Key& key) { return to_hex(key.view()).starts_with(text); };
    if (text.size() < kPrefixMin)
      return bad(fmt::format("{} '{}': give {} digits or more", option, text, kPrefixMin));
    const auto count = std::ranges::count_if(keys, is_named);
    if (count != 1)
      return bad(fmt::format("{} '{}': {} of the rules in force begin so", option, text,
                             count == 0 ? "no key" : "several keys"));
    std::erase_if(keys, is_named);
  }
  return done;
}

Result<std::uint64_t> parse_count(const std::string& text) {
  std::uint64_t number = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (fault == std::errc() && end == text.data() + text.size()) return number;
  return bad(fmt::format("'{}' is no number", text));
}

/// A line of the rules that may be another, and how its value is spelled here.
struct Settable {
  const char* key;
  std::uint32_t chain::RulesText::*value;
  Result<std::uint64_t> (*parse)(const std::string&);
};

constexpr Settable kSettable[] = {{"interval", &chain::RulesText::interval, parse_duration},
                                  {"maxblock", &chain::RulesText::maxblock, parse_size},
                                  {"maxmessage", &chain::RulesText::maxmessage, parse_size},
                                  {"maxttl", &chain::RulesText::maxttl, parse_duration},
                                  {"stamp", &chain::RulesText::stamp, parse_count},
                                  {"blobstamp", &chain::RulesText::blobstamp, parse_count}};

Result<Done> set_value(const std::string& text, chain::RulesText& rules) {
  const std::size_t equals = std::min(text.size(), text.find('='));
  const std::string key = text.substr(0, equals);
  const auto found =
      std::ranges::find_if(kSettable, [&](const auto& one) { return key == one.key; });
  if (found == std::end(kSettable) || equals == text.size())
    return Error{Errc::bad_usage, fmt::format("--set '{}': this cannot be set", shown_line(text)),
                 "interval, maxblock, maxmessage, maxttl, stamp and blobstamp can: --set "
                 "KEY=VALUE"};
  const auto value = found->parse(text.substr(equals + 1));
  if (!value) return in_context("--set " + key, value.error());
  if (value.value() > UINT32_MAX) return bad(fmt::format("--set {}: it is too large", key));
  rules.*(found->value) = static_cast<std::uint32_t>(value.value());
  return done;
}

}  // namespace

void add_change_options(Command command, CharterChange& change) {
  const auto add = [&](const char* name, auto& value, const char* says, const char* type) {
    return command.add_option(name, value, says).type_name(type);
  };
  add("--endorse", change.endorse, "So many must sign", "K");
  add("--add-endorser", change.add_endorsers, "One more endorser; again for more", "KEY")
      .one_value_each();
  add("--rm-endorser", change.rm_endorsers, "One less; again for more", "KEY").one_value_each();
  add("--add-member", change.add_members, "One more node that may sync; again for more", "KEY")
      .one_value_each();
  add("--rm-member", change.rm_members, "One less; again for more", "KEY").one_value_each();
  add("--set", change.values, "Another limit; again for more", "KEY=VALUE").one_value_each();
}

Result<chain::RulesText> next_rules(const chain::RulesText& in_force, const CharterChange& change) {
  chain::RulesText next = in_force;
  if (next.version == UINT32_MAX) return bad("the rules have had as many versions as they may");
  ++next.version;
  const bool names_members = !change.add_members.empty() || !change.rm_members.empty();
  if (names_members && in_force.access == chain::Access::open)
    return bad(
        "--add-member, --rm-member: this chain is open to all, and a charter cannot close it");
  BMSG_TRY(remove_keys("--rm-endorser", change.rm_endorsers, next.endorsers));
  BMSG_TRY(add_keys("--add-endorser", change.add_endorsers, next.endorsers));
  BMSG_TRY(remove_keys("--rm-member", change.rm_members, next.members));
  BMSG_TRY(add_keys("--add-member", change.add_members, next.members));
  for (const std::string& value : change.values) BMSG_TRY(set_value(value, next));
  if (change.endorse > 0) next.endorse = change.endorse;
  const std::size_t n = next.endorsers.size();
  if (next.endorse > n || 2 * std::size_t{next.endorse} <= n)
    return Error{Errc::bad_usage,
                 fmt::format("{} of {} endorsers would have to sign, which must be more than half "
                             "and no more than all",
                             next.endorse, n),
                 "--endorse K says how many"};
  auto parsed = chain::parse_rules_text(chain::print(next));
  if (!parsed) return bad(parsed.error().message);
  return next;
}

}  // namespace bmsg::cli
