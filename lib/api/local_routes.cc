#include "lib/api/local_routes.h"

#include <unistd.h>

#include <map>

#include "lib/api/local_wire.h"
#include "lib/api/peer_answers.h"
#include "lib/api/wire_json.h"
#include "lib/api/worker.h"
#include "lib/chain/pack.h"
#include "lib/core/codec.h"
#include "lib/core/try.h"

namespace bmsg::api {
namespace {

constexpr std::size_t kWaitingMax = 256;

using Answer = Result<Bytes>;
using Verb = Answer (*)(node::Service& service, const Bytes& body);

net::HttpResponse failed(const Error& error) { return {kLocalFailed, "", {}, encode(error)}; }

Answer submit_block(node::Service& service, const Bytes& body) {
  BMSG_TRY_ASSIGN(const auto block, decode_block(body));
  BMSG_TRY_ASSIGN(const auto outcome, service.submit_block(block));
  return encode(outcome);
}

Result<std::vector<Message>> messages_in(const std::vector<chain::Frame>& frames) {
  std::vector<Message> messages;
  for (const chain::Frame& frame : frames) {
    BMSG_TRY_ASSIGN(auto message, decode_message(frame.payload));
    messages.push_back(std::move(message));
  }
  return messages;
}

Answer submit_messages(node::Service& service, const Bytes& body) {
  if (body.empty() || body.front() > static_cast<std::uint8_t>(node::Origin::reorg))
    return Error{Errc::protocol, "origin"};
  BMSG_TRY_ASSIGN(const auto frames,
                  chain::split_pack(ByteView(body).subspan(1), chain::EndFrame::optional));
  BMSG_TRY_ASSIGN(const auto messages, messages_in(frames));
  BMSG_TRY_ASSIGN(const auto outcomes,
                  service.submit_messages(messages, static_cast<node::Origin>(body.front())));
  return encode(outcomes);
}

Answer take_messages(node::Service& service, const Bytes& body) {
  ByteReader reader(body);
  const std::string giver = to_string(reader.take(reader.integer<std::uint16_t>()));
  if (reader.ran_short()) return Error{Errc::protocol, "giver"};
  BMSG_TRY_ASSIGN(const auto frames, chain::split_pack(reader.rest(), chain::EndFrame::optional));
  BMSG_TRY_ASSIGN(const auto messages, messages_in(frames));
  BMSG_TRY_ASSIGN(const auto outcomes, service.take_messages(messages, giver));
  return encode(outcomes);
}

Answer submit_compact(node::Service& service, const Bytes& body) {
  BMSG_TRY_ASSIGN(const auto compact, chain::decode_compact(body));
  BMSG_TRY_ASSIGN(const auto rebuilt, service.submit_compact(compact));
  return encode(rebuilt);
}

Answer block_template(node::Service& service, const Bytes& body) {
  ByteReader reader(body);
  const node::TemplateWish wish{.bury = reader.integer<std::uint32_t>()};
  if (!reader.finished()) return Error{Errc::protocol, "wish"};
  BMSG_TRY_ASSIGN(const auto work, service.block_template(wish));
  return encode(work);
}

Answer pool_since(node::Service& service, const Bytes& body) {
  ByteReader reader(body);
  const auto arrival = reader.integer<std::uint64_t>();
  if (!reader.finished()) return Error{Errc::protocol, "arrival"};
  BMSG_TRY_ASSIGN(const auto feed, service.pool_since(arrival));
  return to_bytes(print_feed(feed));
}

Answer rules_in_force(node::Service& service, const Bytes&) {
  BMSG_TRY_ASSIGN(const auto text, service.rules_in_force());
  return to_bytes(text);
}

Answer take_outbox(node::Service& service, const Bytes&) {
  BMSG_TRY_ASSIGN(const auto taken, service.take_outbox());
  return encode(taken);
}

Answer follow(node::Service& service, const Bytes& body) {
  ByteReader reader(body);
  const auto hash = reader.fixed<BlockHash>();
  if (!reader.finished()) return Error{Errc::protocol, "hash"};
  BMSG_TRY_ASSIGN(const auto reorg, service.follow(hash));
  return encode(reorg);
}

Answer wanted_bodies(node::Service& service, const Bytes&) {
  BMSG_TRY_ASSIGN(const auto wanted, service.wanted_bodies());
  return encode(wanted);
}

Answer want_bodies(node::Service& service, const Bytes& body) {
  BMSG_TRY_ASSIGN(const auto ids, decode_ids(body));
  BMSG_TRY(service.want_bodies(ids));
  return Bytes();
}

Answer want_topic(node::Service& service, const Bytes& body) {
  ByteReader reader(body);
  const auto topic = reader.fixed<Topic>();
  if (!reader.finished()) return Error{Errc::protocol, "topic"};
  BMSG_TRY(service.want_topic(topic));
  return Bytes();
}

Answer keep_bodies(node::Service& service, const Bytes& body) {
  BMSG_TRY_ASSIGN(const auto frames, chain::split_pack(body, chain::EndFrame::optional));
  BMSG_TRY_ASSIGN(const auto messages, messages_in(frames));
  BMSG_TRY_ASSIGN(const auto kept, service.keep_bodies(messages));
  Bytes answer;
  append_be(answer, kept);
  return answer;
}

Answer forget(node::Service& service, const Bytes& body) {
  if (body.empty() || body.front() > static_cast<std::uint8_t>(node::DropRule::asked))
    return Error{Errc::protocol, "rule"};
  BMSG_TRY_ASSIGN(const auto ids, decode_ids(ByteView(body).subspan(1)));
  BMSG_TRY_ASSIGN(const auto gone, service.forget(ids, static_cast<node::DropRule>(body.front())));
  return encode_ids(gone);
}

Answer give_back_room(node::Service& service, const Bytes&) {
  BMSG_TRY(service.give_back_room());
  return Bytes();
}

Answer peers(node::Service& service, const Bytes&) {
  BMSG_TRY_ASSIGN(const auto all, service.peers());
  return to_bytes(print_peers(all));
}

Answer put_peer(node::Service& service, const Bytes& body) {
  BMSG_TRY_ASSIGN(const auto given, parse_peers(as_text(body)));
  for (const node::Peer& peer : given) BMSG_TRY(service.put_peer(peer));
  return Bytes();
}

Answer remove_peer(node::Service& service, const Bytes& body) {
  BMSG_TRY(service.remove_peer(to_string(body)));
  return Bytes();
}

Answer learn_peers(node::Service& service, const Bytes& body) {
  BMSG_TRY_ASSIGN(const auto given, decode_told_records(body));
  BMSG_TRY_ASSIGN(const auto learned, service.learn_peers(given.records, given.told));
  return encode_count(learned);
}

const std::map<std::string_view, Verb>& verbs() {
  static const std::map<std::string_view, Verb> all = {{"submit_block", submit_block},
                                                       {"submit_messages", submit_messages},
                                                       {"take_messages", take_messages},
                                                       {"submit_compact", submit_compact},
                                                       {"block_template", block_template},
                                                       {"pool_since", pool_since},
                                                       {"rules_in_force", rules_in_force},
                                                       {"take_outbox", take_outbox},
                                                       {"follow", follow},
                                                       {"wanted_bodies", wanted_bodies},
                                                       {"want_bodies", want_bodies},
                                                       {"want_topic", want_topic},
                                                       {"keep_bodies", keep_bodies},
                                                       {"forget", forget},
                                                       {"give_back_room", give_back_room},
                                                       {"peers", peers},
                                                       {"put_peer", put_peer},
                                                       {"remove_peer", remove_peer},
                                                       {"learn_peers", learn_peers}};
  return all;
}

net::HttpResponse answer(node::Service& service, const net::HttpRequest& request) {
  if (net::find_field(request.fields, kLocalVersionField) != kLocalVersion) {
    return failed({Errc::bad_config,
                   "the running node is of another version of bmsg; stop it and start this one"});
  }
  const std::string_view name = std::string_view(request.path).substr(kLocalPrefix.size());
  if (name.starts_with("peer/")) {
    // What peers may ask, a command may ask: the same answers under another prefix.
    net::HttpRequest shared = request;
    shared.path = std::string(kPeerPrefix) + std::string(name.substr(5));
    auto given = try_answer_peer(service, shared);
    return given ? std::move(given).value() : failed(given.error());
  }
  const auto verb = verbs().find(name);
  if (verb == verbs().end()) return {404, "", {}, {}};
  auto given = verb->second(service, request.body);
  if (!given) return failed(given.error());
  return {200, "", {}, std::move(given).value()};
}

}  // namespace

class LocalRoutes::Impl : public std::enable_shared_from_this<Impl> {
 public:
  explicit Impl(node::Service& service) : service_(service), worker_(kWaitingMax) {}

  void handle(net::HttpRequest request, net::Respond respond) {
    const bool is_ours = request.peer.is_unix && request.peer.uid == ::geteuid();
    if (!is_ours || request.method == net::Method::head) return respond({404, "", {}, {}});
    const auto shared = std::make_shared<net::HttpRequest>(std::move(request));
    const auto self = shared_from_this();
    const bool taken =
        worker_.post([self, shared, respond] { respond(answer(self->service_, *shared)); });
    if (!taken) respond(failed({Errc::try_again, "the running node is busy"}));
  }

  void stop() { worker_.stop(); }

 private:
  node::Service& service_;
  Worker worker_;
};

LocalRoutes::LocalRoutes(node::Service& service) : impl_(std::make_shared<Impl>(service)) {}

LocalRoutes::~LocalRoutes() { impl_->stop(); }

void LocalRoutes::handle(net::HttpRequest request, net::Respond respond) {
  impl_->handle(std::move(request), std::move(respond));
}

void LocalRoutes::stop() { impl_->stop(); }

}  // namespace bmsg::api
