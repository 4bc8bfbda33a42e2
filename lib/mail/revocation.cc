#include "lib/mail/revocation.h"

#include <fmt/format.h>

#include <algorithm>

#include "lib/core/byte_reader.h"
#include "lib/core/hex.h"
#include "lib/core/try.h"
#include "lib/crypto/sha512.h"
#include "lib/mail/open.h"

namespace bmsg::mail {
namespace {

constexpr std::string_view kMagic = "bmR1";
constexpr std::string_view kTextStart = "bmsg-revocation ";
constexpr std::string_view kBlank = " \t\r\n";
constexpr std::uint64_t kMinute = 60;

Error not_a_statement(std::string_view why) {
  return Error{Errc::bad_input, fmt::format("not a revocation: {}", why)};
}

void add_post(Revocation& known, const StatementPost& post) {
  // The first are remembered for their blocks, the newest for its expiry.
  if (known.posts.size() == kPostsMax) known.posts.pop_back();
  known.posts.push_back(post);
}

}  // namespace

bool ends_identity(const std::vector<Revocation>& known) {
  return std::ranges::any_of(
      known, [](const Revocation& one) { return one.statement.scope == kWholeIdentity; });
}

std::vector<IdentityKey> successors_in(const std::vector<Revocation>& known) {
  std::vector<IdentityKey> found;
  for (const Revocation& one : known) {
    if (one.statement.new_key) found.push_back(*one.statement.new_key);
  }
  return found;
}

bool add_statement(std::vector<Revocation>& known, ByteView bytes,
                   const std::optional<StatementPost>& post) {
  const auto statement = read_statement(bytes);
  if (!statement) return false;
  // The signatures are no part of what it says.
  const auto there = std::ranges::find_if(known, [&](const Revocation& one) {
    return one.statement.scope == statement->scope && one.statement.new_key == statement->new_key;
  });
  if (there != known.end()) {
    const bool is_new =
        post && std::ranges::find(there->posts, post->id, &StatementPost::id) == there->posts.end();
    if (is_new) add_post(*there, *post);
    return is_new;
  }
  if (statement->new_key && successors_in(known).size() >= kSuccessorsMax) return false;
  known.push_back({.statement = *statement, .bytes = to_bytes(bytes), .posts = {}});
  if (post) known.back().posts.push_back(*post);
  return true;
}

bool looks_like_statement(const Message& message) {
  constexpr Bytes::value_type kStart[] = {0x01, 0x00, 0x01,
                                          static_cast<std::uint8_t>(Kind::revoke)};
  return message.head.suite == Suite::open && message.body &&
         message.body->size() > std::size(kStart) &&
         std::equal(std::begin(kStart), std::end(kStart), message.body->begin());
}

std::optional<Bytes> statement_in(const Message& message, const ChainId& chain) {
  if (!looks_like_statement(message)) return std::nullopt;
  const Opened opened = open_public(message, chain);
  if (opened.fault || !read_statement(opened.content.statement)) return std::nullopt;
  return opened.content.statement;
}

Result<Sealed> post_statement(const chain::ChainRules& chain, ByteView statement, UnixSeconds now) {
  if (!read_statement(statement)) return not_a_statement("signature");
  Content content;
  content.kind = Kind::revoke;
  content.statement = to_bytes(statement);
  return post(chain, std::move(content), nullptr,
              {.suite = Suite::open,
               .topic = {},
               .time = static_cast<std::uint32_t>(now.value - now.value % kMinute),
               .ttl = chain.rules.maxttl});
}

bool is_due_again(const Revocation& known, const chain::ChainRules& chain, UnixSeconds now) {
  constexpr std::uint64_t kParts = 12;
  std::uint64_t expires = 0;
  for (const StatementPost& post : known.posts) expires = std::max(expires, post.expires.value);
  return now.value + chain.rules.maxttl / kParts >= expires;
}

std::string statement_text(ByteView statement) {
  return std::string(kTextStart) + to_hex(statement);
}

Result<Bytes> statement_from_text(std::string_view text) {
  const auto begin = text.find_first_not_of(kBlank);
  if (begin == std::string_view::npos) return not_a_statement("nothing is in it");
  text = text.substr(begin, text.find_last_not_of(kBlank) - begin + 1);
  if (!text.starts_with(kTextStart))
    return not_a_statement(fmt::format("does not begin with '{}'", kTextStart));
  auto bytes = from_hex(text.substr(kTextStart.size()));
  if (!bytes) return not_a_statement("no hexadecimal");
  if (bytes->size() != kStatementBytes)
    return not_a_statement(fmt::format("{} bytes, not {}", bytes->size(), kStatementBytes));
  if (!read_statement(*bytes)) return not_a_statement("signature");
  return std::move(*bytes);
}

Result<std::optional<Height>> first_height(const Revocation& known,
                                           const node::ChainReader& chain) {
  std::optional<Height> first;
  for (const StatementPost& post : known.posts) {
    BMSG_TRY_ASSIGN(const auto places, chain.places_of(post.id));
    for (const node::MessagePlace& place : places) {
      if (place.branch == node::Branch::main && (!first || place.height < *first))
        first = place.height;
    }
  }
  return first;
}

Bytes encode_revocations(const std::vector<Revocation>& known) {
  Bytes bytes = to_bytes(kMagic);
  for (const Revocation& one : known) {
    append(bytes, one.bytes);
    bytes.push_back(static_cast<std::uint8_t>(one.posts.size()));
    for (const StatementPost& post : one.posts) {
      append(bytes, post.id.view());
      append_be(bytes, post.expires.value);
    }
  }
  append(bytes, crypto::sha512(bytes).view());
  return bytes;
}

std::optional<std::vector<Revocation>> decode_revocations(ByteView bytes) {
  if (bytes.size() < kMagic.size() + Digest::kSize) return std::nullopt;
  const ByteView front = bytes.first(bytes.size() - Digest::kSize);
  if (crypto::sha512(front) != Digest::from(bytes.last(Digest::kSize))) return std::nullopt;
  ByteReader reader(front);
  if (as_text(reader.take(kMagic.size())) != kMagic) return std::nullopt;
  std::vector<Revocation> known;
  while (!reader.finished()) {
    Revocation one;
    one.bytes = to_bytes(reader.take(kStatementBytes));
    const auto count = reader.integer<std::uint8_t>();
    for (unsigned i = 0; i < count && !reader.ran_short(); ++i) {
      StatementPost post;
      post.id = reader.fixed<MessageId>();
      post.expires.value = reader.integer<std::uint64_t>();
      one.posts.push_back(post);
    }
    const auto statement = read_statement(one.bytes);
    if (reader.ran_short() || !statement) return std::nullopt;
    one.statement = *statement;
    known.push_back(std::move(one));
  }
  return known;
}

}  // namespace bmsg::mail
