#include "cli/safe_name.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>

#include "cli/text.h"

namespace bmsg::cli {
namespace {

constexpr std::size_t kNameBytesMax = 200;
constexpr std::size_t kEndingBytesMax = 16;

/// Where ".pdf" begins; the end if there is no such thing.
std::size_t ending_of(const std::string& name) {
  const std::size_t dot = name.rfind('.');
  const bool is_one = dot != std::string::npos && dot > 0 && name.size() - dot <= kEndingBytesMax;
  return is_one ? dot : name.size();
}

bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; }

std::string shortened(const std::string& name) {
  if (name.size() <= kNameBytesMax) return name;
  const std::string ending = name.substr(ending_of(name));
  std::size_t keep = kNameBytesMax - ending.size();
  while (keep > 0 && is_continuation(name[keep])) --keep;
  return name.substr(0, keep) + ending;
}

/// Names that stand for devices elsewhere, whatever their ending.
bool is_device(const std::string& name) {
  std::string stem = name.substr(0, name.find('.'));
  std::ranges::transform(stem, stem.begin(), [](unsigned char c) { return std::toupper(c); });
  constexpr std::array<std::string_view, 4> kDevices = {"CON", "PRN", "AUX", "NUL"};
  if (std::ranges::find(kDevices, stem) != kDevices.end()) return true;
  return stem.size() == 4 && (stem.starts_with("COM") || stem.starts_with("LPT")) &&
         std::isdigit(static_cast<unsigned char>(stem[3])) != 0;
}

}  // namespace

std::string safe_name(std::string_view given) {
  if (const auto slash = given.find_last_of("/\\"); slash != std::string_view::npos)
    given.remove_prefix(slash + 1);
  std::string name = shown_line(given);  // A line feed is "\x0a" now, and one line.
  constexpr std::string_view kUnwanted = "/\\:*?\"<>|";
  for (char& c : name) {
    if (kUnwanted.find(c) != std::string_view::npos) c = '_';
  }
  while (!name.empty() && (name.back() == '.' || name.back() == ' ')) name.pop_back();
  if (name.empty()) return "attachment";
  constexpr std::string_view kUnwantedInFront = ".-~ ";
  if (kUnwantedInFront.find(name.front()) != std::string_view::npos) name.front() = '_';
  if (is_device(name)) name.insert(0, 1, '_');
  return shortened(name);
}

std::string numbered_name(const std::string& name, unsigned number) {
  if (number < 2) return name;
  const std::size_t ending = ending_of(name);
  return fmt::format("{}-{}{}", name.substr(0, ending), number, name.substr(ending));
}

}  // namespace bmsg::cli
