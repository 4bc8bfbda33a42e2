// What the page asks of contacts, and of who one is oneself.

#pragma once

#include <span>

#include "cli/web_call.h"

namespace bmsg::cli {

/// Their rows.
std::span<const WebCall> people_calls();

}  // namespace bmsg::cli
