#include "lib/api/rest_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "lib/api/json_guard.h"
#include "lib/chain/block_hash.h"
#include "lib/chain/pack.h"
#include "lib/core/address.h"
#include "lib/core/base64.h"
#include "lib/core/codec.h"
#include "lib/core/hex.h"
#include "lib/core/try.h"
#include "lib/mail/open.h"
#include "lib/mail/text.h"

namespace bmsg::api {
namespace {

constexpr std::size_t kNodeBytesMax = 8192;

/// Members of a transaction that we say ourselves, whatever its author wrote.
constexpr std::array kOurs = {"timestamp", "id", "address"};

bool is_ours(std::string_view name) {
  return std::ranges::any_of(kOurs, [name](const char* ours) { return name == ours; });
}

std::string text_of(const Json& object, const char* name) {
  const auto at = object.find(name);
  return at == object.end() || !at->is_string() ? std::string() : at->get<std::string>();
}

/// An object with an author and a content, which come first, then what else its author put in.
std::optional<Json> transaction_in(const Json& object) {
  if (!object.is_object()) return std::nullopt;
  Json made{{"author", text_of(object, "author")}, {"content", text_of(object, "content")}};
  if (text_of(made, "author").empty() || text_of(made, "content").empty()) return std::nullopt;
  for (const auto& member : object.items()) {
    if (!is_ours(member.key()) && !made.contains(member.key())) made[member.key()] = member.value();
  }
  return made;
}

/// As our own posts say it, else text of whatever program.
std::optional<Json> transaction_of(const mail::Content& content) {
  const std::string text = to_string(content.content);
  if (content.media_type == kRestMediaType) {
    const auto object = parse_json(text, kRestPostBytesMax);
    if (object) {
      if (auto made = transaction_in(object.value())) return made;
    }
  }
  const bool is_text = content.media_type.empty() || content.media_type.starts_with("text/") ||
                       content.media_type == kRestMediaType;
  if (!is_text || !mail::is_utf8(text)) return std::nullopt;
  return Json{{"author", content.subject}, {"content", text}};
}

std::string list(const std::vector<std::string>& objects) {
  return fmt::format("[{}]", fmt::join(objects, ", "));
}

std::string transactions_of(const Block& block, const ChainId& chain) {
  std::vector<std::string> made;
  for (const Message& message : block.messages) {
    if (auto one = rest_transaction(message, chain)) made.push_back(std::move(*one));
  }
  return list(made);
}

std::string pack_of(const Block& block) {
  Bytes pack = chain::begin_pack();
  chain::append_frame(pack, chain::FrameType::block, encode(block));
  chain::end_pack(pack);
  return to_base64(pack);
}

/// Of an object that must be one, whatever else is in it.
Result<std::string> needed_text(std::string_view body, std::size_t bytes_max, const char* name,
                                const Error& refusal) {
  BMSG_TRY_ASSIGN(const Json object, parse_json(body, bytes_max));
  if (!object.is_object()) return refusal;
  std::string text = text_of(object, name);
  if (text.empty()) return refusal;
  return text;
}

}  // namespace

Result<RestPost> parse_rest_post(std::string_view body) {
  BMSG_TRY_ASSIGN(const Json object, parse_json(body, kRestPostBytesMax));
  const auto given = transaction_in(object);
  if (!given) return Error{Errc::not_found, "Invalid transaction data"};
  RestPost post{
      .author = text_of(*given, "author"), .content = text_of(*given, "content"), .media_type = {}};
  if (given->size() == 2) return post;
  post.content = print_json(*given);
  post.media_type = kRestMediaType;
  return post;
}

Result<std::string> parse_rest_node(std::string_view body) {
  const Error refusal{Errc::bad_input, "Invalid data"};
  BMSG_TRY_ASSIGN(auto url, needed_text(body, kNodeBytesMax, "node_address", refusal));
  if (url.ends_with('/')) url.pop_back();
  return url;
}

Result<Block> parse_rest_block(std::string_view body) {
  const Error refusal{
      Errc::bad_input, "the block has no member 'pack'",
      "the paper's members cannot carry what our blocks are made of; GET /chain?pack=1 has it"};
  BMSG_TRY_ASSIGN(const auto text, needed_text(body, kRestBlockBytesMax, "pack", refusal));
  const auto bytes = from_base64(text);
  if (!bytes) return Error{Errc::bad_input, "'pack' is no base64"};
  BMSG_TRY_ASSIGN(const auto frames, chain::split_pack(*bytes, chain::EndFrame::required));
  if (frames.size() != 1 || frames.front().type != chain::FrameType::block)
    return Error{Errc::bad_input, "'pack' must hold one block and nothing else"};
  return decode_block(frames.front().payload);
}

std::optional<std::string> rest_transaction(const Message& message, const ChainId& chain) {
  if (message.head.suite != Suite::open || !message.body) return std::nullopt;
  const auto opened = mail::open_public(message, chain);
  if (opened.fault || opened.content.kind != mail::Kind::text) return std::nullopt;
  auto made = transaction_of(opened.content);
  if (!made) return std::nullopt;
  const auto signer = mail::signer_of(opened);
  if (text_of(*made, "author").empty()) (*made)["author"] = signer ? to_address(*signer) : "";
  (*made)["timestamp"] = message.head.time;
  (*made)["id"] = to_hex(chain::id_of(message.head).view());
  (*made)["address"] = signer ? Json(to_address(*signer)) : Json();
  return print_json(*made);
}

std::string rest_pending(const std::vector<Message>& messages, const ChainId& chain) {
  std::vector<std::string> made;
  std::size_t bytes = 0;
  for (const Message& message : messages) {
    auto one = rest_transaction(message, chain);
    if (!one) continue;
    if (bytes >= kRestAnswerBytesMax) break;
    bytes += one->size();
    made.push_back(std::move(*one));
  }
  return list(made);
}

void RestChain::add_below(const Block& block, const BlockHash& hash) {
  std::string pack;
  if (packs_ == Packs::with) pack = fmt::format(R"(, "pack": "{}")", pack_of(block));
  const Header& header = block.header;
  blocks_.push_back(fmt::format(R"({{"index": {}, "transactions": {}, "timestamp": {}, )"
                                R"("previous_hash": "{}", "nonce": {}, "hash": "{}"{}}})",
                                header.height.value, transactions_of(block, chain_),
                                header.time.value, to_hex(header.previous.view()), header.nonce,
                                to_hex(hash.view()), pack));
  bytes_ += blocks_.back().size();
}

std::string RestChain::print(std::uint64_t length, const std::vector<std::string>& peers) const {
  const std::vector<std::string> oldest_first(blocks_.rbegin(), blocks_.rend());
  return fmt::format(R"({{"length": {}, "chain": {}, "peers": {}}})", length, list(oldest_first),
                     print_json(Json(peers)));
}

}  // namespace bmsg::api
