#include "lib/api/wire_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>

#include "lib/api/json_guard.h"
#include "lib/core/big_endian.h"
#include "lib/core/hex.h"
#include "lib/core/limits.h"
#include "lib/core/try.h"

namespace bmsg::api {
namespace {

constexpr std::size_t kNameBytesMax = 64;
constexpr std::size_t kAgentBytesMax = 200;
constexpr std::size_t kFeedMessagesMax = 2'000'000;
constexpr std::size_t kFeedProposalsMax = 2 * kProposalsPerEndorser * kEndorsersMax;

using Signers = FixedBytes<8, struct SignersTag>;

Error malformed(std::string_view what) {
  return Error{Errc::protocol, fmt::format("malformed {}", what)};
}

template <class Fixed>
Result<Fixed> fixed(const Json& json, const char* name) {
  BMSG_TRY_ASSIGN(const auto text, text_member(json, name));
  const auto value = text ? fixed_from_hex<Fixed>(*text) : std::nullopt;
  if (!value) return malformed(name);
  return *value;
}

Result<std::uint64_t> number(const Json& json, const char* name, std::uint64_t max = UINT64_MAX) {
  const auto at = json.find(name);
  if (at == json.end() || !at->is_number_unsigned() || at->get<std::uint64_t>() > max)
    return malformed(name);
  return at->get<std::uint64_t>();
}

Result<std::int32_t> signed_number(const Json& json, const char* name) {
  const auto at = json.find(name);
  const bool fits = at != json.end() && at->is_number_integer() &&
                    (!at->is_number_unsigned() || at->get<std::uint64_t>() <= INT32_MAX) &&
                    at->get<std::int64_t>() >= INT32_MIN;
  if (!fits) return malformed(name);
  return at->get<std::int32_t>();
}

Result<std::string> text(const Json& json, const char* name, std::size_t bytes_max) {
  BMSG_TRY_ASSIGN(auto value, text_member(json, name));
  if (!value || value->size() > bytes_max) return malformed(name);
  return std::move(*value);
}

/// Takes the next line off the front.
std::string_view next_line(std::string_view& left) {
  const std::string_view line = left.substr(0, left.find('\n'));
  left.remove_prefix(std::min(left.size(), line.size() + 1));
  return line;
}

std::string_view next_word(std::string_view& line) {
  const std::string_view word = line.substr(0, line.find(' '));
  line.remove_prefix(std::min(line.size(), word.size() + 1));
  return word;
}

/// It goes into an address when it is handed back.
bool is_cursor(std::string_view text) {
  return !text.empty() && text.size() <= kCursorBytesMax && std::ranges::all_of(text, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.';
  });
}

Result<std::vector<ShortId>> short_ids(std::string_view line) {
  std::vector<ShortId> ids;
  while (!line.empty()) {
    const auto id = fixed_from_hex<ShortId>(next_word(line));
    if (!id) return malformed("short id");
    ids.push_back(*id);
  }
  return ids;
}

}  // namespace

std::string print_info(const node::NodeInfo& info) {
  Json json{{"chain", to_hex(info.chain.view())},
            {"name", info.name},
            {"mode", info.mode == chain::Mode::pow ? "pow" : "endorse"},
            {"version", 1},
            {"height", info.tip.height.value},
            {"tip", to_hex(info.tip.hash.view())},
            {"work", to_hex(info.tip.work.view())},
            {"time", info.tip.time.value},
            {"now", info.now.value},
            {"mempool", Json{{"count", info.pool_messages}, {"bytes", info.pool_bytes}}},
            {"node", info.node ? Json(to_hex(info.node->view())) : Json()},
            {"agent", info.agent},
            {"limits", Json{{"put", kPutBytesMax},
                            {"headers", kHeadersPerRequest},
                            {"blocks", kBlocksPerRequest}}}};
  if (info.read_only) json["read_only"] = true;
  if (info.light) json["light"] = true;
  if (info.blob_quota > 0)
    json["blobs"] = Json{{"quota", info.blob_quota}, {"room", info.blob_room}};
  return print_json(json);
}

