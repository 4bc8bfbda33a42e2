// The target of a request, decoded: what "/obj/12?wait=5" means, and nothing that means two things.

#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace bmsg::net {

inline constexpr std::size_t kQueryPartsMax = 32;

/// A target in origin-form, decoded.
struct Target {
  std::string path;
  std::map<std::string, std::string, std::less<>> query;
};

/// nullopt for any other form, bad percent-encoding, bytes that are not UTF-8, control characters,
/// empty, "." and ".." segments, an encoded '/' or any backslash in the path, a name that occurs
/// twice in the query, or more than kQueryPartsMax parts there.
/// Source: RFC 9112 section 3.2.1, RFC 3986; '+' in a query is a space, as HTML forms write it.
std::optional<Target> parse_target(std::string_view text);

/// Percent-encodes everything but letters, digits and "-._~", for use in a path or a query.
std::string percent_encode(std::string_view text);

}  // namespace bmsg::net
