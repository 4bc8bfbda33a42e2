// The methods about keys, filters and posts.

#include <algorithm>

#include "lib/api/whisper.h"
#include "lib/api/whisper_post.h"
#include "lib/chain/block_hash.h"
#include "lib/core/try.h"

namespace bmsg::api {
namespace {

constexpr auto kPair = WhisperKeyKind::pair;
constexpr auto kSymmetric = WhisperKeyKind::symmetric;

Error refused(std::string_view why) { return Error{Errc::bad_input, std::string(why)}; }

Error keys_are_locked() {
  return {Errc::denied, "keyring is locked: run bmsg unlock or open the page"};
}

/// An error of the host is never about the words of a call.
Error of_application(Error error) {
  if (error.code == Errc::bad_usage) error.code = Errc::bad_input;
  return error;
}

Result<Json> id_or_error(Result<std::string> made) {
  if (!made) return of_application(made.error());
  return Json(std::move(made).value());
}

}  // namespace

Result<WhisperKeys*> WhisperGateway::keys() {
  if (WhisperKeys* const keys = host_.keys()) return keys;
  return keys_are_locked();
}

Result<Json> WhisperGateway::new_pair(const Call&) {
  const std::lock_guard lock(keys_mutex_);
  BMSG_TRY_ASSIGN(auto* const keys, this->keys());
  return id_or_error(keys->make(kPair));
}

Result<Json> WhisperGateway::add_pair(const Call& call) {
  BMSG_TRY_ASSIGN(const Bytes key, call.arguments.get(0, bytes_of));
  const std::lock_guard lock(keys_mutex_);
  BMSG_TRY_ASSIGN(auto* const keys, this->keys());
  return id_or_error(keys->add(kPair, crypto::SecretBytes::from(key)));
}

Result<Json> WhisperGateway::delete_pair(const Call& call) {
  BMSG_TRY_ASSIGN(const auto id, call.arguments.get(0, text_of));
  const std::lock_guard lock(keys_mutex_);
  BMSG_TRY_ASSIGN(auto* const keys, this->keys());
  const auto removed = keys->remove(kPair, id);
  if (!removed) return of_application(removed.error());
  if (!removed.value()) return refused("key pair ID not found");
  return Json(true);
}

Result<Json> WhisperGateway::has_pair(const Call& call) {
  BMSG_TRY_ASSIGN(const auto id, call.arguments.get(0, text_of));
  const std::lock_guard lock(keys_mutex_);
  BMSG_TRY_ASSIGN(const auto* const keys, this->keys());
  return Json(keys->find(kPair, id) != nullptr);
}

Result<Json> WhisperGateway::public_key(const Call& call) {
  BMSG_TRY_ASSIGN(const auto id, call.arguments.get(0, text_of));
  const std::lock_guard lock(keys_mutex_);
  BMSG_TRY_ASSIGN(const auto* const keys, this->keys());
  const auto* const key = keys->find(kPair, id);
  if (key == nullptr) return refused("invalid id");
  return Json(print_hex(whisper_public_key(*key)));
}

Result<Json> WhisperGateway::exported(WhisperKeyKind kind, const std::string& id,
                                      const char* unknown) {
  if (host_.key_export() == KeyExport::refused)
    return refused("keys stay inside: run bmsg web with --unsafe-export");
  const std::lock_guard lock(keys_mutex_);
  BMSG_TRY_ASSIGN(const auto* const keys, this->keys());
  const auto* const key = keys->find(kind, id);
  if (key == nullptr) return refused(unknown);
  return Json(print_hex(key->view()));
}

Result<Json> WhisperGateway::private_key(const Call& call) {
  BMSG_TRY_ASSIGN(const auto id, call.arguments.get(0, text_of));
  return exported(kPair, id, "invalid id");
}

Result<Json> WhisperGateway::new_symmetric(const Call&) {
  const std::lock_guard lock(keys_mutex_);
  BMSG_TRY_ASSIGN(auto* const keys, this->keys());
  return id_or_error(keys->make(kSymmetric));
}

Result<Json> WhisperGateway::add_symmetric(const Call& call) {
  BMSG_TRY_ASSIGN(const Bytes key, call.arguments.get(0, bytes_of));
  const std::lock_guard lock(keys_mutex_);
  BMSG_TRY_ASSIGN(auto* const keys, this->keys());
  return id_or_error(keys->add(kSymmetric, crypto::SecretBytes::from(key)));
}

Result<Json> WhisperGateway::password_key(const Call& call) {
  BMSG_TRY_ASSIGN(const auto password, call.arguments.get(0, text_of));
  auto made = whisper_password_key(password);  // Takes long: nobody waits for it.
  const std::lock_guard lock(keys_mutex_);
  BMSG_TRY_ASSIGN(auto* const keys, this->keys());
  return id_or_error(keys->add(kSymmetric, std::move(made)));
}

Result<Json> WhisperGateway::has_symmetric(const Call& call) {
  BMSG_TRY_ASSIGN(const auto id, call.arguments.get(0, text_of));
  const std::lock_guard lock(keys_mutex_);
  BMSG_TRY_ASSIGN(const auto* const keys, this->keys());
  return Json(keys->find(kSymmetric, id) != nullptr);
}

Result<Json> WhisperGateway::symmetric_key(const Call& call) {
  BMSG_TRY_ASSIGN(const auto id, call.arguments.get(0, text_of));
  return exported(kSymmetric, id, "non-existent key ID");
}

Result<Json> WhisperGateway::delete_symmetric(const Call& call) {
  BMSG_TRY_ASSIGN(const auto id, call.arguments.get(0, text_of));
  const std::lock_guard lock(keys_mutex_);
  BMSG_TRY_ASSIGN(auto* const keys, this->keys());
  const auto removed = keys->remove(kSymmetric, id);
  if (!removed) return of_application(removed.error());
  return Json(removed.value());
}

Result<WhisperCriteria> WhisperGateway::criteria(const RpcMembers& members, TopicNeed need) {
  BMSG_TRY_ASSIGN(const auto symmetric, members.get("symKeyID", text_of));
  BMSG_TRY_ASSIGN(const auto pair, members.get("privateKeyID", text_of));
  BMSG_TRY_ASSIGN(auto sender, members.get("sig", bytes_of));
  BMSG_TRY_ASSIGN(const double pow_min, members.get("minPow", real_of));
  BMSG_TRY_ASSIGN(auto topics, members.get("topics", topics_of));
  BMSG_TRY(members.get("allowP2P", truth_of));  // Nothing is delivered past the chain.
  BMSG_TRY_ASSIGN(const auto* const keys, this->keys());
  if (symmetric.empty() == pair.empty())
    return refused("specify either a symmetric or an asymmetric key");
  if (!sender.empty() && !is_whisper_public_key(sender))
    return refused("invalid signing public key");
  if (pair.empty() && topics.empty() && need == TopicNeed::with_symmetric_key)
    return refused("missing topic(s)");
  std::ranges::sort(topics);
  const auto kind = pair.empty() ? kSymmetric : kPair;
  const auto* const key = keys->find(kind, pair.empty() ? symmetric : pair);
  if (key == nullptr) return refused(pair.empty() ? "invalid symmetric key" : "invalid public key");
  return WhisperCriteria{.slot = WhisperSlot(kind, *key, host_.chain().id),
                         .key = pair.empty() ? symmetric : pair,
                         .sender = std::move(sender),
                         .pow_min = pow_min,
                         .topics = std::move(topics)};
}

Result<Json> WhisperGateway::new_filter(const Call& call) {
  BMSG_TRY_ASSIGN(const auto members, RpcMembers::in(call.arguments, 0));
  const std::lock_guard keys_lock(keys_mutex_);
  BMSG_TRY_ASSIGN(auto wanted, criteria(members, TopicNeed::none));
  const std::lock_guard lock(mutex_);
  return id_or_error(filters_.add_filter(std::move(wanted), host_.entropy()));
}

Result<Json> WhisperGateway::filter_messages(const Call& call) {
  BMSG_TRY_ASSIGN(const auto id, call.arguments.get(0, text_of));
  if (!has_keys_) return keys_are_locked();  // What was opened before is not for everybody.
  std::unique_lock lock(mutex_);
  const auto messages = filters_.take(id);
  lock.unlock();
  if (!messages) return refused("filter not found");
  Json list = Json::array();
  for (const SharedWhisperMessage& message : *messages) list.push_back(to_json(*message));
  return list;
}

Result<Json> WhisperGateway::delete_filter(const Call& call) {
  BMSG_TRY_ASSIGN(const auto id, call.arguments.get(0, text_of));
  const std::lock_guard lock(mutex_);
  if (!filters_.remove_filter(id)) return refused("Unsubscribe: Invalid ID");
  return Json(true);
}

Result<Json> WhisperGateway::subscribe(const Call& call) {
  if (!call.connection) return refused("notifications not supported");
  BMSG_TRY(call.arguments.get(0, text_of));
  BMSG_TRY_ASSIGN(const auto members, RpcMembers::in(call.arguments, 1));
  const std::lock_guard keys_lock(keys_mutex_);
  BMSG_TRY_ASSIGN(auto wanted, criteria(members, TopicNeed::with_symmetric_key));
  const std::lock_guard lock(mutex_);
  return id_or_error(filters_.subscribe(*call.connection, std::move(wanted), host_.entropy()));
}

Result<Json> WhisperGateway::unsubscribe(const Call& call) {
  BMSG_TRY_ASSIGN(const auto id, call.arguments.get(0, text_of));
  const std::lock_guard lock(mutex_);
  if (!call.connection || !filters_.unsubscribe(*call.connection, id))
    return refused("subscription not found");
  return Json(true);
}

Result<mail::Sealed> WhisperGateway::sealed_post(const WhisperPost& post) {
  const std::uint64_t size = bytes_max();
  const std::lock_guard lock(keys_mutex_);
  BMSG_TRY_ASSIGN(const auto* const keys, this->keys());
  auto sealed = seal_post(post, host_, *keys, size);
  if (!sealed) return of_application(sealed.error());
  return sealed;
}

Result<Json> WhisperGateway::post(const Call& call) {
  BMSG_TRY_ASSIGN(const auto members, RpcMembers::in(call.arguments, 0));
  BMSG_TRY_ASSIGN(const WhisperPost wanted, parse_post(members));
  BMSG_TRY_ASSIGN(auto sealed, sealed_post(wanted));
  const auto message = stamp_post(std::move(sealed), wanted, host_, call.stop);
  if (!message) return of_application(message.error());
  // After the work, as Whisper did.
  std::unique_lock lock(mutex_);
  const bool is_low = wanted.pow_target < pow_min_;
  lock.unlock();
  if (is_low) return refused("message rejected, PoW too low");
  if (const auto posted = host_.post(message.value()); !posted)
    return of_application(posted.error());
  return Json(whisper_hash(chain::id_of(message.value().head)));
}

}  // namespace bmsg::api
