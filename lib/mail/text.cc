#include "lib/mail/text.h"

#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <utility>

#include "lib/core/bytes.h"

namespace bmsg::mail {
namespace {

struct Freed {
  void operator()(utf8proc_uint8_t* text) const { std::free(text); }
};

/// What utf8proc makes of `text`; nullopt if it is not UTF-8.
std::optional<std::string> mapped(std::string_view text, int options) {
  utf8proc_uint8_t* made = nullptr;
  const auto size = utf8proc_map(as_bytes(text).data(), static_cast<utf8proc_ssize_t>(text.size()),
                                 &made, static_cast<utf8proc_option_t>(options));
  const std::unique_ptr<utf8proc_uint8_t, Freed> owned(made);
  if (size < 0) return std::nullopt;
  return to_string(ByteView(made, static_cast<std::size_t>(size)));
}

/// Calls `visit` with each code point; false if the text is not UTF-8.
template <class Visit>
bool for_each_code_point(std::string_view text, Visit visit) {
  ByteView left = as_bytes(text);
  while (!left.empty()) {
    utf8proc_int32_t point = -1;
    const auto used =
        utf8proc_iterate(left.data(), static_cast<utf8proc_ssize_t>(left.size()), &point);
    if (used <= 0 || point < 0) return false;
    visit(point, left.first(static_cast<std::size_t>(used)));
    left = left.subspan(static_cast<std::size_t>(used));
  }
  return true;
}

/// Text that every Unicode form leaves as it is: the common case, and no memory is asked for.
bool is_ascii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

bool is_deceptive(utf8proc_int32_t point) {
  switch (utf8proc_category(point)) {
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_CS:
    case UTF8PROC_CATEGORY_CO:
    case UTF8PROC_CATEGORY_CN:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
      return true;
    default:
      break;
  }
  // Blank letters and selectors that change nothing one can see.
  constexpr std::array<std::pair<int, int>, 6> kBlank = {{{0x034f, 0x034f},
                                                          {0x115f, 0x1160},
                                                          {0x180b, 0x180f},
                                                          {0x3164, 0x3164},
                                                          {0xfe00, 0xfe0f},
                                                          {0xffa0, 0xffa0}}};
  if (point >= 0xe0100 && point <= 0xe01ef) return true;
  return std::ranges::any_of(
      kBlank, [&](const auto& range) { return point >= range.first && point <= range.second; });
}

/// Letters of other scripts, and digits, that are read as a Latin letter.
char look_alike(utf8proc_int32_t point) {
  struct Pair {
    int from;
    char to;
  };
  static constexpr std::array<Pair, 44> kPairs = {{
      {'0', 'o'},    {'1', 'l'},    {'i', 'l'},    {'|', 'l'},    {0x0131, 'l'}, {0x0251, 'a'},
      {0x0261, 'g'}, {0x03b1, 'a'}, {0x03b5, 'e'}, {0x03b7, 'n'}, {0x03b9, 'l'}, {0x03ba, 'k'},
      {0x03bd, 'v'}, {0x03bf, 'o'}, {0x03c1, 'p'}, {0x03c3, 'o'}, {0x03c4, 't'}, {0x03c5, 'u'},
      {0x03c7, 'x'}, {0x03c9, 'w'}, {0x0430, 'a'}, {0x0432, 'b'}, {0x0435, 'e'}, {0x043a, 'k'},
      {0x043c, 'm'}, {0x043d, 'h'}, {0x043e, 'o'}, {0x0440, 'p'}, {0x0441, 'c'}, {0x0442, 't'},
      {0x0443, 'y'}, {0x0445, 'x'}, {0x0455, 's'}, {0x0456, 'l'}, {0x0458, 'j'}, {0x0475, 'v'},
      {0x04bb, 'h'}, {0x04cf, 'l'}, {0x0501, 'd'}, {0x051b, 'q'}, {0x051d, 'w'}, {0x0578, 'n'},
      {0x0585, 'o'}, {0x057d, 'u'},
  }};
  const auto found = std::ranges::find(kPairs, point, &Pair::from);
  return found == kPairs.end() ? '\0' : found->to;
}

}  // namespace

bool is_utf8(std::string_view text) {
  return is_ascii(text) || for_each_code_point(text, [](auto, ByteView) {});
}

bool has_deceptive_character(std::string_view utf8) {
  bool found = false;
  const bool valid = for_each_code_point(
      utf8, [&](utf8proc_int32_t point, ByteView) { found |= is_deceptive(point); });
  return !valid || found;
}

std::optional<std::string> to_nfc(std::string_view text) {
  if (is_ascii(text)) return std::string(text);
  return mapped(text, UTF8PROC_STABLE | UTF8PROC_COMPOSE);
}

std::string folded(std::string_view text) {
  const auto plain =
      is_ascii(text)
          ? std::nullopt
          : mapped(text, UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_CASEFOLD | UTF8PROC_IGNORE);
  std::string made;
  made.reserve(text.size());
  for (const char c : plain ? std::string_view(*plain) : text) {
    const bool blank = c == ' ' || (c >= '\t' && c <= '\r');
    if (blank && made.ends_with(' ')) continue;
    made += blank ? ' ' : c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return made;
}

std::string skeleton(std::string_view utf8) {
  const auto plain =
      mapped(utf8, UTF8PROC_STABLE | UTF8PROC_COMPAT | UTF8PROC_DECOMPOSE | UTF8PROC_STRIPMARK |
                       UTF8PROC_CASEFOLD | UTF8PROC_IGNORE | UTF8PROC_LUMP);
  std::string made;
  if (!plain) return made;
  // Read back from UTF-8 that utf8proc has just written.
  (void)for_each_code_point(*plain, [&](utf8proc_int32_t point, ByteView bytes) {
    const char simple = look_alike(point);
    made += simple ? std::string(1, simple) : to_string(bytes);
  });
  return made;
}

std::string snippet(std::string_view text, std::size_t bytes_max) {
  std::string made;
  bool space = false;
  bool full = false;
  // Text that is not UTF-8 ends where it stops being so.
  (void)for_each_code_point(
      text.substr(0, 4 * bytes_max), [&](utf8proc_int32_t point, ByteView bytes) {
        const bool blank = is_deceptive(point) || utf8proc_category(point) == UTF8PROC_CATEGORY_ZS;
        if (full || blank) {
          space = true;
          return;
        }
        const std::size_t gap = space && !made.empty() ? 1 : 0;
        full = made.size() + gap + bytes.size() > bytes_max;
        if (full) return;
        made.append(gap, ' ');
        made += as_text(bytes);
        space = false;
      });
  return made;
}

}  // namespace bmsg::mail