Result<node::NodeInfo> parse_info(std::string_view given) {
  auto parsed = parse_json(given, kInfoBytesMax);
  if (!parsed || !parsed.value().is_object()) return malformed("info");
  const Json& json = parsed.value();
  node::NodeInfo info;
  BMSG_TRY_ASSIGN(const auto version, number(json, "version"));
  if (version != 1)
    return Error{Errc::protocol,
                 fmt::format("speaks version {} of the protocol; this bmsg knows 1", version)};
  BMSG_TRY_ASSIGN(info.chain, fixed<ChainId>(json, "chain"));
  BMSG_TRY_ASSIGN(info.name, text(json, "name", kNameBytesMax));
  BMSG_TRY_ASSIGN(const auto mode, text(json, "mode", kNameBytesMax));
  if (mode != "pow" && mode != "endorse") return malformed("mode");
  info.mode = mode == "pow" ? chain::Mode::pow : chain::Mode::endorse;
  BMSG_TRY_ASSIGN(const auto height, number(json, "height", UINT32_MAX));
  info.tip.height.value = static_cast<std::uint32_t>(height);
  BMSG_TRY_ASSIGN(info.tip.hash, fixed<BlockHash>(json, "tip"));
  BMSG_TRY_ASSIGN(info.tip.work, fixed<Work>(json, "work"));
  BMSG_TRY_ASSIGN(info.tip.time.value, number(json, "time"));
  BMSG_TRY_ASSIGN(info.now.value, number(json, "now"));
  const auto pool = json.find("mempool");
  if (pool == json.end() || !pool->is_object()) return malformed("mempool");
  BMSG_TRY_ASSIGN(info.pool_messages, number(*pool, "count"));
  BMSG_TRY_ASSIGN(info.pool_bytes, number(*pool, "bytes"));
  BMSG_TRY_ASSIGN(const auto key, text_member(json, "node"));
  if (key) {
    BMSG_TRY_ASSIGN(info.node, fixed<NodeKey>(json, "node"));
  }
  BMSG_TRY_ASSIGN(info.agent, text(json, "agent", kAgentBytesMax));
  if (const auto at = json.find("read_only"); at != json.end()) {
    if (!at->is_boolean()) return malformed("read_only");
    info.read_only = at->get<bool>();
  }
  if (const auto at = json.find("light"); at != json.end()) {
    if (!at->is_boolean()) return malformed("light");
    info.light = at->get<bool>();
  }
  if (const auto at = json.find("blobs"); at != json.end()) {
    if (!at->is_object()) return malformed("blobs");
    BMSG_TRY_ASSIGN(info.blob_quota, number(*at, "quota"));
    BMSG_TRY_ASSIGN(info.blob_room, number(*at, "room", info.blob_quota));
  }
  return info;
}

std::string print_feed(const node::Feed& feed) {
  std::string out = fmt::format("t {} {}\n", feed.tip.height.value, to_hex(feed.tip.hash.view()));
  for (const node::ProposalNote& one : feed.proposals)
    out += fmt::format("p {} {:016x}\n", to_hex(one.hash.view()), one.signers);
  for (const ShortId& id : feed.messages) out += fmt::format("m {}\n", to_hex(id.view()));
  return out + fmt::format("c {}\n", feed.cursor);
}

Result<node::Feed> parse_feed(std::string_view left) {
  node::Feed feed;
  while (!left.empty()) {
    std::string_view line = next_line(left);
    const std::string_view kind = next_word(line);
    if (kind == "t") {
      const std::string_view height = next_word(line);
      const char* end = height.data() + height.size();
      const auto hash = fixed_from_hex<BlockHash>(line);
      const auto read = std::from_chars(height.data(), end, feed.tip.height.value);
      if (read.ec != std::errc() || read.ptr != end || !hash) return malformed("feed");
      feed.tip.hash = *hash;
    } else if (kind == "m") {
      const auto id = fixed_from_hex<ShortId>(line);
      if (!id || feed.messages.size() >= kFeedMessagesMax) return malformed("feed");
      feed.messages.push_back(*id);
    } else if (kind == "c") {
      if (!is_cursor(line) || !left.empty()) return malformed("feed");
      feed.cursor = line;
    } else if (kind == "p") {
      const auto hash = fixed_from_hex<BlockHash>(next_word(line));
      const auto signers = fixed_from_hex<Signers>(line);
      const bool fits = feed.proposals.size() < kFeedProposalsMax;
      if (!hash || !signers || !fits) return malformed("feed");
      feed.proposals.push_back({*hash, load_be<std::uint64_t>(signers->data())});
    } else {
      return malformed("feed");
    }
  }
  if (feed.cursor.empty()) return malformed("feed");
  return feed;
}

std::string print_put_line(const node::PutLine& line) {
  if (!line.need.empty()) {
    std::string out = "need";
    for (const ShortId& id : line.need) out += " " + to_hex(id.view());
    return out + "\n";
  }
  switch (line.verdict) {
    case node::Verdict::accepted:
      return "ok\n";
    case node::Verdict::known:
      return "have\n";
    case node::Verdict::held:
      return "hold\n";
    case node::Verdict::orphan:
      return "orphan\n";
    case node::Verdict::refused:
      return fmt::format("bad {}\n", line.rule);
  }
  return {};
}

Result<std::vector<node::PutLine>> parse_put_lines(std::string_view left, std::size_t lines_max) {
  std::vector<node::PutLine> lines;
  while (!left.empty()) {
    std::string_view rest = next_line(left);
    const std::string_view word = next_word(rest);
    node::PutLine line;
    if (word == "ok")
      line.verdict = node::Verdict::accepted;
    else if (word == "have")
      line.verdict = node::Verdict::known;
    else if (word == "hold")
      line.verdict = node::Verdict::held;
    else if (word == "orphan")
      line.verdict = node::Verdict::orphan;
    else if (word == "bad")
      line.verdict = node::Verdict::refused;
    else if (word != "need")
      return malformed("answer to a put");
    if (word == "bad") line.rule = std::string(rest.substr(0, kNameBytesMax));
    if (word == "need") {
      BMSG_TRY_ASSIGN(line.need, short_ids(rest));
    }
    lines.push_back(std::move(line));
    if (lines.size() > lines_max) return malformed("answer to a put");
  }
  return lines;
}

