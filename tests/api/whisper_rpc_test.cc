// The envelope: every shape of a call, every code, both sides of every bound.

#include "lib/api/whisper_rpc.h"

#include <gtest/gtest.h>

#include <fmt/format.h>

#include "tests/support/seed.h"

namespace bmsg::api {
namespace {

std::string answer(std::string_view text) {
  const auto echo = [](const std::string& method, const Json& params) -> RpcOutcome {
    if (method == "fail") return RpcRefusal{RpcCode::application, "it failed"};
    return Json(params);
  };
  return answer_rpc(text, echo).value_or("none");
}

std::string refused(int code, const std::string& why) {
  return fmt::format(R"({{"jsonrpc":"2.0","id":null,"error":{{"code":{},"message":"{}"}}}})", code,
                     why);
}
const std::string kInvalid = refused(-32600, "invalid request");

TEST(WhisperRpc, AnswersOneCall) {
  EXPECT_EQ(answer(R"({"jsonrpc":"2.0","id":1,"method":"a","params":[1,"x"]})"),
            R"({"jsonrpc":"2.0","id":1,"result":[1,"x"]})");
  EXPECT_EQ(answer(R"({"jsonrpc":"2.0","id":1,"method":"fail","params":[]})"),
            R"({"jsonrpc":"2.0","id":1,"error":{"code":-32000,"message":"it failed"}})");
}

TEST(WhisperRpc, TakesAbsentAndNullParamsAsNone) {
  const std::string none = R"({"jsonrpc":"2.0","id":1,"result":[]})";
  EXPECT_EQ(answer(R"({"jsonrpc":"2.0","id":1,"method":"a"})"), none);
  EXPECT_EQ(answer(R"({"jsonrpc":"2.0","id":1,"method":"a","params":null})"), none);
  EXPECT_EQ(answer(R"({"jsonrpc":"2.0","id":1,"method":"a","params":{"b":1},"more":1})"),
            R"({"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"non-array args"}})");
}

TEST(WhisperRpc, EchoesTheIdAsTheSameValue) {
  for (const std::string id : {"0", "-1", "9007199254740991", "18446744073709551615", "1.5",
                               "\"1\"", "\"\"", "\"\\u009b\"", "null", "true"}) {
    EXPECT_EQ(answer(fmt::format(R"({{"jsonrpc":"2.0","id":{},"method":"a"}})", id)),
              fmt::format(R"({{"jsonrpc":"2.0","id":{},"result":[]}})", id));
  }
  for (const std::string id : {"[]", "{}", "[1]", "18446744073709551616", "1e300", "-1e16"}) {
    EXPECT_EQ(answer(fmt::format(R"({{"jsonrpc":"2.0","id":{},"method":"a"}})", id)), kInvalid);
  }
}

TEST(WhisperRpc, FindsMembersWhateverTheirCase) {
  EXPECT_EQ(answer(R"({"JSONRPC":"2.0","Id":1,"METHOD":"a"})"),
            R"({"jsonrpc":"2.0","id":1,"result":[]})");
  EXPECT_EQ(answer(R"({"jsonrpc":"2.0","id":1,"ID":2,"method":"a"})"), kInvalid);
}

TEST(WhisperRpc, RefusesWhatIsNoCall) {
  for (const std::string_view text :
       {"1", "null", "\"a\"", "{}", R"({"jsonrpc":"2.0","id":1})", R"({"id":1,"method":"a"})",
        R"({"jsonrpc":"1.0","id":1,"method":"a"})", R"({"jsonrpc":2.0,"id":1,"method":"a"})",
        R"({"jsonrpc":"2.0","id":1,"method":1})", R"({"jsonrpc":"2.0","id":1,"method":""})",
        R"({"jsonrpc":"2.0","id":1,"method":null})"}) {
    EXPECT_EQ(answer(text), kInvalid) << text;
  }
}

TEST(WhisperRpc, RefusesWhatDoesNotParse) {
  EXPECT_EQ(answer(""), refused(-32700, "parse error: JSON: malformed"));
  EXPECT_EQ(answer("{"), refused(-32700, "parse error: JSON: malformed"));
  EXPECT_EQ(answer("{} {}"), refused(-32700, "parse error: JSON: malformed"));
  EXPECT_EQ(answer(R"({"id":1,"id":1})"),
            refused(-32700, "parse error: JSON: a member is named twice"));
}

