// serve --stdio: one caller, over standard input and output.

#pragma once

#include "cli/command.h"
#include "lib/net/http_server.h"

namespace bmsg::cli {

/// Answers what peers may ask until the caller leaves. The node is opened for each question and let
/// go again, or is the one that serves already: a slow caller keeps nobody from writing.
/// Errors: Errc::bad_usage at a terminal; else as open_node().
Result<ExitCode> serve_stdio(Context& context, const StoreDir& store,
                             const net::ServerOptions& limits, bool read_only);

}  // namespace bmsg::cli
