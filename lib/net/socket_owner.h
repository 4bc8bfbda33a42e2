// Whose process is at the other end of a TCP connection within this machine.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace bmsg::net {

/// The user of the established connection from `from` to `to` in a table of the form of
/// /proc/net/tcp; both as they stand there, "0100007F:1F90". nullopt if there is no such line: a
/// socket that was closed already is listed with user 0, so it counts for nobody.
std::optional<std::uint32_t> owner_in(std::string_view table, std::string_view from,
                                      std::string_view to);

/// The user whose process called, by the kernel's table of connections; nullopt where that does not
/// tell: the caller is on another machine or has left.
std::optional<std::uint32_t> owner_of_caller(int socket);

}  // namespace bmsg::net