TEST(WhisperRpc, RunsNotificationsWithoutAnAnswer) {
  EXPECT_EQ(answer(R"({"jsonrpc":"2.0","method":"a"})"), "none");
  EXPECT_EQ(answer(R"({"jsonrpc":"2.0","method":"fail"})"), "none");
  EXPECT_EQ(answer(R"([{"jsonrpc":"2.0","method":"a"}])"), "none");
  int calls = 0;
  answer_rpc(R"({"jsonrpc":"2.0","method":"a"})", [&](const std::string&, const Json&) {
    ++calls;
    return RpcOutcome(Json());
  });
  EXPECT_EQ(calls, 1);
}

TEST(WhisperRpc, AnswersABatchInItsOrder) {
  EXPECT_EQ(answer(R"([{"jsonrpc":"2.0","id":2,"method":"a","params":[2]},3,)"
                   R"({"jsonrpc":"2.0","method":"a"},{"jsonrpc":"2.0","id":1,"method":"a"}])"),
            fmt::format(R"([{{"jsonrpc":"2.0","id":2,"result":[2]}},{},)"
                        R"({{"jsonrpc":"2.0","id":1,"result":[]}}])",
                        kInvalid));
  EXPECT_EQ(answer("[]"), refused(-32600, "empty batch"));
}

std::string batch(std::size_t count) {
  std::string text = "[";
  for (std::size_t i = 0; i < count; ++i) text += i == 0 ? "1" : ",1";
  return text + "]";
}

TEST(WhisperRpc, TakesABatchOfAThousandAndNoMore) {
  EXPECT_EQ(Json::parse(answer(batch(kRpcBatchMax))).size(), kRpcBatchMax);
  EXPECT_EQ(answer(batch(kRpcBatchMax + 1)), refused(-32600, "batch too large"));
}

TEST(WhisperRpc, TakesSixteenLevelsAndNoMore) {
  const auto deep = [](std::size_t depth) {  // The call and its params are two more.
    return fmt::format(R"({{"jsonrpc":"2.0","id":1,"method":"a","params":[{}1{}]}})",
                       std::string(depth, '['), std::string(depth, ']'));
  };
  EXPECT_NE(answer(deep(14)).find("result"), std::string::npos);
  EXPECT_EQ(answer(deep(15)), refused(-32700, "parse error: JSON: nested deeper than 16"));
  EXPECT_EQ(answer(std::string(1'000'000, '[')),
            refused(-32700, "parse error: JSON: nested deeper than 16"));
}

TEST(WhisperRpc, TakesFiveMebibytesAndNoMore) {
  const std::string around = R"({"jsonrpc":"2.0","id":1,"method":"a","params":[""]})";
  const auto long_call = [&](std::size_t size) {
    std::string text = around;
    return text.insert(text.size() - 3, size - around.size(), 'x');
  };
  EXPECT_NE(answer(long_call(kRpcBytesMax)).find("result"), std::string::npos);
  EXPECT_EQ(answer(long_call(kRpcBytesMax + 1)),
            refused(-32700, "parse error: JSON: longer than 5242880 bytes"));
}

TEST(WhisperRpc, AnswersAlteredCallsWithJson) {
  auto numbers = seeded_numbers();
  const Bytes good = to_bytes(R"([{"jsonrpc":"2.0","id":1,"method":"a","params":["0x00",{}]}])");
  for (int i = 0; i < 20'000; ++i) {
    const Bytes text = mutated(numbers, mutated(numbers, good));
    const std::string made = answer(as_text(text));
    EXPECT_TRUE(made == "none" || Json::accept(made)) << as_text(text);
  }
}

TEST(WhisperRpc, PrintsNotifications) {
  EXPECT_EQ(print_rpc_error({.code = RpcCode::application, .message = "no \"more\""}),
            R"({"jsonrpc":"2.0","id":null,"error":{"code":-32000,"message":"no \"more\""}})");
  EXPECT_EQ(print_notification("0x1f", R"({"a":1})"),
            R"({"jsonrpc":"2.0","method":"shh_subscription","params":)"
            R"({"subscription":"0x1f","result":{"a":1}}})");
}

}  // namespace
}  // namespace bmsg::api
