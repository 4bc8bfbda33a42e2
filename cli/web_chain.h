// What the page asks of the chain: blocks, branches, messages as strangers see them, receipts.

#pragma once

#include <span>

#include "cli/web_call.h"

namespace bmsg::cli {

/// Their rows.
std::span<const WebCall> chain_calls();

}  // namespace bmsg::cli
