// What is said when branches change places, or do not.

#pragma once

#include <string>

#include "lib/node/service.h"

namespace bmsg::cli {

/// Another branch is followed now.
std::string reorg_text(const node::Reorg& reorg);

/// A better branch was left aside.
inline constexpr const char* kNotFollowed =
    "a better branch was kept and not followed; it would replace more blocks than max_reorg "
    "allows, "
    "or a checkpoint; 'bmsg fork list' shows it";

}  // namespace bmsg::cli
