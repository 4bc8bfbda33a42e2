// What the tests of Whisper's methods share: hosts without a disk, and messages that all see.

#pragma once

#include <gtest/gtest.h>

#include <fmt/format.h>

#include <string>
#include <vector>

#include "lib/api/whisper.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_entropy.h"
#include "tests/vectors/golden.h"

namespace bmsg::api {

/// The worked example's chain with another stamp; 0: no work at all.
inline chain::ChainRules whisper_chain(unsigned stamp = 0) {
  std::string text(golden::kGenesisText);
  text.replace(text.find("\nstamp 16\n"), 10, fmt::format("\nstamp {}\n", stamp));
  return chain::parse_chain_rules(text).value();
}

/// Keeps what was saved last, or refuses.
class FakeSaver final : public WhisperKeySaver {
 public:
  Result<Done> save(const std::vector<WhisperKey>& keys) override {
    if (fails) return Error{Errc::io, "cannot write keyring: no space left"};
    saved.clear();
    for (const WhisperKey& key : keys) saved.push_back({key.id, key.kind, key.secret.clone()});
    return done;
  }

  bool fails = false;
  std::vector<WhisperKey> saved;
};

/// Wall time stands; each look at the other clock takes a second.
class TickingClock final : public Clock {
 public:
  UnixSeconds now() const override { return now_; }
  std::chrono::steady_clock::time_point steady() const override {
    return std::chrono::steady_clock::time_point(std::chrono::seconds(looks_++));
  }
  void advance(std::uint64_t seconds) {
    now_.value += seconds;
    looks_ += seconds;
  }

 private:
  UnixSeconds now_{1'767'225'690};
  mutable std::uint64_t looks_ = 0;
};

class FakeWhisperHost final : public WhisperHost {
 public:
  explicit FakeWhisperHost(std::uint64_t seed = 1, unsigned stamp = 0)
      : rules(whisper_chain(stamp)), random(seed) {}

  WhisperKeys* keys() override { return is_locked ? nullptr : &kept; }
  chain::ChainRules chain() const override { return rules; }
  const Clock& clock() const override { return time; }
  Entropy& entropy() override { return random; }
  Result<Done> post(const Message& message) override {
    if (post_fails) return Error{Errc::bad_usage, "cannot write outbox: no space left"};
    posted.push_back(message);
    return done;
  }
  std::size_t peers() const override { return 17; }
  bool is_listening() const override { return true; }
  PoolSize pool() const override { return {.bytes = 4711, .messages = 3}; }
  KeyExport key_export() const override { return exports; }

  chain::ChainRules rules;
  TickingClock time;
  FakeEntropy random;
  FakeSaver saver;
  WhisperKeys kept{{}, saver, random};
  std::vector<Message> posted;
  bool is_locked = false;
  bool post_fails = false;
  KeyExport exports = KeyExport::allowed;
};

/// A gateway as a client sees it. It shows and posts messages without work unless told otherwise.
class Client {
 public:
  explicit Client(std::uint64_t seed = 1, unsigned stamp = 0,
                  const WhisperFilterLimits& limits = {})
      : host(seed, stamp), gateway(host, limits) {
    call("shh_setMinPoW", "0");
  }

  /// The whole answer, or "" for none.
  std::string raw(std::string_view text) { return gateway.answer(text, connection).value_or(""); }
  Json call(std::string_view method, std::string_view params = {}) {
    const std::string text =
        fmt::format(R"({{"jsonrpc":"2.0","id":7,"method":"{}","params":[{}]}})", method, params);
    return Json::parse(raw(text));
  }
  /// A result that is a string; "" and a failed test for an error.
  std::string text(std::string_view method, std::string_view params = {}) {
    const Json answer = call(method, params);
    if (answer.contains("result") && answer["result"].is_string()) return answer["result"];
    ADD_FAILURE() << method << " " << answer.dump();
    return {};
  }
  /// "-32000 invalid id", or "ok".
  std::string refusal(std::string_view method, std::string_view params = {}) {
    const Json answer = call(method, params);
    if (!answer.contains("error")) return "ok";
    return fmt::format("{} {}", answer["error"]["code"].get<int>(),
                       answer["error"]["message"].get<std::string>());
  }
  Json messages(const std::string& filter) {
    return call("shh_getFilterMessages", quoted(filter))["result"];
  }
  static std::string quoted(std::string_view text) { return fmt::format("\"{}\"", text); }

  FakeWhisperHost host;
  WhisperGateway gateway;
  std::optional<WhisperConnection> connection = 1;
};

/// What `from` has posted reaches all of them.
inline void carry(Client& from, std::initializer_list<Client*> to) {
  for (const Message& message : from.host.posted) {
    for (Client* const one : to) one->gateway.offer(message);
  }
}

}  // namespace bmsg::api
