// What the page asks of settings, versions, regular work and peers.

#pragma once

#include <span>

#include "cli/web_call.h"

namespace bmsg::cli {

/// Their rows.
std::span<const WebCall> settings_calls();

}  // namespace bmsg::cli
