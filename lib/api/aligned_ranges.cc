#include "lib/api/aligned_ranges.h"

#include <fmt/format.h>

#include <algorithm>

#include "lib/chain/pack.h"
#include "lib/core/codec.h"
#include "lib/core/hex.h"
#include "lib/crypto/sha512.h"

namespace bmsg::api {
namespace {

/// Takes the next tag off a list of them, without the mark of a weak one.
std::string_view next_tag(std::string_view& list) {
  std::string_view tag = list.substr(0, list.find(','));
  list.remove_prefix(std::min(list.size(), tag.size() + 1));
  const auto begin = std::min(tag.find_first_not_of(" \t"), tag.size());
  tag.remove_prefix(begin);
  tag = tag.substr(0, tag.find_last_not_of(" \t") + 1);
  if (tag.starts_with("W/")) tag.remove_prefix(2);
  return tag;
}

bool names(std::string_view list, std::string_view tag) {
  while (!list.empty()) {
    const std::string_view one = next_tag(list);
    if (one == tag || one == "*") return true;
  }
  return false;
}

}  // namespace

std::string headers_path(Height from, std::uint32_t count) {
  return fmt::format("headers/{}/{}", from.value, count);
}

std::string blocks_path(Height from, std::uint32_t count) {
  return fmt::format("blocks/{}/{}", from.value, count);
}

Bytes pack_headers(const std::vector<SealedHeader>& headers) {
  Bytes pack = chain::begin_pack();
  for (const SealedHeader& header : headers)
    chain::append_frame(pack, chain::FrameType::header, encode(header));
  return pack;
}

Bytes pack_blocks(const std::vector<Block>& blocks, Cut cut) {
  Bytes pack = chain::begin_pack();
  const std::size_t empty = pack.size();
  for (const Block& block : blocks) {
    const Bytes encoded = encode(block);
    const bool full = pack.size() > empty && pack.size() + encoded.size() > kFrameBytesMax;
    if (full && cut == Cut::at_frame_limit) break;
    chain::append_frame(pack, chain::FrameType::block, encoded);
  }
  return pack;
}

void mark_immutable(net::HttpResponse& response) {
  std::erase_if(response.fields,
                [](const net::Field& field) { return field.name == "cache-control"; });
  const Digest digest = crypto::sha512(response.body);
  response.fields.push_back({"cache-control", "public, max-age=31536000, immutable"});
  response.fields.push_back({"etag", "\"" + to_hex(digest.view().first(16)) + "\""});
}

net::HttpResponse unless_known(net::HttpResponse response, const net::HttpRequest& request) {
  const auto tag = net::find_field(response.fields, "etag");
  const auto known = net::find_field(request.fields, "if-none-match");
  if (response.status != 200 || !tag || !known || !names(*known, *tag)) return response;
  return {304, {}, std::move(response.fields), {}};
}

}  // namespace bmsg::api
