#include "lib/chain/rule_changes.h"

#include <algorithm>
#include <string_view>

#include "lib/core/hex.h"

namespace bmsg::chain {
namespace {

/// The lines that stand once in a text, "key value".
std::vector<std::pair<std::string, std::string>> single_lines(const RulesText& rules) {
  RulesText without = rules;
  without.endorsers.clear();
  without.members.clear();
  const std::string text = print(without);
  std::vector<std::pair<std::string, std::string>> lines;
  for (std::string_view left = text; !left.empty();) {
    const std::string_view line = left.substr(0, left.find('\n'));
    left.remove_prefix(line.size() + 1);
    const std::size_t space = line.find(' ');
    lines.emplace_back(line.substr(0, space), line.substr(space + 1));
  }
  return lines;
}

template <class Key>
bool has(const std::vector<Key>& keys, const Key& key) {
  return std::ranges::find(keys, key) != keys.end();
}

template <class Key>
void add_keys(std::vector<RuleChange>& changes, const char* name, const std::vector<Key>& before,
              const std::vector<Key>& after) {
  const std::size_t first = changes.size();
  for (const Key& key : before)
    if (!has(after, key)) changes.push_back({name, to_hex(key.view()), std::nullopt});
  for (const Key& key : after)
    if (!has(before, key)) changes.push_back({name, std::nullopt, to_hex(key.view())});
  if (changes.size() == first && before != after)
    changes.push_back({name, std::nullopt, std::nullopt});
}

}  // namespace

std::vector<RuleChange> changes_between(const RulesText& before, const RulesText& after) {
  std::vector<RuleChange> changes;
  const auto old_lines = single_lines(before);
  const auto new_lines = single_lines(after);
  for (const auto& [key, value] : old_lines) {
    const auto found =
        std::ranges::find(new_lines, key, [](const auto& line) { return line.first; });
    if (key == "version" || found == new_lines.end() || found->second == value) continue;
    changes.push_back({key, value, found->second});
  }
  add_keys(changes, "endorser", before.endorsers, after.endorsers);
  add_keys(changes, "member", before.members, after.members);
  return changes;
}

}  // namespace bmsg::chain
