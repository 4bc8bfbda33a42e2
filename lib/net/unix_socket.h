// Unix sockets by paths of any length, and the poke that never waits. No Asio.

#pragma once

#include <filesystem>
#include <string>

#include "lib/core/bytes.h"
#include "lib/core/descriptor.h"
#include "lib/core/result.h"

namespace bmsg::net {

/// What to do with a socket that lies there already. Replace it only while holding the lock that
/// says nobody else listens.
enum class Stale { keep, replace };

/// Listens at `path`, mode 0600, without blocking; the directory must exist. Only a socket is
/// replaced, never another kind of file.
/// Errors: Errc::unreachable if the path is taken, Errc::no_resource if the system gives no
///         descriptor, Errc::io for the rest.
Result<Descriptor> listen_unix(const std::filesystem::path& path, Stale stale);

/// Connects without waiting. Sockets have room for 107 bytes of path, so it goes through
/// /proc/self/fd/DIRECTORY/NAME.
/// Errors: Errc::unreachable: no such socket, nobody listens, or too many wait already.
Result<Descriptor> connect_unix(const std::filesystem::path& path);

/// Hands `request` to whoever listens at `path` and leaves. Never waits: the listener finds the
/// bytes in the socket's buffer when it has time. Whether they could be handed over.
bool poke(const std::filesystem::path& path, ByteView request);

}  // namespace bmsg::net
