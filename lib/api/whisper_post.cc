#include "lib/api/whisper_post.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>

#include "lib/chain/block_hash.h"
#include "lib/core/hex.h"
#include "lib/core/try.h"
#include "lib/crypto/search.h"
#include "lib/mail/room.h"
#include "lib/mail/seal.h"
#include "lib/mail/stamp.h"

namespace bmsg::api {
namespace {

constexpr std::uint32_t kTtlAbsent = 50;  // Seconds; Whisper's own.
constexpr std::uint32_t kIntervalsToBury = 6;
constexpr std::uint64_t kMinute = 60;
constexpr std::uint64_t kSearchStep = 1u << 17;  // Between two looks at the clock.
constexpr std::size_t kPeerIdDigits = 128;

Error refused(std::string why) { return Error{Errc::bad_input, std::move(why)}; }

/// A locked keyring is told of before this.
Result<mail::Recipient> recipient_of(const WhisperPost& post, const WhisperKeys& keys) {
  if (post.symmetric_key.empty() == post.public_key.empty())
    return refused("specify either a symmetric or an asymmetric key");
  if (!post.signer.empty() && keys.find(WhisperKeyKind::pair, post.signer) == nullptr)
    return refused("invalid id");
  if (!post.public_key.empty()) {
    if (!is_whisper_public_key(post.public_key)) return refused("invalid public key");
    return mail::Recipient{post.public_key, std::nullopt};
  }
  if (post.topic.is_zero()) return refused("missing topic(s)");
  const auto* secret = keys.find(WhisperKeyKind::symmetric, post.symmetric_key);
  if (secret == nullptr) return refused("invalid symmetric key");
  return mail::Recipient{mail::room_public_key(*secret), std::nullopt};
}

mail::HeadOptions head_options(const WhisperPost& post, const WhisperHost& host) {
  const std::uint64_t now = host.clock().now().value;
  return {.suite = post.public_key.empty() ? Suite::sealed : Suite::sealed_secp256k1,
          .topic = post.topic,
          .time = static_cast<std::uint32_t>(now / kMinute * kMinute),
          .ttl = whisper_ttl(post.ttl, host.chain().rules),
          .slots = mail::Slots::exact};
}

/// The greatest stamp value that is work enough; nullopt: no hash is.
std::optional<std::uint64_t> limit_for(double pow_target, const MessageHead& head) {
  const double hashes = pow_target * double(head.encoded_bytes()) * double(head.ttl);
  const double limit = std::floor(std::ldexp(1.0, 64) / hashes) - 1;
  if (!(limit >= 0)) return std::nullopt;
  if (limit >= std::ldexp(1.0, 64)) return UINT64_MAX;
  return static_cast<std::uint64_t>(limit);
}

/// A nonce from `start` on that meets the target; nullopt if time ran out.
Result<std::optional<std::uint64_t>> search_on(const MessageHead& head, const WhisperPost& post,
                                               std::uint64_t start, const Clock& clock,
                                               const std::stop_token& stop) {
  const auto limit = limit_for(post.pow_target, head);
  if (!limit) return std::optional<std::uint64_t>();
  const crypto::Search search(chain::id_of(head).view(), *limit);
  const auto end = clock.steady() + std::chrono::seconds(post.pow_seconds);
  while (clock.steady() < end) {
    if (stop.stop_requested()) return Error{Errc::try_again, "stopped while it searched a stamp"};
    if (const auto found = search.find(start, kSearchStep)) return found;
    start += kSearchStep;
  }
  return std::optional<std::uint64_t>();
}

Result<std::uint64_t> find_nonce(const MessageHead& head, const WhisperPost& post,
                                 const WhisperHost& host, const std::stop_token& stop) {
  const auto stamp = mail::find_stamp(head, host.chain(), host.threads(), stop);
  if (!stamp) return Error{Errc::try_again, "stopped while it searched a stamp"};
  if (whisper_pow(head, chain::id_of(head), *stamp) >= post.pow_target) return *stamp;
  BMSG_TRY_ASSIGN(const auto more, search_on(head, post, *stamp, host.clock(), stop));
  if (more) return *more;
  return refused(
      fmt::format("failed to reach the PoW target, specified pow time ({} seconds) was "
                  "insufficient",
                  post.pow_seconds));
}

}  // namespace

Result<WhisperPost> parse_post(const RpcMembers& members) {
  WhisperPost post;
  BMSG_TRY_ASSIGN(post.symmetric_key, members.get("symKeyID", text_of));
  BMSG_TRY_ASSIGN(post.public_key, members.get("pubKey", bytes_of));
  BMSG_TRY_ASSIGN(post.signer, members.get("sig", text_of));
  BMSG_TRY_ASSIGN(post.ttl, members.get("ttl", number_of));
  BMSG_TRY_ASSIGN(post.topic, members.get("topic", topic_of));
  BMSG_TRY_ASSIGN(post.payload, members.get("payload", bytes_of));
  BMSG_TRY(members.get("padding", bytes_of));  // Ours is that of every message.
  BMSG_TRY_ASSIGN(post.pow_seconds, members.get("powTime", number_of));
  BMSG_TRY_ASSIGN(post.pow_target, members.get("powTarget", real_of));
  BMSG_TRY_ASSIGN(post.peer, members.get("targetPeer", text_of));
  return post;
}

std::uint32_t whisper_ttl(std::uint32_t asked, const chain::RulesText& rules) {
  const std::uint32_t wanted = asked == 0 ? kTtlAbsent : asked;
  return std::min(std::max(wanted, kIntervalsToBury * rules.interval), rules.maxttl);
}

Result<mail::Sealed> seal_post(const WhisperPost& post, WhisperHost& host, const WhisperKeys& keys,
                               std::uint64_t bytes_max) {
  BMSG_TRY_ASSIGN(auto recipient, recipient_of(post, keys));
  if (!post.peer.empty()) {
    BMSG_TRY_ASSIGN(const std::string peer, peer_of_enode(post.peer));
    return refused(fmt::format("could not find peer with ID: {}", peer));
  }
  const auto too_large = [bytes_max](std::uint64_t bytes) {
    return refused(fmt::format("message size too large [{}>{}]", bytes, bytes_max));
  };
  if (post.payload.size() > bytes_max) return too_large(post.payload.size());
  mail::Content content;
  content.kind = mail::Kind::application;
  content.content = post.payload;
  mail::SigningKey signer(nullptr);
  if (!post.signer.empty())
    signer = mail::SigningKey::of_pair(*keys.find(WhisperKeyKind::pair, post.signer));
  BMSG_TRY_ASSIGN(auto sealed, mail::seal(host.chain(), std::move(content), {std::move(recipient)},
                                          signer, head_options(post, host), host.entropy()));
  if (sealed.head.encoded_bytes() > bytes_max) return too_large(sealed.head.encoded_bytes());
  return sealed;
}

Result<Message> stamp_post(mail::Sealed sealed, const WhisperPost& post, const WhisperHost& host,
                           std::stop_token stop) {
  BMSG_TRY_ASSIGN(const auto nonce, find_nonce(sealed.head, post, host, stop));
  return std::move(sealed).with_nonce(nonce);
}

Result<std::string> peer_of_enode(std::string_view url) {
  constexpr std::string_view kScheme = "enode://";
  if (!url.starts_with(kScheme)) return refused("invalid enode URL: it begins with enode://");
  url.remove_prefix(kScheme.size());
  std::string id(url.substr(0, url.find('@')));
  std::ranges::transform(id, id.begin(), [](char c) { return c >= 'A' && c <= 'F' ? c + 32 : c; });
  if (id.size() != kPeerIdDigits || !from_hex(id))
    return refused(fmt::format("invalid enode URL: the node's id is {} hex digits", kPeerIdDigits));
  const std::string_view place = url.substr(std::min(url.size(), id.size() + 1));
  const std::string_view host = place.substr(0, place.find('?'));
  const auto colon = host.rfind(':');
  std::uint16_t port = 0;
  const char* const end = host.data() + host.size();
  const bool has_port = colon != std::string_view::npos && colon > 0 &&
                        std::from_chars(host.data() + colon + 1, end, port).ptr == end && port != 0;
  if (!has_port) return refused("invalid enode URL: after the id stands @HOST:PORT");
  return id;
}

}  // namespace bmsg::api
