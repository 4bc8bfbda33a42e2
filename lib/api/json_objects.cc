#include "lib/api/json_objects.h"

#include <fmt/format.h>

#include <cmath>

#include "lib/api/attachment_json.h"
#include "lib/api/json_guard.h"
#include "lib/api/json_parts.h"
#include "lib/api/policy_json.h"
#include "lib/chain/work.h"
#include "lib/core/address.h"
#include "lib/core/base64.h"
#include "lib/core/hex.h"
#include "lib/mail/text.h"
#include "lib/net/address.h"

namespace bmsg::api {
namespace {

constexpr std::uint32_t kBannedScore = 100;
constexpr double kWholeMax = 9007199254740992;  // 2^53: above it a double skips whole numbers.

template <class Fixed>
std::string hex(const Fixed& value) {
  return to_hex(value.view());
}

Json object(const char* type) { return Json{{"v", 1}, {"type", type}}; }

Json time_or_null(UnixSeconds time) { return time.value == 0 ? Json() : Json(rfc3339(time)); }

template <class T>
Json or_null(const std::optional<T>& value) {
  return value ? Json(*value) : Json();
}

}  // namespace

std::string error_json(const ErrorView& view) {
  Json json = object("error");
  json["code"] = view.code;
  json["name"] = view.name;
  json["message"] = view.message;
  json["hint"] = text_or_null(view.hint);
  json["detail"] = Json::object();
  return print_json(json);
}

std::string store_json(const StoreView& view) {
  Json json = object("store");
  json["path"] = view.path;
  json["chain"] = view.chain;
  json["chain_id"] = hex(view.chain_id);
  json["mode"] = view.mode;
  json["height"] = view.height.value;
  json["address"] = view.address ? Json(to_address(*view.address)) : Json();
  json["fingerprint"] = or_null(view.fingerprint);
  return print_json(json);
}

std::string identity_json(const IdentityView& view) {
  Json json = object("identity");
  json["name"] = view.name;
  json["address"] = to_address(view.address);
  json["fingerprint"] = view.fingerprint;
  json["encrypted"] = view.encrypted;
  json["device"] = view.device;
  json["devices"] = view.devices;
  json["card"] = Json();
  if (view.card_seq) {
    json["card"] = Json{{"seq", *view.card_seq},
                        {"state", view.card_state},
                        {"expires", time_or_null(view.card_expires)}};
  }
  json["epoch"] = view.epoch;
  json["grace"] = view.grace;
  json["inbox_bits"] = view.inbox_bits;
  json["revoked"] = view.revoked;
  json["successors"] = view.successors;
  return print_json(json);
}

std::string device_json(const DeviceView& view) {
  Json json = object("device");
  json["device"] = view.device;
  json["here"] = view.here;
  json["revoked"] = view.revoked;
  json["card"] = Json();
  if (view.card_seq)
    json["card"] = Json{{"seq", *view.card_seq}, {"expires", time_or_null(view.card_expires)}};
  return print_json(json);
}

std::string key_event_json(const KeyEventView& view) {
  Json json = object("key");
  json["event"] = view.event;
  json["id"] = hex(view.id);
  json["time"] = time_or_null(view.time);
  json["height"] = view.height ? Json(view.height->value) : Json();
  json["device"] = or_null(view.device);
  json["seq"] = or_null(view.seq);
  json["expires"] = time_or_null(view.expires);
  json["successor"] = or_null(view.successor);
  return print_json(json);
}

std::string contact_json(const ContactView& view) {
  Json json = object("contact");
  json["name"] = view.name;
  json["kind"] = view.kind;
  json["address"] = or_null(view.address);
  json["trust"] = view.trust;
  json["fingerprint"] = text_or_null(view.fingerprint);
  json["card"] = view.card;
  json["devices"] = view.devices;
  json["inbox_bits"] = or_null(view.inbox_bits);
  json["ack"] = view.ack;
  json["added"] = time_or_null(view.added);
  json["note"] = or_null(view.note);
  if (view.members) json["members"] = *view.members;
  json["successors"] = view.successors;
  if (!view.epoch) return print_json(json);
  json["epoch"] = *view.epoch;
  json["alarms"] = Json::array();
  for (const auto& alarm : view.alarms)
    json["alarms"].push_back(Json{{"epoch", alarm.epoch}, {"message", hex(alarm.message)}});
  return print_json(json);
}

std::string queued_json(const QueuedView& view) {
  Json json = object("queued");
  json["id"] = hex(view.id);
  json["to"] = view.to;
  json["size"] = view.size;
  json["state"] = view.state;
  json["relayed_to"] = view.relayed_to;
  json["height"] = view.height ? Json(view.height->value) : Json();
  json["confirmations"] = view.confirmations;
  json["stamp_ms"] = view.stamp_ms;
  json["key"] = or_null(view.key);
  json["reason"] = or_null(view.reason);
  json["since"] = time_or_null(view.since);
  return print_json(json);
}

std::string sent_json(const SentView& view) {
  Json json = object("sent");
  json["id"] = hex(view.id);
  json["to"] = or_null(view.to);
  json["asked"] = view.asked;
  json["state"] = view.state;
  json["ok"] = view.ok;
  json["code"] = view.code;
  json["reason"] = or_null(view.reason);
  return print_json(json);
}

std::string message_json(const MessageView& view) {
  Json json = object("message");
  json["id"] = hex(view.id);
  json["time"] = rfc3339(view.time);
  json["unix"] = view.time.value;
  json["expires"] = rfc3339(view.expires);
  json["direction"] = view.outgoing ? "out" : "in";
  json["public"] = view.open;
  json["kind"] = view.kind;
  json["from"] = or_null(view.from);
  json["from_name"] = or_null(view.from_name);
  json["to"] = view.to;
  json["room"] = or_null(view.room);
  json["topic"] = view.topic ? Json(hex(*view.topic)) : Json();
  json["subject"] = or_null(view.subject);
  json["media_type"] = or_null(view.media_type);
  if (view.body) {
    add_body(json, *view.body);
    json["body_truncated"] = false;
  }
  json["size"] = view.size;
  json["attachments"] = Json::array();
  for (const AttachmentView& one : view.attachments)
    json["attachments"].push_back(attachment_json(one, json["attachments"].size()));
  json["reply_to"] = view.reply_to ? Json(hex(*view.reply_to)) : Json();
  json["thread"] = view.thread;
  json["seq"] = or_null(view.seq);
  json["flags"] = view.flags;
  json["marks"] = view.marks;
  json["approvals"] = view.approvals ? approvals_json(*view.approvals) : Json();
  json["trust"] = view.trust;
  json["signature"] = view.signature;
  json["block"] = view.block
                      ? Json{{"hash", hex(view.block->hash)}, {"height", view.block->height.value}}
                      : Json();
  json["confirmations"] = view.confirmations;
  return print_json(json);
}

std::string marked_json(const MessageId& id, const std::set<std::string>& flags) {
  Json json = object("marked");
  json["id"] = hex(id);
  json["flags"] = flags;
  return print_json(json);
}

std::string object_json(const ObjectView& view) {
  Json json = object("object");
  const MessageHead& head = view.head;
  json["id"] = hex(view.id);
  json["suite"] = static_cast<int>(head.suite);
  json["chain_tag"] = hex(head.chain);
  json["topic"] = hex(head.topic);
  json["time"] = rfc3339({head.time});
  json["unix"] = head.time;
  json["ttl"] = head.ttl;
  const std::size_t enc = head.suite == Suite::sealed ? 32 : 65;
  const bool sealed = head.suite == Suite::sealed || head.suite == Suite::sealed_secp256k1;
  json["slots"] = sealed ? (head.key_section.size() - enc) / kSlotBytes : 0;
  json["body_size"] = head.body_bytes;
  json["body_hash"] = hex(head.body_hash);
  json["nonce"] = fmt::format("{:016x}", view.nonce);
  json["size"] = head.encoded_bytes();
  json["have_body"] = view.have_body;
  return print_json(json);
}

std::string block_json(const BlockView& view) {
  Json json = object("block");
  const Header& header = view.header;
  json["hash"] = hex(view.hash);
  json["height"] = header.height.value;
  json["prev"] = hex(header.previous);
  json["root"] = hex(header.root);
  json["past"] = hex(header.past);
  json["rules"] = hex(header.rules);
  json["nonce"] = fmt::format("{:016x}", header.nonce);
  json["time"] = rfc3339(header.time);
  json["unix"] = header.time.value;
  json["bits"] = fmt::format("{:08x}", header.bits.value);
  json["work"] = chain::to_decimal(view.work);
  json["total_work"] = chain::to_decimal(view.total_work);
  json["messages"] = view.messages;
  if (!view.ids.empty()) {
    json["ids"] = Json::array();
    for (const MessageId& id : view.ids) json["ids"].push_back(hex(id));
  }
  json["size"] = view.size;
  json["seals"] = view.seals;
  json["branch"] = view.branch;
  return print_json(json);
}

std::string reorg_json(const ReorgView& view) {
  Json json = object("reorg");
  json["from"] = hex(view.from);
  json["to"] = hex(view.to);
  json["depth"] = view.depth;
  json["disconnected"] = Json::array();
  for (const MessageId& id : view.disconnected) json["disconnected"].push_back(hex(id));
  return print_json(json);
}

std::string fork_json(const ForkView& view) {
  Json json = object("fork");
  json["hash"] = hex(view.tip);
  json["height"] = view.height.value;
  json["base"] = view.base.value;
  json["depth"] = view.depth;
  json["blocks"] = view.height.value - view.base.value;
  json["returns"] = view.returns;
  json["time"] = rfc3339(view.time);
  json["total_work"] = chain::to_decimal(view.total_work);
  return print_json(json);
}

std::string heartbeat_json(UnixSeconds time, Height height) {
  Json json = object("heartbeat");
  json["time"] = rfc3339(time);
  json["unix"] = time.value;
  json["height"] = height.value;
  return print_json(json);
}

std::string_view peer_state(const node::Peer& peer, UnixSeconds now) {
  if (peer.score >= kBannedScore && now < peer.not_before) return "banned";
  if (now < peer.not_before || peer.failures > 0) return "backoff";
  return peer.last_seen.value == 0 ? "never" : "ok";
}

std::string_view peer_source(const node::Peer& peer) {
  constexpr std::string_view kSources[] = {"config", "invite", "learned", "lan", "dht"};
  return kSources[static_cast<std::size_t>(peer.source) % std::size(kSources)];
}

bool is_mirror(const node::Peer& peer) {
  const auto address = net::parse_address(peer.url);
  return address && net::is_mirror(address.value());
}

std::string peer_json(const node::Peer& peer, UnixSeconds now) {
  Json json = object("peer");
  json["url"] = peer.url;
  json["kind"] = is_mirror(peer) ? "mirror" : "node";
  json["node"] = peer.key ? Json(hex(*peer.key)) : Json();
  json["state"] = peer_state(peer, now);
  json["height"] = peer.height ? Json(peer.height->value) : Json();
  json["last_seen"] = time_or_null(peer.last_seen);
  json["last_error"] = text_or_null(peer.last_error);
  json["latency_ms"] = peer.last_seen.value == 0 ? Json() : Json(peer.latency_ms);
  json["clock_ahead_s"] = peer.last_seen.value == 0 ? Json() : Json(peer.clock_ahead);
  json["score"] = peer.score;
  json["source"] = peer_source(peer);
  return print_json(json);
}

std::string status_json(const StatusView& view) {
  Json json = object("status");
  json["phase"] = view.phase;
  json["done"] = view.finished;
  json["total"] = or_null(view.total);
  json["rate"] = view.rate;
  json["elapsed_s"] = view.elapsed;
  json["expected_s"] = or_null(view.expected);
  json["p95_s"] = or_null(view.p95);
  return print_json(json);
}

std::string summary_json(const SummaryView& view) {
  Json json = object("summary");
  json["command"] = view.command;
  json["ok"] = view.ok;
  for (const auto& [name, number] : view.numbers) {
    const bool is_whole = std::abs(number) < kWholeMax && std::trunc(number) == number;
    json[name] = is_whole ? Json(static_cast<std::int64_t>(number)) : Json(number);
  }
  for (const auto& [name, text] : view.texts) json[name] = text;
  json["elapsed_s"] = view.elapsed;
  return print_json(json);
}

std::string sync_json(const SyncView& view) {
  Json json = object("sync");
  json["peer"] = view.peer;
  json["pulled_blocks"] = view.pulled_blocks;
  json["pushed_blocks"] = view.pushed_blocks;
  json["pulled_messages"] = view.pulled_messages;
  json["pushed_messages"] = view.pushed_messages;
  json["pulled_bytes"] = view.pulled_bytes;
  json["pushed_bytes"] = view.pushed_bytes;
  json["reorg_depth"] = view.reorg_depth;
  json["error"] = or_null(view.error);
  return print_json(json);
}

std::string fault_json(const FaultView& view) {
  Json json = object("fault");
  json["kind"] = view.kind;
  json["height"] = view.height.value;
  json["hash"] = hex(view.hash);
  json["detail"] = view.detail;
  return print_json(json);
}

std::string forgotten_json(const ForgottenView& view) {
  Json json = object("forgotten");
  json["id"] = hex(view.id);
  json["rule"] = view.rule;
  if (view.when) json["time"] = rfc3339(*view.when);
  if (view.bytes) json["bytes"] = *view.bytes;
  return print_json(json);
}

std::string id_json(std::string_view kind, const std::string& id) {
  Json json = object("id");
  json["kind"] = kind;
  json["id"] = id;
  return print_json(json);
}

std::string setting_json(const std::string& key, const std::string& value,
                         const std::string& origin) {
  Json json = object("setting");
  json["key"] = key;
  json["value"] = value;
  json["origin"] = origin;
  return print_json(json);
}

std::string version_json(const std::vector<std::pair<std::string, std::string>>& versions) {
  Json json = object("version");
  for (const auto& [name, number] : versions) json[name] = number;
  return print_json(json);
}

}  // namespace bmsg::api
