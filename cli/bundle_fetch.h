// A bundle that lies on a web server: fetched into a file without a name, which is gone with the
// process.

#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "cli/bundle_source.h"
#include "cli/command.h"

namespace bmsg::cli {

inline constexpr std::uint64_t kFetchedBytesMax = std::uint64_t{16} << 30;
/// Of a server that gives no ranges: its answer is held in memory whole.
inline constexpr std::uint64_t kFetchedAtOnceMax = std::uint64_t{256} << 20;

/// The bundle at `url`; nullopt if `url` names no file of a web server, or one that does not begin
/// as a bundle does, whatever the server calls it. Nothing else of it is judged here.
/// Https is judged by the system's authorities, as with mirrors; redirects are not followed.
/// Errors: as net::HttpClient; Errc::protocol for ranges that do not fit, or more bytes than
///         allowed; Errc::io.
Result<std::optional<BundleSource>> fetch_bundle(Context& context, const std::string& url);

}  // namespace bmsg::cli
