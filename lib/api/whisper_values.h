// Values in the calls of Whisper's clients: positions, members, hexadecimal with 0x.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/api/json_guard.h"
#include "lib/core/bytes.h"
#include "lib/core/ids.h"

namespace bmsg::api {

/// A member whatever the case of its name, as Go finds it; nullptr if absent.
/// Errors: Errc::bad_usage if two names differ only in case.
Result<const Json*> find_member(const Json& object, std::string_view name);

/// "0x" and lower-case digits.
std::string print_hex(ByteView bytes);

/// One value as a type. Errors: Errc::bad_usage, without the value.
Result<std::string> text_of(const Json& value);
Result<bool> truth_of(const Json& value);
Result<std::uint32_t> number_of(const Json& value);  // No fraction, no text.
Result<double> real_of(const Json& value);
Result<Bytes> bytes_of(const Json& value);
Result<Topic> topic_of(const Json& value);
Result<std::vector<Topic>> topics_of(const Json& value);
inline constexpr std::size_t kWhisperTopicsMax = 1024;  // Of one filter.

/// "invalid argument 0: …".
Error bad_argument(std::size_t index, std::string_view why);

/// The arguments of one call, which it borrows. An argument that is null counts as missing: that is
/// what the client sends for one that its user forgot.
/// Errors: Errc::bad_usage, worded as Whisper's server did.
class RpcArguments {
 public:
  explicit RpcArguments(const Json& array) : array_(array) {}

  Result<Done> check_count(std::size_t at_most) const;
  Result<const Json*> at(std::size_t index) const;

  /// The argument through one of the functions above.
  template <class T>
  Result<T> get(std::size_t index, Result<T> (*read)(const Json&)) const {
    const auto value = at(index);
    if (!value) return value.error();
    auto made = read(*value.value());
    if (!made) return bad_argument(index, made.error().message);
    return made;
  }

 private:
  const Json& array_;
};

/// The members of an argument that is an object.
class RpcMembers {
 public:
  static Result<RpcMembers> in(const RpcArguments& arguments, std::size_t index);

  /// A member through one of the functions above; `otherwise` if it is absent or null.
  template <class T>
  Result<T> get(std::string_view name, Result<T> (*read)(const Json&), T otherwise = {}) const {
    const auto value = find_member(object_, name);
    if (!value) return bad_argument(index_, value.error().message);
    if (value.value() == nullptr || value.value()->is_null()) return otherwise;
    auto made = read(*value.value());
    if (!made) return bad_argument(index_, std::string(name) + ": " + made.error().message);
    return made;
  }

 private:
  RpcMembers(const Json& object, std::size_t index) : object_(object), index_(index) {}

  const Json& object_;
  std::size_t index_;
};

}  // namespace bmsg::api
