#include "lib/api/peer_answers.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>

#include "lib/api/aligned_ranges.h"
#include "lib/api/chunk_answers.h"
#include "lib/api/peer_places.h"
#include "lib/api/put_bounds.h"
#include "lib/api/request_path.h"
#include "lib/api/topic_answers.h"
#include "lib/api/wire_json.h"
#include "lib/chain/block_hash.h"
#include "lib/chain/pack.h"
#include "lib/core/codec.h"
#include "lib/core/hex.h"
#include "lib/core/limits.h"
#include "lib/core/try.h"
#include "lib/net/address.h"

namespace bmsg::api {
namespace {

using net::HttpResponse;
using net::Method;

constexpr std::string_view kPoolFull = "full";
constexpr std::string_view kShareFull = "share";

HttpResponse bad_request(std::string_view detail) { return error_response(400, "request", detail); }
HttpResponse not_found() { return error_response(404, "unknown", "no such thing here"); }

/// What a light node says to who asks for bodies that it does not keep.
Result<std::optional<HttpResponse>> refuse_bodies(node::Service& service, Bodies bodies) {
  if (bodies == Bodies::without) return std::optional<HttpResponse>();
  BMSG_TRY_ASSIGN(const auto info, service.info());
  if (!info.light) return std::optional<HttpResponse>();
  return std::optional(error_response(404, "light", "no bodies are kept here: ask with ?light=1"));
}

bool is_aligned(const HeightRange& range, std::uint32_t count) {
  return range.count == count && aligned(range.from, count) == range.from;
}

/// Whether an aligned range that ends with `last` is whole and lies where no reorganisation is
/// followed.
Result<bool> is_lasting(node::Service& service, const HeightRange& range, const Header& last,
                        const node::ReorgPolicy& policy) {
  const std::uint64_t end = std::uint64_t{range.from.value} + range.count;
  if (last.height.value + std::uint64_t{1} != end) return false;
  BMSG_TRY_ASSIGN(const auto info, service.info());
  return node::is_settled(last, info.tip, info.mode, policy);
}

Result<HttpResponse> answer_info(node::Service& service) {
  BMSG_TRY_ASSIGN(const auto info, service.info());
  auto response = net::text_response(200, print_info(info), "application/json");
  response.fields.push_back({"cache-control", "no-store"});
  return response;
}

Result<HttpResponse> answer_genesis(node::Service& service) {
  BMSG_TRY_ASSIGN(const auto text, service.rules_text());
  auto response = net::text_response(200, text);
  mark_immutable(response);
  return response;
}

Result<HttpResponse> answer_headers(node::Service& service, std::string_view path,
                                    const node::ReorgPolicy& policy) {
  const auto range = parse_range(path, kHeadersPerRequest);
  if (!range) return bad_request("headers/FROM/N with N up to 2000");
  BMSG_TRY_ASSIGN(const auto headers, service.headers(range->from, range->count));
  auto response = pack_response(pack_headers(headers));
  if (headers.empty() || !is_aligned(*range, kAlignedHeaders)) return response;
  BMSG_TRY_ASSIGN(const bool lasting, is_lasting(service, *range, headers.back().header, policy));
  if (lasting) mark_immutable(response);
  return response;
}

Result<HttpResponse> answer_topic_of(node::Service& service, std::string_view path) {
  BMSG_TRY_ASSIGN(auto refusal, refuse_bodies(service, Bodies::with));
  if (refusal) return std::move(*refusal);
  return answer_topic(service, path);
}

bool wants_light(const net::HttpRequest& request) {
  const auto at = request.query.find("light");
  return at != request.query.end() && at->second == "1";
}

Result<HttpResponse> answer_blocks(node::Service& service, std::string_view path, Bodies bodies,
                                   const node::ReorgPolicy& policy) {
  const auto range = parse_range(path, kBlocksPerRequest);
  if (!range) return bad_request("blocks/FROM/N with N up to 16");
  BMSG_TRY_ASSIGN(auto refusal, refuse_bodies(service, bodies));
  if (refusal) return std::move(*refusal);
  BMSG_TRY_ASSIGN(const auto blocks, service.blocks(range->from, range->count, bodies));
  // Aligned ranges are never cut: caches keep them.
  const bool is_whole = is_aligned(*range, kAlignedBlocks);
  auto response = pack_response(pack_blocks(blocks, is_whole ? Cut::never : Cut::at_frame_limit));
  if (blocks.empty() || !is_whole) return response;
  BMSG_TRY_ASSIGN(const bool lasting, is_lasting(service, *range, blocks.back().header, policy));
  if (lasting) mark_immutable(response);
  return response;
}

HttpResponse one_block(const Block& block) {
  Bytes pack = chain::begin_pack();
  chain::append_frame(pack, chain::FrameType::block, encode(block));
  return pack_response(std::move(pack));
}

Result<HttpResponse> answer_proposal(node::Service& service, std::string_view path) {
  const auto hash = fixed_from_hex<BlockHash>(path);
  if (!hash) return bad_request("proposal/HASH");
  BMSG_TRY_ASSIGN(const auto block, service.proposal(*hash));
  return block ? one_block(*block) : not_found();
}

Result<HttpResponse> answer_block(node::Service& service, std::string_view path, Bodies bodies) {
  const auto hash = fixed_from_hex<BlockHash>(path);
  if (!hash) return bad_request("block/HASH");
  BMSG_TRY_ASSIGN(auto refusal, refuse_bodies(service, bodies));
  if (refusal) return std::move(*refusal);
  BMSG_TRY_ASSIGN(const auto block, service.block(*hash, bodies));
  return block ? one_block(*block) : not_found();
}

Result<HttpResponse> answer_object(node::Service& service, std::string_view path) {
  const auto full = fixed_from_hex<MessageId>(path);
  const auto id = full ? prefix_of<ShortId>(*full) : fixed_from_hex<ShortId>(path);
  if (!id) return bad_request("obj/ID, whole or its first 16 digits");
  BMSG_TRY_ASSIGN(const auto messages, find_messages(service, {*id}));
  const bool other = full && !messages.empty() && chain::id_of(messages.front().head) != *full;
  if (messages.empty() || other) return not_found();
  return pack_response(pack_messages(messages));
}

std::optional<std::vector<ShortId>> ids_in(const net::HttpRequest& request) {
  auto ids = chain::decode_short_ids(request.body);
  if (!ids || ids.value().size() > kShortIdsPerRequest) return std::nullopt;
  return std::move(ids).value();
}

Result<HttpResponse> answer_get(node::Service& service, const net::HttpRequest& request) {
  const auto ids = ids_in(request);
  if (!ids) return bad_request("up to 1024 short ids of 8 bytes");
  BMSG_TRY_ASSIGN(const auto messages, find_messages(service, *ids));
  return pack_response(pack_messages(messages));
}

Result<HttpResponse> answer_have(node::Service& service, const net::HttpRequest& request) {
  const auto ids = ids_in(request);
  if (!ids) return bad_request("up to 1024 short ids of 8 bytes");
  Bytes bitmap((ids->size() + 7) / 8);
  BMSG_TRY_ASSIGN(const auto held, held_of(service, *ids));
  for (std::size_t i = 0; i < ids->size(); ++i) {
    if (held[i]) bitmap[i / 8] = static_cast<std::uint8_t>(bitmap[i / 8] | 0x80 >> i % 8);
  }
  return net::HttpResponse{
      200, "application/octet-stream", {{"cache-control", "no-store"}}, std::move(bitmap)};
}

Result<HttpResponse> answer_feed(node::Service& service, const net::HttpRequest& request) {
  const auto since = request.query.find("since");
  const std::string cursor = since == request.query.end() ? "" : since->second;
  if (cursor.size() > kCursorBytesMax) return bad_request("feed?since=CURSOR");
  BMSG_TRY_ASSIGN(const auto feed, service.feed(cursor));
  auto response = net::text_response(200, print_feed(feed));
  response.fields.push_back({"cache-control", "no-store"});
  return response;
}

node::PutLine bad_line(std::string_view rule) {
  return {.verdict = node::Verdict::refused, .rule = std::string(rule), .need = {}};
}

node::PutLine line_of(node::Verdict verdict, const std::optional<chain::Violation>& violation) {
  return {.verdict = verdict,
          .rule = violation ? std::string(chain::name_of(violation->rule)) : "",
          .need = {}};
}

/// A message for which there was no room breaks no rule.
node::PutLine line_of(const node::MessageOutcome& outcome) {
  if (outcome.verdict != node::Verdict::refused || outcome.room == node::Room::enough)
    return line_of(outcome.verdict, outcome.violation);
  return bad_line(outcome.room == node::Room::pool_full ? kPoolFull : kShareFull);
}

/// Whose part of the pool it fills: callers of one subnet are one giver, since whoever has one
/// address there has many.
std::string giver_of(const net::Peer& caller) {
  if (caller.is_unix || caller.is_loopback || caller.address.empty()) return "local";
  return net::origin_of(caller.address).subnet;
}

/// Hands over messages together: one commit for all of them.
Result<std::vector<node::PutLine>> put_messages(node::Service& service,
                                                std::span<const chain::Frame> frames,
                                                const net::Peer& caller) {
  std::vector<node::PutLine> lines(frames.size(), bad_line("layout"));
  std::vector<Message> messages;
  std::vector<std::size_t> places;  // Of each in `lines`.
  for (std::size_t i = 0; i < frames.size(); ++i) {
    auto message = decode_message(frames[i].payload);
    if (!message) continue;
    if (message.value().head.suite == Suite::chunk) {
      BMSG_TRY_ASSIGN(const auto outcome, take_chunk(service, message.value()));
      lines[i] = line_of(outcome);
      continue;
    }
    messages.push_back(std::move(message).value());
    places.push_back(i);
  }
  BMSG_TRY_ASSIGN(const auto outcomes, service.take_messages(messages, giver_of(caller)));
  check(outcomes.size() == places.size(), "a message without an outcome");
  for (std::size_t i = 0; i < places.size(); ++i) {
    lines[places[i]] = line_of(outcomes[i]);
  }
  return lines;
}

Result<node::PutLine> put_block(node::Service& service, const Bytes& payload) {
  const auto block = decode_block(payload);
  if (!block) return bad_line("layout");
  BMSG_TRY_ASSIGN(const auto outcome, service.submit_block(block.value()));
  return line_of(outcome.verdict, outcome.violation);
}

Result<node::PutLine> put_compact(node::Service& service, const Bytes& payload) {
  const auto compact = chain::decode_compact(payload);
  if (!compact) return bad_line("layout");
  BMSG_TRY_ASSIGN(const auto rebuilt, service.submit_compact(compact.value()));
  if (rebuilt.outcome) return line_of(rebuilt.outcome->verdict, rebuilt.outcome->violation);
  return node::PutLine{.verdict = node::Verdict::accepted, .rule = {}, .need = rebuilt.need};
}

/// Which of the ids on offer are not here.
Result<node::PutLine> put_ids(node::Service& service, const Bytes& payload) {
  const auto ids = chain::decode_short_ids(payload);
  if (!ids) return bad_line("layout");
  if (ids.value().size() > kShortIdsPerRequest) return bad_line("size");
  node::PutLine line{.verdict = node::Verdict::known, .rule = {}, .need = {}};
  if (ids.value().empty()) return line;
  BMSG_TRY_ASSIGN(const auto info, service.info());
  if (info.light) return line;  // It wants nobody else's.
  for (const ShortId& id : ids.value()) {
    BMSG_TRY_ASSIGN(const auto found, service.messages({id}));
    if (found.empty()) line.need.push_back(id);
  }
  return line;
}

/// What a caller tells of peers, its own address above all.
Result<node::PutLine> put_peers(node::Service& service, const Bytes& payload,
                                const net::Peer& caller) {
  const auto records = node::parse_peer_records(as_text(payload), node::kRecordsPerAnswerMax);
  if (!records) return bad_line("layout");
  if (records.value().empty()) return line_of(node::Verdict::known, std::nullopt);
  BMSG_TRY_ASSIGN(const auto learned,
                  service.learn_peers(records.value(), {.source = node::PeerSource::learned,
                                                        .by = teller_of(caller)}));
  return line_of(learned > 0 ? node::Verdict::accepted : node::Verdict::known, std::nullopt);
}

Result<node::PutLine> put_frame(node::Service& service, const chain::Frame& frame,
                                const net::Peer& caller) {
  switch (frame.type) {
    case chain::FrameType::block:
      return put_block(service, frame.payload);
    case chain::FrameType::compact:
      return put_compact(service, frame.payload);
    case chain::FrameType::ids:
      return put_ids(service, frame.payload);
    case chain::FrameType::peers:
      return put_peers(service, frame.payload, caller);
    case chain::FrameType::genesis:
    case chain::FrameType::header:
    case chain::FrameType::message:
    case chain::FrameType::end:
      return bad_line("frame");
  }
  return bad_line("frame");
}

std::size_t messages_in_front(std::span<const chain::Frame> frames) {
  const auto other = std::ranges::find_if(
      frames, [](const auto& frame) { return frame.type != chain::FrameType::message; });
  return static_cast<std::size_t>(other - frames.begin());
}

Result<HttpResponse> answer_put(node::Service& service, const net::HttpRequest& request) {
  const auto views = chain::view_pack(request.body, chain::EndFrame::optional);
  if (!views) {
    const std::string_view cause = views.error().message;
    return error_response(400, cause.substr(0, cause.find(':')), cause);
  }
  if (const auto fault = find_excess(views.value())) return bad_request(*fault);
  std::vector<chain::Frame> frames;
  for (const auto& view : views.value()) frames.push_back({view.type, to_bytes(view.payload)});
  std::span<const chain::Frame> left = frames;
  std::string lines;
  while (!left.empty()) {
    const std::size_t run = messages_in_front(left);
    if (run > 0) {
      BMSG_TRY_ASSIGN(const auto several, put_messages(service, left.first(run), request.peer));
      for (const node::PutLine& line : several) lines += print_put_line(line);
    } else {
      BMSG_TRY_ASSIGN(const auto line, put_frame(service, left.front(), request.peer));
      lines += print_put_line(line);
    }
    left = left.subspan(std::max<std::size_t>(run, 1));
  }
  return net::text_response(200, lines);
}

Result<HttpResponse> answer_peers(node::Service& service) {
  BMSG_TRY_ASSIGN(const auto records, service.peer_records());
  auto response = net::text_response(200, node::print_peer_records(records));
  response.fields.push_back({"cache-control", "no-store"});
  return response;
}

Result<HttpResponse> answer(node::Service& service, const net::HttpRequest& request,
                            const node::ReorgPolicy& policy) {
  std::string_view path = std::string_view(request.path).substr(kPeerPrefix.size());
  const std::string_view name = next_part(path);
  const Bodies bodies = wants_light(request) ? Bodies::without : Bodies::with;
  const bool is_post = request.method == Method::post;
  if (is_post ? (name != "get" && name != "have" && name != "put")
              : (name == "get" || name == "have" || name == "put")) {
    return error_response(405, "method", "GET, or POST for get, have and put");
  }
  if (!is_post && request.method != Method::get)
    return error_response(405, "method", "GET or POST");
  if (name == "headers") return answer_headers(service, path, policy);
  if (name == "blocks") return answer_blocks(service, path, bodies, policy);
  if (name == "block") return answer_block(service, path, bodies);
  if (name == "proposal") return answer_proposal(service, path);
  if (name == "obj") return answer_object(service, path);
  if (name == "topic") return answer_topic_of(service, path);
  if (!path.empty()) return not_found();
  if (name == "info") return answer_info(service);
  if (name == "genesis") return answer_genesis(service);
  if (name == "feed") return answer_feed(service, request);
  if (name == "get") return answer_get(service, request);
  if (name == "have") return answer_have(service, request);
  if (name == "put") return answer_put(service, request);
  if (name == "peers") return answer_peers(service);
  return not_found();
}

}  // namespace

HttpResponse error_response(int status, std::string_view rule, std::string_view detail) {
  auto response = net::text_response(status, print_error(rule, detail), "application/json");
  response.fields.push_back({"cache-control", "no-store"});
  return response;
}

HttpResponse error_response(const Error& error) {
  // What went wrong here is our matter: a stranger gets no path and no system's words.
  return error.code == Errc::locked || error.code == Errc::try_again
             ? error_response(503, "busy", "try again")
             : error_response(500, "failed", "internal");
}

HttpResponse pack_response(Bytes pack) {
  return {200, "application/x-bmsg-pack", {{"cache-control", "no-store"}}, std::move(pack)};
}

Result<HttpResponse> try_answer_peer(node::Service& service, const net::HttpRequest& request) {
  return answer(service, request, {});
}

HttpResponse answer_peer(node::Service& service, const net::HttpRequest& request,
                         const node::ReorgPolicy& policy) {
  auto response = answer(service, request, policy);
  return response ? unless_known(std::move(response).value(), request)
                  : error_response(response.error());
}

}  // namespace bmsg::api
