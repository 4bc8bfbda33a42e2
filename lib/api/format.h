// Format: text with fields of an object in it, as --format takes it.

#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/core/result.h"

namespace bmsg::api {

/// "{id} {subject:sh}": a field stands between braces, ":sh" behind it quotes it as one word of a
/// shell, ":json" as JSON; "{{" and "}}" are braces. A list is joined with commas, null is empty.
class Format {
 public:
  /// `sample` is any object of the type that will be printed: it names the fields that there are.
  /// Errors: Errc::bad_usage, naming the field that is unknown.
  static Result<Format> parse(std::string_view text, const std::string& sample);

  /// The text for one object. `plain` makes fields without a quoting harmless.
  std::string render(const std::string& object,
                     const std::function<std::string(std::string_view)>& plain) const;

 private:
  enum class Quoting { none, shell, json };
  struct Piece {
    std::string text;   // As it is, before the field.
    std::string field;  // Empty: none follows.
    Quoting quoting = Quoting::none;
  };

  static Result<Piece> parse_field(std::string_view text);

  std::vector<Piece> pieces_;
};

}  // namespace bmsg::api
