#include "lib/api/mirror_transport.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <span>

#include "lib/api/aligned_ranges.h"
#include "lib/core/try.h"

namespace bmsg::api {
namespace {

constexpr std::size_t kKeptBytesMax = 64u << 20;

std::size_t bytes_of(const std::vector<Block>& blocks) {
  std::size_t bytes = 0;
  for (const Block& block : blocks) {
    bytes += kHeaderBytes;
    for (const Message& message : block.messages) bytes += message.head.encoded_bytes();
  }
  return bytes;
}

/// The part of a file that was asked for; `first` is the height of its first.
template <class One>
std::span<const One> part_of(const std::vector<One>& file, Height first, Height from,
                             std::uint32_t count) {
  const std::span<const One> all(file);
  const std::size_t begin = std::min<std::size_t>(from.value - first.value, all.size());
  return all.subspan(begin, std::min<std::size_t>(count, all.size() - begin));
}

}  // namespace

std::unique_ptr<HttpTransport> MirrorTransport::make(net::Address address,
                                                     TransportOptions options) {
  options.expected_key.reset();
  options.identity.reset();  // Nobody there has to know who reads.
  return std::unique_ptr<HttpTransport>(new MirrorTransport(std::move(address), options));
}

Error MirrorTransport::cut_short(const std::string& path) const {
  return Error{Errc::protocol, fmt::format("{}: {} holds less than its info says", name(), path)};
}

bool MirrorTransport::is_whole(Height first, std::uint32_t count) const {
  return tip_ && std::uint64_t{first.value} + count <= std::uint64_t{tip_->height.value} + 1;
}

std::uint32_t MirrorTransport::headers_at_once(Height from) const {
  const bool in_headers = is_whole(aligned(from, kAlignedHeaders), kAlignedHeaders);
  const std::uint32_t count = in_headers ? kAlignedHeaders : kAlignedBlocks;
  return count - from.value % count;
}

Result<node::NodeInfo> MirrorTransport::info() {
  BMSG_TRY_ASSIGN(auto info, HttpTransport::info());
  tip_ = info.tip;
  return info;
}

Result<Done> MirrorTransport::know_tip() {
  if (!tip_) BMSG_TRY(info());
  return done;
}

Result<const std::vector<SealedHeader>*> MirrorTransport::header_file(Height first) {
  if (!header_file_ || header_file_->first != first) {
    BMSG_TRY_ASSIGN(auto headers, HttpTransport::headers(first, kAlignedHeaders));
    if (headers.size() < kAlignedHeaders) return cut_short(headers_path(first, kAlignedHeaders));
    header_file_ = HeaderFile{first, std::move(headers)};
  }
  return &header_file_->headers;
}

Result<const std::vector<Block>*> MirrorTransport::block_file(Height first) {
  const auto kept = block_files_.find(first);
  if (kept != block_files_.end()) return &kept->second.blocks;
  BMSG_TRY_ASSIGN(auto blocks, HttpTransport::blocks(first, kAlignedBlocks, Bodies::with));
  const bool is_short = blocks.size() < kAlignedBlocks && is_whole(first, kAlignedBlocks);
  if (is_short) return cut_short(blocks_path(first, kAlignedBlocks));
  const std::size_t bytes = bytes_of(blocks);
  // Blocks are asked for from the lowest on, after the headers of all: the highest goes first.
  while (!block_files_.empty() && block_bytes_ + bytes > kKeptBytesMax) {
    const auto highest = std::prev(block_files_.end());
    block_bytes_ -= highest->second.bytes;
    block_files_.erase(highest);
  }
  block_bytes_ += bytes;
  return &block_files_.emplace(first, BlockFile{std::move(blocks), bytes}).first->second.blocks;
}

Result<std::vector<SealedHeader>> MirrorTransport::headers(Height from, std::uint32_t count) {
  BMSG_TRY(know_tip());
  if (from > tip_->height) return std::vector<SealedHeader>();
  count = std::min(count, headers_at_once(from));
  const Height in_headers = aligned(from, kAlignedHeaders);
  std::vector<SealedHeader> found;
  if (is_whole(in_headers, kAlignedHeaders)) {
    BMSG_TRY_ASSIGN(const auto* file, header_file(in_headers));
    const auto part = part_of(*file, in_headers, from, count);
    found.assign(part.begin(), part.end());
    return found;
  }
  const Height in_blocks = aligned(from, kAlignedBlocks);
  BMSG_TRY_ASSIGN(const auto* file, block_file(in_blocks));
  for (const Block& block : part_of(*file, in_blocks, from, count))
    found.push_back({block.header, block.seal});
  return found;
}

Result<std::vector<Block>> MirrorTransport::blocks(Height from, std::uint32_t count, Bodies) {
  BMSG_TRY(know_tip());
  if (from > tip_->height) return std::vector<Block>();
  const Height first = aligned(from, kAlignedBlocks);
  while (!block_files_.empty() && block_files_.begin()->first < first) {
    block_bytes_ -= block_files_.begin()->second.bytes;
    block_files_.erase(block_files_.begin());
  }
  BMSG_TRY_ASSIGN(const auto* file, block_file(first));
  const auto part = part_of(*file, first, from, count);
  return std::vector<Block>(part.begin(), part.end());
}

bool MirrorTransport::expect_blocks(Height from, std::uint32_t, Bodies) {
  const Height first = aligned(from, kAlignedBlocks);
  if (block_files_.contains(first)) return true;
  return HttpTransport::expect_blocks(first, kAlignedBlocks, Bodies::with);
}

Result<std::optional<Block>> MirrorTransport::block(const BlockHash&, Bodies) {
  return std::optional<Block>();
}

Result<std::vector<Message>> MirrorTransport::messages(const std::vector<ShortId>&) {
  return std::vector<Message>();
}

Result<node::Feed> MirrorTransport::feed(const std::string& cursor) {
  BMSG_TRY(know_tip());
  return node::Feed{.tip = *tip_, .proposals = {}, .messages = {}, .cursor = cursor};
}

Result<std::vector<node::PutLine>> MirrorTransport::put(const Bytes&) {
  return Error{Errc::bad_usage, fmt::format("{} is a mirror, which takes nothing", name())};
}

}  // namespace bmsg::api
