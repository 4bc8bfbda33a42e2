#include "cli/join.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/node_key.h"
#include "cli/peering.h"
#include "lib/chain/rules_text.h"
#include "lib/core/try.h"

namespace bmsg::cli {

namespace {

/// A node for members only: what to do so that it lets this store in, which is not there yet.
Error turned_away(Error error, const Introduction& introduction) {
  // Others are denied for another key, or for what they did.
  const bool is_for_members = error.message.find("members only") != std::string::npos;
  if (error.code != Errc::denied || !is_for_members) return error;
  error.hint =
      introduction.is_kept
          ? "give that key to whoever runs it, for the setting serve.allow there; then "
            "repeat this"
          : "nothing was kept, that key neither; with --node-key FILE it is, and can be let "
            "in";
  return error;
}

}  // namespace

bool is_node_url(const std::string& text) {
  constexpr const char* kSchemes[] = {"http://", "https://", "unix:", "ssh://"};
  return std::ranges::any_of(kSchemes,
                             [&](const char* scheme) { return text.starts_with(scheme); });
}

Result<Meeting> meet(Context& context, const std::string& url, const Introduction& introduction) {
  BMSG_TRY_ASSIGN(const auto settings, context.settings(nullptr));
  BMSG_TRY_ASSIGN(auto reach, transport_options(settings));
  reach.expected_key = introduction.expected;
  reach.reach = introduction.reach;
  BMSG_TRY_ASSIGN(reach.identity, tls_identity_of(introduction.node_seed));
  BMSG_TRY_ASSIGN(const auto transport, api::HttpTransport::open(url, reach));
  auto told = transport->rules_text();
  if (!told) return turned_away(told.error(), introduction);
  std::string text = std::move(told).value();
  if (auto parsed = chain::parse_rules_text(text); !parsed) {
    return Error{Errc::protocol,
                 fmt::format("{} gives no rules text: {}", url, parsed.error().message)};
  }
  return Meeting{url, std::move(text), transport->peer_key()};
}

Result<Done> join_peer(Context& context, const StoreDir& store, const std::string& url,
                       FirstSync sync) {
  node::Peer peer;
  peer.url = url;
  peer.added = context.clock.now();
  BMSG_TRY(remember(context, store, peer));
  if (sync == FirstSync::no) return done;
  Progress shown(context);
  const Exchange exchange = exchange_with(context, store, peer, {}, shown);
  if (!exchange.report)
    context.out.warn(fmt::format("the first sync failed, the store is made: {}",
                                 exchange.report.error().message));
  return remember(context, store, exchange);
}

}  // namespace bmsg::cli
