#include "lib/api/whisper_values.h"

#include <fmt/format.h>

#include <algorithm>

#include "lib/core/hex.h"
#include "lib/core/try.h"

namespace bmsg::api {
namespace {

Error bad(std::string_view why) { return Error{Errc::bad_usage, std::string(why)}; }

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool is_same_name(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, {}, lower, lower);
}

}  // namespace

Result<const Json*> find_member(const Json& object, std::string_view name) {
  const Json* found = nullptr;
  for (const auto& member : object.items()) {
    if (!is_same_name(member.key(), name)) continue;
    if (found != nullptr) return bad(fmt::format("{}: named twice", name));
    found = &member.value();
  }
  return found;
}

std::string print_hex(ByteView bytes) { return fmt::format("0x{}", to_hex(bytes)); }

Result<std::string> text_of(const Json& value) {
  if (!value.is_string()) return bad("not a string");
  return value.get<std::string>();
}

Result<bool> truth_of(const Json& value) {
  if (!value.is_boolean()) return bad("neither true nor false");
  return value.get<bool>();
}

Result<std::uint32_t> number_of(const Json& value) {
  const bool fits = value.is_number_unsigned() && value.get<std::uint64_t>() <= UINT32_MAX;
  if (!fits) return bad("not a whole number from 0 to 4294967295");
  return static_cast<std::uint32_t>(value.get<std::uint64_t>());
}

Result<double> real_of(const Json& value) {
  if (!value.is_number()) return bad("not a number");
  return value.get<double>();
}

Result<Bytes> bytes_of(const Json& value) {
  BMSG_TRY_ASSIGN(std::string text, text_of(value));
  std::ranges::transform(text, text.begin(), lower);
  if (!text.starts_with("0x")) return bad("hex string without 0x prefix");
  if (text.size() % 2 != 0) return bad("hex string of odd length");
  auto bytes = from_hex(std::string_view(text).substr(2));
  if (!bytes) return bad("invalid hex string");
  return std::move(*bytes);
}

Result<Topic> topic_of(const Json& value) {
  BMSG_TRY_ASSIGN(const Bytes bytes, bytes_of(value));
  if (bytes.size() != Topic::kSize) return bad("a topic has 4 bytes");
  return Topic::from(bytes);
}

Result<std::vector<Topic>> topics_of(const Json& value) {
  if (!value.is_array()) return bad("not an array");
  if (value.size() > kWhisperTopicsMax)
    return bad(fmt::format("more than {} topics", kWhisperTopicsMax));
  std::vector<Topic> topics;
  for (const Json& one : value) {
    BMSG_TRY_ASSIGN(topics.emplace_back(), topic_of(one));
  }
  return topics;
}

Error bad_argument(std::size_t index, std::string_view why) {
  return bad(fmt::format("invalid argument {}: {}", index, why));
}

Result<Done> RpcArguments::check_count(std::size_t at_most) const {
  if (array_.size() > at_most)
    return bad(fmt::format("too many arguments, want at most {}", at_most));
  return done;
}

Result<const Json*> RpcArguments::at(std::size_t index) const {
  if (index >= array_.size() || array_[index].is_null())
    return bad(fmt::format("missing value for required argument {}", index));
  return &array_[index];
}

Result<RpcMembers> RpcMembers::in(const RpcArguments& arguments, std::size_t index) {
  BMSG_TRY_ASSIGN(const Json* const object, arguments.at(index));
  if (!object->is_object()) return bad_argument(index, "not an object");
  return RpcMembers(*object, index);
}

}  // namespace bmsg::api
