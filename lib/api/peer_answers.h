// What a node answers to each path that peers use. A Service in, a response out.

#pragma once

#include <optional>

#include "lib/net/http_message.h"
#include "lib/node/chain_state.h"
#include "lib/node/service.h"

namespace bmsg::api {

/// The answer to a request under /bmsg/1/ other than a feed that has to wait. What no branch that
/// `policy` follows can change is marked so, and not sent to whoever has it already.
/// Source: bmsg-protocol(7), "Paths".
net::HttpResponse answer_peer(node::Service& service, const net::HttpRequest& request,
                              const node::ReorgPolicy& policy = {});
/// The same, with what fails here told in full, for callers who may know it.
Result<net::HttpResponse> try_answer_peer(node::Service& service, const net::HttpRequest& request);

/// {"error":…,"detail":…} with a status.
net::HttpResponse error_response(int status, std::string_view rule, std::string_view detail);
/// The status that stands for an error of ours: 404, 503, 500.
net::HttpResponse error_response(const Error& error);

/// A pack of one frame for each value, as a response.
net::HttpResponse pack_response(Bytes pack);

inline constexpr std::string_view kPeerPrefix = "/bmsg/1/";

}  // namespace bmsg::api
