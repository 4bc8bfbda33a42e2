// What one put may bring: each frame is work for whoever takes it, and some are much of it.

#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "lib/chain/pack.h"

namespace bmsg::api {

/// What there is too much of, in words; nullopt: nothing. Looks at frames, not into them.
/// Source: bmsg-protocol(7), "Paths".
std::optional<std::string_view> find_excess(std::span<const chain::FrameView> frames);

}  // namespace bmsg::api
