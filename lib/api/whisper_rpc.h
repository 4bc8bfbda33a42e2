// JSON-RPC 2.0 as Whisper's clients speak it: the envelope around calls, without a method.

#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "lib/api/json_guard.h"

namespace bmsg::api {

inline constexpr std::size_t kRpcBytesMax = 5u << 20;
inline constexpr std::size_t kRpcBatchMax = 1000;  // Calls in one array.

/// The numbers go over the wire.
enum class RpcCode : int {
  parse = -32700,
  request = -32600,  // What is no call, too.
  method = -32601,   // No such method, or no such subscription.
  params = -32602,
  application = -32000,
};

/// What a call is answered with instead of a result.
struct RpcRefusal {
  RpcCode code = RpcCode::application;
  std::string message;
};

using RpcOutcome = std::variant<Json, RpcRefusal>;
/// One call: the method, and its arguments as an array.
using RpcCall = std::function<RpcOutcome(const std::string& method, const Json& params)>;

/// The answer to a text that holds one call or a batch; nullopt if all were notifications.
std::optional<std::string> answer_rpc(std::string_view text, const RpcCall& call);

/// What a call is answered with that was not even read.
std::string print_rpc_error(const RpcRefusal& refusal);

/// A message nobody called for: of a subscription, with a result that is printed already.
std::string print_notification(std::string_view subscription, std::string_view result);

}  // namespace bmsg::api
