#include "lib/api/whisper_rpc.h"

#include <fmt/format.h>

#include <cmath>

#include "lib/api/whisper_values.h"

namespace bmsg::api {
namespace {

/// Whether it is echoed as what it was: a number that does not fit a double exactly would not be.
bool is_id(const Json& id) {
  constexpr double kWholeMax = 9007199254740992;  // 2^53
  if (id.is_number_float()) return std::abs(id.get<double>()) < kWholeMax;
  return !id.is_structured();
}

Json answer_to(const Json& id, const RpcOutcome& outcome) {
  Json answer{{"jsonrpc", "2.0"}, {"id", id}};
  if (const auto* refusal = std::get_if<RpcRefusal>(&outcome)) {
    answer["error"] =
        Json{{"code", static_cast<int>(refusal->code)}, {"message", refusal->message}};
  } else {
    answer["result"] = std::get<Json>(outcome);
  }
  return answer;
}

Json refusal_of_request(const std::string& why) {
  return answer_to(nullptr, RpcRefusal{RpcCode::request, why});
}

RpcOutcome outcome_of(const std::string& method, const Json* params, const RpcCall& call) {
  if (params == nullptr || params->is_null()) return call(method, Json::array());
  if (!params->is_array()) return RpcRefusal{RpcCode::params, "non-array args"};
  return call(method, *params);
}

/// nullopt: a notification.
std::optional<Json> answer_one(const Json& request, const RpcCall& call) {
  if (!request.is_object()) return refusal_of_request("invalid request");
  const auto version = find_member(request, "jsonrpc");
  const auto method = find_member(request, "method");
  const auto params = find_member(request, "params");
  const auto id = find_member(request, "id");
  if (!version || !method || !params || !id) return refusal_of_request("invalid request");
  const Json* const name = method.value();
  const bool is_call = version.value() != nullptr && *version.value() == "2.0" && name != nullptr &&
                       name->is_string() && !name->get_ref<const std::string&>().empty();
  const bool answered = id.value() != nullptr;
  if (!is_call || (answered && !is_id(*id.value()))) return refusal_of_request("invalid request");
  const RpcOutcome outcome = outcome_of(name->get<std::string>(), params.value(), call);
  if (!answered) return std::nullopt;
  return answer_to(*id.value(), outcome);
}

}  // namespace

std::optional<std::string> answer_rpc(std::string_view text, const RpcCall& call) {
  const auto parsed = parse_json(text, kRpcBytesMax);
  if (!parsed) {
    const std::string why = fmt::format("parse error: {}", parsed.error().message);
    return print_json(answer_to(nullptr, RpcRefusal{RpcCode::parse, why}));
  }
  const Json& json = parsed.value();
  if (!json.is_array()) {
    const auto answer = answer_one(json, call);
    return answer ? std::optional(print_json(*answer)) : std::nullopt;
  }
  if (json.empty()) return print_json(refusal_of_request("empty batch"));
  if (json.size() > kRpcBatchMax) return print_json(refusal_of_request("batch too large"));
  Json answers = Json::array();
  for (const Json& request : json) {
    if (auto answer = answer_one(request, call)) answers.push_back(std::move(*answer));
  }
  return answers.empty() ? std::nullopt : std::optional(print_json(answers));
}

std::string print_rpc_error(const RpcRefusal& refusal) {
  return print_json(answer_to(nullptr, refusal));
}

std::string print_notification(std::string_view subscription, std::string_view result) {
  return fmt::format(R"({{"jsonrpc":"2.0","method":"shh_subscription",)"
                     R"("params":{{"subscription":"{}","result":{}}}}})",
                     subscription, result);
}

}  // namespace bmsg::api