std::string print_error(std::string_view rule, std::string_view detail) {
  return print_json(Json{{"error", rule}, {"detail", detail}});
}

std::string print_peers(const std::vector<node::Peer>& peers) {
  Json all = Json::array();
  for (const node::Peer& peer : peers) {
    all.push_back(Json{{"url", peer.url},
                       {"key", peer.key ? Json(to_hex(peer.key->view())) : Json()},
                       {"source", static_cast<int>(peer.source)},
                       {"score", peer.score},
                       {"failures", peer.failures},
                       {"added", peer.added.value},
                       {"last_seen", peer.last_seen.value},
                       {"not_before", peer.not_before.value},
                       {"height", peer.height ? Json(peer.height->value) : Json()},
                       {"latency_ms", peer.latency_ms},
                       {"clock_ahead", peer.clock_ahead},
                       {"last_error", peer.last_error},
                       {"record", peer.record ? node::print_peer_record(*peer.record) : ""},
                       {"told_by", peer.told_by},
                       {"reached", peer.reached.value},
                       {"exchanges", peer.exchanges},
                       {"records_asked", peer.records_asked.value},
                       {"cursor", peer.cursor},
                       {"own_cursor", peer.own_cursor},
                       {"cursors_since", peer.cursors_since.value}});
  }
  return print_json(all);
}

namespace {

Result<node::Peer> parse_peer(const Json& json) {
  node::Peer peer;
  BMSG_TRY_ASSIGN(peer.url, text(json, "url", 4096));
  BMSG_TRY_ASSIGN(const auto key, text_member(json, "key"));
  if (key) {
    BMSG_TRY_ASSIGN(peer.key, fixed<NodeKey>(json, "key"));
  }
  BMSG_TRY_ASSIGN(const auto source, number(json, "source", 4));
  peer.source = static_cast<node::PeerSource>(source);
  BMSG_TRY_ASSIGN(const auto score, number(json, "score", UINT32_MAX));
  peer.score = static_cast<std::uint32_t>(score);
  BMSG_TRY_ASSIGN(const auto failures, number(json, "failures", UINT32_MAX));
  peer.failures = static_cast<std::uint32_t>(failures);
  BMSG_TRY_ASSIGN(peer.added.value, number(json, "added"));
  BMSG_TRY_ASSIGN(peer.last_seen.value, number(json, "last_seen"));
  BMSG_TRY_ASSIGN(peer.not_before.value, number(json, "not_before"));
  if (const auto at = json.find("height"); at != json.end() && !at->is_null()) {
    BMSG_TRY_ASSIGN(const auto height, number(json, "height", UINT32_MAX));
    peer.height = Height{static_cast<std::uint32_t>(height)};
  }
  BMSG_TRY_ASSIGN(const auto latency, number(json, "latency_ms", UINT32_MAX));
  peer.latency_ms = static_cast<std::uint32_t>(latency);
  BMSG_TRY_ASSIGN(peer.clock_ahead, signed_number(json, "clock_ahead"));
  BMSG_TRY_ASSIGN(peer.last_error, text(json, "last_error", 4096));
  BMSG_TRY_ASSIGN(const auto record, text(json, "record", node::kPeerRecordBytesMax));
  if (!record.empty()) {
    BMSG_TRY_ASSIGN(peer.record, node::parse_peer_record(record));
  }
  BMSG_TRY_ASSIGN(peer.told_by, text(json, "told_by", 4096));
  BMSG_TRY_ASSIGN(peer.reached.value, number(json, "reached"));
  BMSG_TRY_ASSIGN(const auto exchanges, number(json, "exchanges", UINT32_MAX));
  peer.exchanges = static_cast<std::uint32_t>(exchanges);
  BMSG_TRY_ASSIGN(peer.records_asked.value, number(json, "records_asked"));
  BMSG_TRY_ASSIGN(peer.cursor, text(json, "cursor", kCursorBytesMax));
  BMSG_TRY_ASSIGN(peer.own_cursor, text(json, "own_cursor", kCursorBytesMax));
  BMSG_TRY_ASSIGN(peer.cursors_since.value, number(json, "cursors_since"));
  return peer;
}

}  // namespace

Result<std::vector<node::Peer>> parse_peers(std::string_view given) {
  auto parsed = parse_json(given, kFrameBytesMax);
  if (!parsed || !parsed.value().is_array()) return malformed("peers");
  std::vector<node::Peer> peers;
  for (const Json& one : parsed.value()) {
    if (!one.is_object()) return malformed("peers");
    BMSG_TRY_ASSIGN(auto peer, parse_peer(one));
    peers.push_back(std::move(peer));
  }
  return peers;
}

}  // namespace bmsg::api
