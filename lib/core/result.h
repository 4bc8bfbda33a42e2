// Result<T>: a value, or the Error that stood in its way.

#pragma once

#include <utility>
#include <variant>

#include "lib/core/check.h"
#include "lib/core/error.h"

namespace bmsg {

/// The outcome of work that the outside world can make fail: disk, network, user input.
/// A broken rule in received data is a chain::Violation instead; a bug is a failed check().
/// Spelled as C++23's std::expected<T, Error>, which replaces it when the compiler has it.
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  explicit operator bool() const { return state_.index() == 0; }

  const T& value() const& {
    check(bool(*this), "read the value of a failed Result");
    return std::get<0>(state_);
  }
  T& value() & {
    check(bool(*this), "changed the value of a failed Result");
    return std::get<0>(state_);
  }
  T value() && {
    check(bool(*this), "took the value of a failed Result");
    return std::get<0>(std::move(state_));
  }
  const Error& error() const {
    check(!*this, "read the error of a successful Result");
    return std::get<1>(state_);
  }

 private:
  std::variant<T, Error> state_;
};

using Done = std::monostate;  // Result<Done>: success without a value. Return `done`.
inline constexpr Done done{};

}  // namespace bmsg
