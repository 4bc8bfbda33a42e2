// Messages of a topic, for whoever does not want all heads of all blocks.

#pragma once

#include <string_view>

#include "lib/net/http_message.h"
#include "lib/node/service.h"

namespace bmsg::api {

/// So much of heads and so much of answers one request may cost; more at the caller's next.
struct TopicLimits {
  std::size_t looked_bytes_max = std::size_t{8} << 20;
  std::size_t answer_bytes_max = std::size_t{8} << 20;
};

/// The answer to topic/HEX8/BITS/FROM/N, of which `path` is what follows topic/. Whole blocks, one
/// at least: who gets fewer than are there asks again after the last.
/// Source: bmsg-protocol(7), "Paths".
Result<net::HttpResponse> answer_topic(node::Service& service, std::string_view path,
                                       const TopicLimits& limits = {});

}  // namespace bmsg::api
