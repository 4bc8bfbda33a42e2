// Aligned ranges: the answers that caches and file servers may keep, and how they are told so.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lib/core/block.h"
#include "lib/core/bytes.h"
#include "lib/core/limits.h"
#include "lib/net/http_message.h"

namespace bmsg::api {

inline constexpr std::uint32_t kAlignedHeaders = kHeadersPerRequest;
inline constexpr std::uint32_t kAlignedBlocks = kBlocksPerRequest;

/// Where the aligned range lies that holds `height`.
constexpr Height aligned(Height height, std::uint32_t count) {
  return Height{height.value - height.value % count};
}

/// "headers/4000/2000", "blocks/32/16": what is asked for below /bmsg/1/.
std::string headers_path(Height from, std::uint32_t count);
std::string blocks_path(Height from, std::uint32_t count);

/// A pack of H frames.
Bytes pack_headers(const std::vector<SealedHeader>& headers);

/// Whether a pack of blocks ends where the next one would make it longer than a frame may be.
enum class Cut { at_frame_limit, never };

/// A pack of B frames, one at least if there is any block.
Bytes pack_blocks(const std::vector<Block>& blocks, Cut cut);

/// Marks what can never change: clients and caches may keep it.
void mark_immutable(net::HttpResponse& response);

/// 304 without a body in place of what the asker says it has already.
/// Source: RFC 9110 section 13.1.2.
net::HttpResponse unless_known(net::HttpResponse response, const net::HttpRequest& request);

}  // namespace bmsg::api
