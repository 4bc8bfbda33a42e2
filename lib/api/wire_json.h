// What nodes tell each other in JSON and text lines: who they are, what is new.

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lib/core/result.h"
#include "lib/node/service.h"
#include "lib/node/transport.h"

namespace bmsg::api {

// Source: bmsg-protocol(7), "Paths". Each parse is strict and fails with Errc::protocol.

std::string print_info(const node::NodeInfo& info);
Result<node::NodeInfo> parse_info(std::string_view text);

/// Lines "t HEIGHT ID", "m SHORT", last "c CURSOR".
std::string print_feed(const node::Feed& feed);
Result<node::Feed> parse_feed(std::string_view text);

/// One line for each frame of a put: "ok", "have", "hold", "orphan", "bad RULE", "need SHORT…".
std::string print_put_line(const node::PutLine& line);
Result<std::vector<node::PutLine>> parse_put_lines(std::string_view text, std::size_t lines_max);

/// {"error":RULE,"detail":TEXT}.
std::string print_error(std::string_view rule, std::string_view detail);

std::string print_peers(const std::vector<node::Peer>& peers);
Result<std::vector<node::Peer>> parse_peers(std::string_view text);

inline constexpr std::size_t kInfoBytesMax = 16384;
inline constexpr std::size_t kCursorBytesMax = 64;

}  // namespace bmsg::api
