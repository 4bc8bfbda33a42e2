// What somebody filled in on the page of `bmsg web`: an object of texts.

#pragma once

#include <initializer_list>
#include <map>
#include <string>
#include <string_view>

#include "lib/core/result.h"

namespace bmsg::api {

/// Texts by name.
class WebForm {
 public:
  /// An object whose members are all texts, each of one of these names; any may be missing.
  /// Errors: Errc::bad_input for anything else, without a word of the text.
  static Result<WebForm> parse(std::string_view body,
                               std::initializer_list<std::string_view> names);

  /// Empty if it is missing.
  const std::string& text(std::string_view name) const;
  /// Errors: Errc::bad_input if it is missing or empty.
  Result<std::string> filled(std::string_view name) const;
  bool has(std::string_view name) const { return texts_.contains(name); }
  /// Overwrites a text that nobody else is to find.
  void wipe(std::string_view name);

 private:
  std::map<std::string, std::string, std::less<>> texts_;
};

inline constexpr std::size_t kWebFormBytesMax = 128u << 10;

}  // namespace bmsg::api
