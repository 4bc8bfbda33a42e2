// Meeting a node for the first time: its rules, its key, one sync.

#pragma once

#include <string>

#include "cli/command.h"

namespace bmsg::cli {

/// The rules text of a node, checked for form.
/// Errors: as node::Transport; Errc::protocol if it is none.
Result<std::string> fetch_rules(const Context& context, const std::string& url);

enum class FirstSync { yes, no };

/// Keeps `url` as a peer of the store and syncs once. A peer that is away by then is a warning.
Result<Done> join_peer(Context& context, const StoreDir& store, const std::string& url,
                       FirstSync sync);

}  // namespace bmsg::cli
