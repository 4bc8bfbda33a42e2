// Decoders under test: each takes any bytes, whoever wrote them.
#pragma once

#include <algorithm>
#include <span>
#include <string>
#include <string_view>

#include "lib/core/bytes.h"
#include "lib/core/check.h"
#include "lib/core/result.h"

namespace bmsg::fuzz {

/// One decoder. Where it accepts the bytes, what it made of them is looked at, and a promise that
/// does not hold ends the process.
/// Threads: one at a time.
struct Target {
  std::string_view name;        // Of its folder in tests/corpus, too.
  bool (*run)(ByteView bytes);  // Whether it accepts them.
};

/// Those of each floor.
std::span<const Target> core_targets();
std::span<const Target> chain_targets();
std::span<const Target> node_targets();
std::span<const Target> net_targets();
std::span<const Target> mail_targets();
std::span<const Target> api_targets();
std::span<const Target> storage_targets();
std::span<const Target> cli_targets();
/// Sequences of calls instead of a decoder.
std::span<const Target> call_targets();

inline std::string_view text_of(ByteView bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

inline ByteView bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

/// Whether any of them accepts; all are tried.
template <class... Accepted>
bool any_of(const Accepted&... accepted) {
  const bool each[] = {static_cast<bool>(accepted)...};
  return std::ranges::find(each, true) != std::end(each);
}

/// What a decoder accepts has one encoding: those very bytes. What it refuses it names.
template <class Decode, class Encode>
bool one_encoding(ByteView bytes, const Decode& decode, const Encode& encode) {
  const auto value = decode(bytes);
  if (!value) {
    check(!value.error().message.empty(), "a refusal says why");
    return false;
  }
  const Bytes again = encode(value.value());
  check(std::ranges::equal(again, bytes), "what was accepted is not what is written");
  return true;
}

template <class Parse, class Print>
bool one_text(ByteView bytes, const Parse& parse, const Print& print) {
  const auto value = parse(text_of(bytes));
  if (!value) {
    check(!value.error().message.empty(), "a refusal says why");
    return false;
  }
  check(print(value.value()) == text_of(bytes), "what was accepted is not what is written");
  return true;
}

/// For what people write: there are many ways to say it, but what is written then is read alike.
template <class Parse, class Print>
bool same_again(ByteView bytes, const Parse& parse, const Print& print) {
  const auto value = parse(text_of(bytes));
  if (!value) {
    check(!value.error().message.empty(), "a refusal says why");
    return false;
  }
  const std::string written = print(value.value());
  const auto again = parse(std::string_view(written));
  check(static_cast<bool>(again), "what was written is refused");
  check(print(again.value()) == written, "what was written is read as something else");
  return true;
}

}  // namespace bmsg::fuzz
