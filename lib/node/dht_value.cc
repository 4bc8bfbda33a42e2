#include "lib/node/dht_value.h"

#include <iterator>
#include <string>
#include <string_view>

#include "lib/core/base64.h"
#include "lib/core/try.h"
#include "lib/crypto/aead.h"
#include "lib/crypto/sha512.h"

namespace bmsg::node {
namespace {

crypto::SecretBytes seal_key(const crypto::SecretBytes& secret) {
  const Digest digest = crypto::sha512({as_bytes("bmsg1 seek"), secret.view()});
  return crypto::SecretBytes::from(digest.view().first(crypto::kAeadKeyBytes));
}

}  // namespace

Result<crypto::SecretBytes> parse_dht_secret(ByteView text) {
  if (!text.empty() && text.back() == '\n') text = text.first(text.size() - 1);
  auto bytes = from_base64url(as_text(text));
  if (!bytes || bytes->size() != kDhtSecretBytes) {
    return Error{Errc::bad_input,
                 "a secret for discovery is 32 bytes as 43 characters of base64url"};
  }
  auto secret = crypto::SecretBytes::from(*bytes);
  crypto::wipe(*bytes);
  return secret;
}

Digest dht_key_of_chain(const ChainId& chain, const crypto::SecretBytes& secret) {
  return crypto::sha512({as_bytes("bmsg1 dht"), chain.view(), secret.view()});
}

Result<Bytes> dht_value(const PeerRecord& record, const ChainId& chain,
                        const crypto::SecretBytes& secret, Entropy& entropy) {
  const std::string line = print_peer_record(record);
  if (secret.size() == 0) return to_bytes(line);
  crypto::AeadNonce nonce;
  BMSG_TRY(entropy.fill({nonce.data(), crypto::AeadNonce::kSize}));
  Bytes value = to_bytes(nonce.view());
  append(value, crypto::aead_seal(seal_key(secret), nonce, chain.view(), as_bytes(line)));
  return value;
}

std::optional<PeerRecord> read_dht_value(ByteView value, const ChainId& chain,
                                         const crypto::SecretBytes& secret) {
  const auto parsed = [](std::string_view line) -> std::optional<PeerRecord> {
    auto record = parse_peer_record(line);
    if (!record) return std::nullopt;
    return std::move(record).value();
  };
  if (value.size() > kDhtValueBytesMax) return std::nullopt;
  if (secret.size() == 0) return parsed(as_text(value));
  if (value.size() < crypto::AeadNonce::kSize + crypto::kAeadTagBytes) return std::nullopt;
  const auto nonce = crypto::AeadNonce::from(value.first(crypto::AeadNonce::kSize));
  const auto line = crypto::aead_open(seal_key(secret), nonce, chain.view(),
                                      value.subspan(crypto::AeadNonce::kSize));
  return line ? parsed(as_text(line->view())) : std::nullopt;
}

void DhtFinds::take(ByteView value, UnixSeconds now) {
  const auto record = read_dht_value(value, chain_, secret_);
  if (!record || record->key == own_) return;
  const Digest place = crypto::sha512({salt_.view(), record->key.view()});
  const auto known = kept_.find(place);
  if (known != kept_.end() && known->second.time >= record->time) return;
  const bool is_full = known == kept_.end() && kept_.size() >= kDhtFindsMax;
  if (is_full && place > kept_.rbegin()->first) return;  // Before its signature costs time.
  if (!check_peer_record(*record, chain_, now)) return;
  if (is_full) kept_.erase(std::prev(kept_.end()));
  kept_.insert_or_assign(place, *record);
}

std::vector<PeerRecord> DhtFinds::records() const {
  std::vector<PeerRecord> found;
  for (const auto& [place, record] : kept_) found.push_back(record);
  return found;
}

}  // namespace bmsg::node
