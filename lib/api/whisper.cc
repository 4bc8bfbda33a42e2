#include "lib/api/whisper.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "lib/core/try.h"
#include "lib/mail/text.h"

namespace bmsg::api {
namespace {

constexpr std::size_t kMethodShownMax = 128;  // Bytes of an unknown name.

RpcRefusal refusal_of(const Error& error) {
  return {error.code == Errc::bad_usage ? RpcCode::params : RpcCode::application, error.message};
}

}  // namespace

struct WhisperGateway::Method {
  std::string_view name;
  std::size_t arguments_max;
  Result<Json> (WhisperGateway::*run)(const Call& call);
};

const WhisperGateway::Method* WhisperGateway::find_method(std::string_view name) {
  using G = WhisperGateway;
  static constexpr std::array kMethods = {
      Method{"net_listening", 0, &G::net_listening},
      Method{"net_peerCount", 0, &G::net_peers},
      Method{"net_version", 0, &G::net_version},
      Method{"shh_addPrivateKey", 1, &G::add_pair},
      Method{"shh_addSymKey", 1, &G::add_symmetric},
      Method{"shh_cancelLightClient", 0, &G::agree},
      Method{"shh_deleteKeyPair", 1, &G::delete_pair},
      Method{"shh_deleteMessageFilter", 1, &G::delete_filter},
      Method{"shh_deleteSymKey", 1, &G::delete_symmetric},
      Method{"shh_generateSymKeyFromPassword", 1, &G::password_key},
      Method{"shh_getFilterMessages", 1, &G::filter_messages},
      Method{"shh_getPrivateKey", 1, &G::private_key},
      Method{"shh_getPublicKey", 1, &G::public_key},
      Method{"shh_getSymKey", 1, &G::symmetric_key},
      Method{"shh_hasKeyPair", 1, &G::has_pair},
      Method{"shh_hasSymKey", 1, &G::has_symmetric},
      Method{"shh_info", 0, &G::info},
      Method{"shh_makeLightClient", 0, &G::agree},
      Method{"shh_markTrustedPeer", 1, &G::trust_peer},
      Method{"shh_newKeyPair", 0, &G::new_pair},
      Method{"shh_newMessageFilter", 1, &G::new_filter},
      Method{"shh_newSymKey", 0, &G::new_symmetric},
      Method{"shh_post", 1, &G::post},
      Method{"shh_setBloomFilter", 1, &G::set_bloom},
      Method{"shh_setMaxMessageSize", 1, &G::set_size},
      Method{"shh_setMinPoW", 1, &G::set_pow},
      Method{"shh_subscribe", 2, &G::subscribe},
      Method{"shh_unsubscribe", 1, &G::unsubscribe},
      Method{"shh_version", 0, &G::version},
  };
  const auto found = std::ranges::find(kMethods, name, &Method::name);
  return found == kMethods.end() ? nullptr : &*found;
}

WhisperGateway::WhisperGateway(WhisperHost& host, const WhisperFilterLimits& limits)
    : host_(host), has_keys_(host.keys() != nullptr), filters_(host.chain().id, limits) {}

std::optional<std::string> WhisperGateway::answer(std::string_view text,
                                                  std::optional<WhisperConnection> connection,
                                                  std::stop_token stop) {
  return answer_rpc(text, [&](const std::string& method, const Json& params) {
    const RpcArguments arguments(params);
    return outcome_of(method, params, {arguments, connection, stop});
  });
}

RpcOutcome WhisperGateway::outcome_of(const std::string& name, const Json& params,
                                      const Call& call) {
  const Method* const method = find_method(name);
  if (method == nullptr) {
    return RpcRefusal{RpcCode::method, fmt::format("the method {} does not exist/is not available",
                                                   mail::snippet(name, kMethodShownMax))};
  }
  // The name of a subscription is part of the method, over a connection that can have one.
  if (name == "shh_subscribe" && call.connection && !params.empty() && params[0].is_string() &&
      params[0] != "messages") {
    const auto which = mail::snippet(params[0].get_ref<const std::string&>(), kMethodShownMax);
    return RpcRefusal{RpcCode::method,
                      fmt::format("no \"{}\" subscription in shh namespace", which)};
  }
  if (const auto fits = call.arguments.check_count(method->arguments_max); !fits)
    return refusal_of(fits.error());
  auto result = (this->*method->run)(call);
  if (!result) return refusal_of(result.error());
  return std::move(result).value();
}

bool WhisperGateway::offer(const Message& message) {
  const std::uint64_t chain_max = host_.chain().rules.maxmessage;
  const std::lock_guard lock(mutex_);
  if (!has_keys_) return false;
  filters_.offer(
      message,
      {.pow_min = pow_tolerated(), .bytes_max = std::min<std::uint64_t>(size_max_, chain_max)},
      host_.clock().now());
  return true;
}

void WhisperGateway::skip(const MessageHead& head) {
  const std::lock_guard lock(mutex_);
  filters_.skip(head, host_.clock().now());
}

std::vector<WhisperConnection> WhisperGateway::take_ready() {
  const std::lock_guard lock(mutex_);
  return filters_.take_ready();
}

/// Many connections may wait for the same message.
std::string WhisperGateway::shown_text(const SharedWhisperMessage& message) {
  if (printed_ != message) {
    printed_text_ = print_json(to_json(*message));
    printed_ = message;
  }
  return printed_text_;
}

std::vector<std::string> WhisperGateway::take_notifications(WhisperConnection connection) {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> texts;
  for (const auto& [subscription, message] : filters_.take_notifications(connection))
    texts.push_back(print_notification(subscription, shown_text(message)));
  return texts;
}

void WhisperGateway::close(WhisperConnection connection) {
  const std::lock_guard lock(mutex_);
  filters_.close(connection);
}

void WhisperGateway::change_keys(const std::function<void()>& change) {
  const std::lock_guard keys_lock(keys_mutex_);
  change();
  const WhisperKeys* const keys = host_.keys();
  const std::lock_guard lock(mutex_);
  filters_.forget_keys();
  if (keys != nullptr) filters_.restore_keys(*keys);
  has_keys_ = keys != nullptr;
}

}  // namespace bmsg::api
