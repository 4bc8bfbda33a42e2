// What `bmsg charter draft` is asked to change of the rules in force.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cli/parser.h"
#include "lib/chain/rules_text.h"
#include "lib/core/result.h"

namespace bmsg::cli {

struct CharterChange {
  std::uint32_t endorse = 0;  // 0: as before.
  std::vector<std::string> add_endorsers;
  std::vector<std::string> rm_endorsers;
  std::vector<std::string> add_members;
  std::vector<std::string> rm_members;
  std::vector<std::string> values;  // "KEY=VALUE".
};

void add_change_options(Command command, CharterChange& change);

/// The rules of the next version. Errors: Errc::bad_usage, naming the option.
Result<chain::RulesText> next_rules(const chain::RulesText& in_force, const CharterChange& change);

}  // namespace bmsg::cli
