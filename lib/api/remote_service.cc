#include "lib/api/remote_service.h"

#include <fmt/format.h>

#include <algorithm>

#include "lib/api/local_wire.h"
#include "lib/api/wire_json.h"
#include "lib/chain/pack.h"
#include "lib/core/codec.h"
#include "lib/core/hex.h"
#include "lib/core/try.h"
#include "lib/net/unix_socket.h"
#include "lib/node/peer_table.h"

namespace bmsg::api {
namespace {

constexpr std::chrono::milliseconds kVerbPatience{10'000};
// A gigabyte is rewritten in a minute on a slow disk; many of them take a cron job's time.
constexpr std::chrono::milliseconds kRewritePatience{3'600'000};
constexpr std::size_t kAnswerBytesMax = 256u << 20;  // Sixteen blocks with their framing, and more.

Error malformed() {
  return Error{Errc::protocol, "the running node answers in another way than this bmsg expects"};
}

Result<std::vector<Block>> blocks_in(ByteView pack) {
  BMSG_TRY_ASSIGN(const auto frames, chain::split_pack(pack, chain::EndFrame::optional));
  std::vector<Block> blocks;
  for (const chain::Frame& frame : frames) {
    BMSG_TRY_ASSIGN(auto block, decode_block(frame.payload));
    blocks.push_back(std::move(block));
  }
  return blocks;
}

Bytes pack_of(const std::vector<Message>& messages) {
  Bytes pack = chain::begin_pack();
  for (const Message& message : messages)
    chain::append_frame(pack, chain::FrameType::message, encode(message));
  return pack;
}

std::string light(Bodies bodies) { return bodies == Bodies::without ? "?light=1" : ""; }

net::OutgoingRequest request_for(const std::string& verb, Bytes body) {
  net::OutgoingRequest request;
  const bool reads = verb.starts_with("peer/") && verb != "peer/get";
  request.method = reads ? net::Method::get : net::Method::post;
  request.target = std::string(kLocalPrefix) + verb;
  request.body = std::move(body);
  request.fields.push_back({std::string(kLocalVersionField), std::string(kLocalVersion)});
  return request;
}

}  // namespace

RemoteService::RemoteService(net::Address address, std::chrono::milliseconds patience)
    : client_(std::move(address)), patience_(patience) {}

Result<std::unique_ptr<RemoteService>> RemoteService::connect(const std::filesystem::path& socket,
                                                              std::chrono::milliseconds patience) {
  if (!net::connect_unix(socket)) return std::unique_ptr<RemoteService>();
  net::Address address;
  address.scheme = net::Scheme::unix_socket;
  address.path = socket.string();
  std::unique_ptr<RemoteService> remote(new RemoteService(std::move(address), patience));
  // Somebody listens; whether he answers shows now and not in the middle of the work.
  BMSG_TRY(remote->info());
  // A deep reorganisation takes longer than somebody may want to wait for a lock.
  remote->patience_ = std::max(patience, kVerbPatience);
  return remote;
}

Result<Bytes> RemoteService::ask(const std::string& verb, Bytes body) {
  return ask(verb, std::move(body), patience_);
}

Result<Bytes> RemoteService::ask(const std::string& verb, Bytes body,
                                 std::chrono::milliseconds patience) {
  auto answer = client_.request(request_for(verb, std::move(body)),
                                {.deadline = patience, .response_bytes_max = kAnswerBytesMax});
  if (!answer && answer.error().code == Errc::unreachable) {
    return Error{Errc::locked, "the running node does not answer: " + answer.error().message};
  }
  if (!answer) return answer.error();
  if (answer.value().status == 200) return std::move(answer.value().body);
  if (answer.value().status == kLocalFailed) return decode_error(answer.value().body);
  const bool may_lack = verb.starts_with("peer/block/") || verb.starts_with("peer/proposal/");
  if (answer.value().status == 404 && may_lack) return Error{Errc::not_found, "no such block"};
  return malformed();
}

Result<node::NodeInfo> RemoteService::info() {
  BMSG_TRY_ASSIGN(const auto answer, ask("peer/info", {}));
  return parse_info(as_text(answer));
}

Result<std::string> RemoteService::rules_text() {
  BMSG_TRY_ASSIGN(const auto answer, ask("peer/genesis", {}));
  return to_string(answer);
}

Result<std::vector<SealedHeader>> RemoteService::headers(Height from, std::uint32_t count) {
  BMSG_TRY_ASSIGN(
      const auto answer,
      ask(fmt::format("peer/headers/{}/{}", from.value, std::min(count, kHeadersPerRequest)), {}));
  BMSG_TRY_ASSIGN(const auto frames, chain::split_pack(answer, chain::EndFrame::optional));
  std::vector<SealedHeader> headers;
  for (const chain::Frame& frame : frames) {
    BMSG_TRY_ASSIGN(auto header, decode_sealed_header(frame.payload));
    headers.push_back(std::move(header));
  }
  return headers;
}

Result<std::vector<Block>> RemoteService::blocks(Height from, std::uint32_t count, Bodies bodies) {
  BMSG_TRY_ASSIGN(const auto answer,
                  ask(fmt::format("peer/blocks/{}/{}{}", from.value,
                                  std::min(count, kBlocksPerRequest), light(bodies)),
                      {}));
  return blocks_in(answer);
}

Result<std::optional<Block>> RemoteService::block(const BlockHash& hash, Bodies bodies) {
  return one_block(fmt::format("peer/block/{}{}", to_hex(hash.view()), light(bodies)));
}

Result<std::optional<Block>> RemoteService::proposal(const BlockHash& hash) {
  return one_block(fmt::format("peer/proposal/{}", to_hex(hash.view())));
}

Result<std::optional<Block>> RemoteService::one_block(const std::string& target) {
  auto answer = ask(target, {});
  if (!answer && answer.error().code == Errc::not_found) return std::optional<Block>();
  if (!answer) return answer.error();
  BMSG_TRY_ASSIGN(auto blocks, blocks_in(answer.value()));
  if (blocks.size() != 1) return malformed();
  return std::optional(std::move(blocks.front()));
}

Result<std::vector<Message>> RemoteService::messages(const std::vector<ShortId>& ids) {
  BMSG_TRY_ASSIGN(const auto answer, ask("peer/get", chain::encode_short_ids(ids)));
  BMSG_TRY_ASSIGN(const auto frames, chain::split_pack(answer, chain::EndFrame::optional));
  std::vector<Message> messages;
  for (const chain::Frame& frame : frames) {
    BMSG_TRY_ASSIGN(auto message, decode_message(frame.payload));
    messages.push_back(std::move(message));
  }
  return messages;
}

Result<node::Feed> RemoteService::feed(const std::string& cursor) {
  BMSG_TRY_ASSIGN(const auto answer,
                  ask(cursor.empty() ? "peer/feed" : "peer/feed?since=" + cursor, {}));
  return parse_feed(as_text(answer));
}

Result<std::string> RemoteService::rules_in_force() {
  BMSG_TRY_ASSIGN(const auto answer, ask("rules_in_force", {}));
  return to_string(answer);
}

Result<node::Feed> RemoteService::pool_since(std::uint64_t arrival) {
  Bytes body;
  append_be(body, arrival);
  BMSG_TRY_ASSIGN(const auto answer, ask("pool_since", std::move(body)));
  return parse_feed(as_text(answer));
}

Result<node::BlockOutcome> RemoteService::submit_block(const Block& block) {
  BMSG_TRY_ASSIGN(const auto answer, ask("submit_block", encode(block)));
  return decode_block_outcome(answer);
}

Result<std::vector<node::MessageOutcome>> RemoteService::submit_messages(
    const std::vector<Message>& messages, node::Origin origin) {
  Bytes body{static_cast<std::uint8_t>(origin)};
  append(body, pack_of(messages));
  BMSG_TRY_ASSIGN(const auto answer, ask("submit_messages", std::move(body)));
  return decode_message_outcomes(answer);
}

Result<std::vector<node::MessageOutcome>> RemoteService::take_messages(
    const std::vector<Message>& messages, const std::string& giver) {
  Bytes body;
  append_be(body, static_cast<std::uint16_t>(std::min<std::size_t>(giver.size(), UINT16_MAX)));
  append(body, as_bytes(giver).first(std::min<std::size_t>(giver.size(), UINT16_MAX)));
  append(body, pack_of(messages));
  BMSG_TRY_ASSIGN(const auto answer, ask("take_messages", std::move(body)));
  return decode_message_outcomes(answer);
}

Result<node::Service::Rebuilt> RemoteService::submit_compact(const chain::CompactBlock& compact) {
  BMSG_TRY_ASSIGN(const auto answer, ask("submit_compact", chain::encode(compact)));
  return decode_rebuilt(answer);
}

Result<node::BlockTemplate> RemoteService::block_template(const node::TemplateWish& wish) {
  Bytes body;
  append_be(body, wish.bury);
  BMSG_TRY_ASSIGN(const auto answer, ask("block_template", std::move(body)));
  return decode_template(answer);
}

Result<node::OutboxTaken> RemoteService::take_outbox() {
  BMSG_TRY_ASSIGN(const auto answer, ask("take_outbox", {}));
  return decode_outbox_taken(answer);
}

Result<node::Reorg> RemoteService::follow(const BlockHash& hash) {
  BMSG_TRY_ASSIGN(const auto answer, ask("follow", to_bytes(hash.view())));
  return decode_reorg(answer);
}

Result<std::vector<node::WantedBody>> RemoteService::wanted_bodies() {
  BMSG_TRY_ASSIGN(const auto answer, ask("wanted_bodies", {}));
  return decode_wanted(answer);
}

Result<Done> RemoteService::want_bodies(const std::vector<MessageId>& ids) {
  BMSG_TRY(ask("want_bodies", encode_ids(ids)));
  return done;
}

Result<Done> RemoteService::want_topic(const Topic& topic) {
  BMSG_TRY(ask("want_topic", to_bytes(topic.view())));
  return done;
}

Result<std::uint64_t> RemoteService::keep_bodies(const std::vector<Message>& messages) {
  BMSG_TRY_ASSIGN(const auto answer, ask("keep_bodies", pack_of(messages)));
  ByteReader reader(answer);
  const auto kept = reader.integer<std::uint64_t>();
  if (!reader.finished()) return malformed();
  return kept;
}

Result<std::vector<MessageId>> RemoteService::forget(const std::vector<MessageId>& ids,
                                                     node::DropRule rule) {
  Bytes body{static_cast<std::uint8_t>(rule)};
  append(body, encode_ids(ids));
  BMSG_TRY_ASSIGN(const auto answer, ask("forget", std::move(body)));
  return decode_ids(answer);
}

Result<Done> RemoteService::give_back_room() {
  BMSG_TRY(ask("give_back_room", {}, kRewritePatience));
  return done;
}

Result<std::vector<node::Peer>> RemoteService::peers() {
  BMSG_TRY_ASSIGN(const auto answer, ask("peers", {}));
  return parse_peers(as_text(answer));
}

Result<Done> RemoteService::put_peer(const node::Peer& peer) {
  BMSG_TRY(ask("put_peer", to_bytes(print_peers({peer}))));
  return done;
}

Result<Done> RemoteService::remove_peer(const std::string& url) {
  BMSG_TRY(ask("remove_peer", to_bytes(url)));
  return done;
}

Result<std::vector<node::PeerRecord>> RemoteService::peer_records() {
  BMSG_TRY_ASSIGN(const auto answer, ask("peer/peers", {}));
  return node::parse_peer_records(as_text(answer), node::kRecordsPerAnswerMax);
}

Result<std::size_t> RemoteService::learn_peers(const std::vector<node::PeerRecord>& records,
                                               const node::Told& told) {
  BMSG_TRY_ASSIGN(const auto answer, ask("learn_peers", encode(ToldRecords{records, told})));
  return decode_count(answer);
}

void poke(const std::filesystem::path& socket) {
  const auto request = net::write_request(request_for("take_outbox", {}), "localhost");
  // Whoever does not listen will take the outbox when it starts.
  if (request) (void)net::poke(socket, *request);
}

}  // namespace bmsg::api
