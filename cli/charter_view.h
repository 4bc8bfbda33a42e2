// A charter as people and programs read it.

#pragma once

#include <string>
#include <vector>

#include "cli/command.h"
#include "lib/api/charter_json.h"
#include "lib/chain/charter_draft.h"
#include "lib/node/rules_book.h"

namespace bmsg::cli {

/// Of a draft that follows the rules in force, with its text.
api::CharterView view_of(const chain::CharterDraft& draft, const chain::ChainRules& in_force);
/// Of a version on the chain; `before` is null for the first.
api::CharterView view_of(const node::ChartedRules& version, const chain::RulesText* before);

/// What a draft changes and who has signed it, in words.
std::vector<std::string> draft_lines(const api::CharterView& view);
/// A version in the list of all.
std::vector<std::string> log_lines(const api::CharterView& view);

/// Warns of rules under which no later charter would fit into a message.
void warn_of_size(Context& context, const chain::RulesText& next);

}  // namespace bmsg::cli
