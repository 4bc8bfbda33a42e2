// What callers of a serving node may ask of it, by the settings and the options of serve.

#pragma once

#include <cstddef>
#include <cstdint>

#include "cli/settings.h"
#include "lib/net/http_server.h"

namespace bmsg::cli {

/// A value that is not 0 goes before its setting. Errors: Errc::bad_config.
Result<net::ServerOptions> serve_limits(const Settings& settings, std::size_t connections_max,
                                        std::uint32_t rate);

}  // namespace bmsg::cli
