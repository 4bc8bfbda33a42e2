#include "lib/api/request_path.h"

#include <algorithm>
#include <charconv>

namespace bmsg::api {

std::string_view next_part(std::string_view& path) {
  const std::string_view part = path.substr(0, path.find('/'));
  path.remove_prefix(std::min(path.size(), part.size() + 1));
  return part;
}

std::optional<std::uint32_t> parse_number(std::string_view text) {
  std::uint32_t number = 0;
  const char* end = text.data() + text.size();
  const bool canonical = !text.empty() && (text == "0" || text.front() != '0');
  const auto read = std::from_chars(text.data(), end, number);
  // Past its range, from_chars() reads all digits too, and leaves the number alone.
  if (!canonical || read.ec != std::errc() || read.ptr != end) return std::nullopt;
  return number;
}

std::optional<HeightRange> parse_range(std::string_view path, std::uint32_t max) {
  const auto from = parse_number(next_part(path));
  const auto count = parse_number(next_part(path));
  if (!from || !count || *count == 0 || *count > max || !path.empty()) return std::nullopt;
  return HeightRange{Height{*from}, *count};
}

}  // namespace bmsg::api
