#include "cli/serve_limits.h"

#include "lib/core/try.h"

namespace bmsg::cli {

Result<net::ServerOptions> serve_limits(const Settings& settings, std::size_t connections_max,
                                        std::uint32_t rate) {
  net::ServerOptions server;
  BMSG_TRY_ASSIGN(server.connections_max, settings.number("serve.max_connections"));
  if (connections_max > 0) server.connections_max = connections_max;
  BMSG_TRY_ASSIGN(const auto put, settings.number("limits.put"));
  server.body_bytes_max = put + 65536;
  BMSG_TRY_ASSIGN(const auto request, settings.number("limits.request_time"));
  server.request_deadline = std::chrono::seconds(request);
  BMSG_TRY_ASSIGN(server.rates.requests, settings.number("limits.requests"));
  if (rate > 0) server.rates.requests = rate;
  BMSG_TRY_ASSIGN(server.rates.requests_at_once, settings.number("limits.requests_at_once"));
  BMSG_TRY_ASSIGN(server.rates.bytes_out, settings.number("limits.bytes_out"));
  BMSG_TRY_ASSIGN(server.rates.connections_per_subnet,
                  settings.number("limits.subnet_connections"));
  BMSG_TRY_ASSIGN(const auto idle, settings.number("limits.idle_time"));
  server.idle_deadline = std::chrono::seconds(idle);
  return server;
}

}  // namespace bmsg::cli
