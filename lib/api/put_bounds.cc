#include "lib/api/put_bounds.h"

#include <algorithm>

#include "lib/core/ids.h"
#include "lib/core/limits.h"
#include "lib/core/message.h"
#include "lib/node/blob_directory.h"

namespace bmsg::api {
namespace {

constexpr std::size_t kFramesMax = 65536;  // A block has no room for so many messages.
constexpr std::size_t kOffersMax = 64 * kShortIdsPerRequest;  // Each is looked up.

bool is_chunk(const chain::FrameView& frame) {
  constexpr std::size_t kSuiteAt = 4;  // In a message's head.
  return frame.type == chain::FrameType::message && frame.payload.size() > kSuiteAt &&
         frame.payload[kSuiteAt] == static_cast<std::uint8_t>(Suite::chunk);
}

}  // namespace

std::optional<std::string_view> find_excess(std::span<const chain::FrameView> frames) {
  if (frames.size() > kFramesMax) return "a put brings up to 65536 frames";
  const auto count = [&](chain::FrameType type) {
    return static_cast<std::size_t>(std::ranges::count(frames, type, &chain::FrameView::type));
  };
  if (count(chain::FrameType::peers) > 1) return "a put brings one P frame";
  std::size_t ids = 0;
  for (const chain::FrameView& frame : frames) {
    if (frame.type == chain::FrameType::ids) ids += frame.payload.size() / ShortId::kSize;
  }
  if (ids > kOffersMax) return "a put offers up to 65536 ids";
  const auto chunks = std::ranges::count_if(frames, is_chunk);
  if (static_cast<std::size_t>(chunks) > node::kChunksPerPut) return "a put brings up to 64 chunks";
  // Each may name messages of the size of a block.
  if (count(chain::FrameType::compact) > kBlocksPerRequest)
    return "a put brings up to 16 compact blocks";
  return std::nullopt;
}

}  // namespace bmsg::api
