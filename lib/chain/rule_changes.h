// RuleChange: what two versions of a chain's rules differ in, line by line.

#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lib/chain/rules_text.h"

namespace bmsg::chain {

/// One line that is another. Endorsers and members are not changed but come or go: only one of the
/// two values is there. Neither is: the endorsers are the same in another order.
struct RuleChange {
  std::string key;  // As in the text.
  std::optional<std::string> from;
  std::optional<std::string> to;

  bool operator==(const RuleChange&) const = default;
};

/// In the order of the text, those that go before those that come. The version is no change.
std::vector<RuleChange> changes_between(const RulesText& before, const RulesText& after);

}  // namespace bmsg::chain
