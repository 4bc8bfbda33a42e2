#include "cli/text.h"

#include <fmt/format.h>
#include <utf8proc.h>

#include <cstdint>

namespace bmsg::cli {
namespace {

enum class Lines { kept, shown };

bool acts_on_terminal(utf8proc_int32_t code, Lines lines) {
  if (code == '\n' || code == '\t') return lines == Lines::shown;
  if (code < 0x20 || (code >= 0x7f && code <= 0x9f)) return true;
  if (code == 0x061c || code == 0x200e || code == 0x200f) return true;  // Bidi marks.
  if (code >= 0x202a && code <= 0x202e) return true;                    // Bidi embeddings.
  if (code >= 0x2066 && code <= 0x2069) return true;                    // Bidi isolates.
  if (code == 0x2028 || code == 0x2029 || code == 0xfeff) return true;  // Separators, BOM.
  return code >= 0xe0000 && code <= 0xe007f;                            // Invisible tags.
}

/// Calls `take(code, bytes)` for each character; code is -1 for a byte that is no UTF-8.
template <class Take>
void each_character(std::string_view text, Take take) {
  while (!text.empty()) {
    utf8proc_int32_t code = -1;
    const auto* bytes = reinterpret_cast<const utf8proc_uint8_t*>(text.data());
    auto used = utf8proc_iterate(bytes, static_cast<utf8proc_ssize_t>(text.size()), &code);
    if (used <= 0) {
      used = 1;
      code = -1;
    }
    take(code, text.substr(0, static_cast<std::size_t>(used)));
    text.remove_prefix(static_cast<std::size_t>(used));
  }
}

std::string visible(std::string_view text, Lines lines) {
  std::string out;
  out.reserve(text.size());
  each_character(text, [&](utf8proc_int32_t code, std::string_view bytes) {
    if (code < 0) {
      out += fmt::format("\\x{:02x}", static_cast<std::uint8_t>(bytes[0]));
    } else if (!acts_on_terminal(code, lines)) {
      out += bytes;
    } else if (code < 0x80) {
      out += code == '\n' ? "\\n" : code == '\t' ? "\\t" : fmt::format("\\x{:02x}", code);
    } else {
      out += fmt::format("\\u{{{:x}}}", code);
    }
  });
  return out;
}

}  // namespace

std::string shown(std::string_view text) { return visible(text, Lines::kept); }

std::string shown_line(std::string_view text) { return visible(text, Lines::shown); }

std::size_t width_of(std::string_view text) {
  std::size_t width = 0;
  each_character(text, [&](utf8proc_int32_t code, std::string_view) {
    width += static_cast<std::size_t>(code < 0 ? 1 : utf8proc_charwidth(code));
  });
  return width;
}

std::string fitted(std::string_view text, std::size_t columns) {
  if (width_of(text) <= columns) return std::string(text);
  std::string out;
  std::size_t width = 1;  // Of the dots.
  bool full = columns == 0;
  each_character(text, [&](utf8proc_int32_t code, std::string_view bytes) {
    const auto takes = static_cast<std::size_t>(code < 0 ? 1 : utf8proc_charwidth(code));
    full = full || width + takes > columns;
    if (full) return;
    width += takes;
    out += bytes;
  });
  return columns == 0 ? out : out + "…";
}

bool is_utf8(std::string_view text) {
  bool good = true;
  each_character(text, [&](utf8proc_int32_t code, std::string_view) { good = good && code >= 0; });
  return good;
}

std::string indented(std::string_view text) {
  std::string out;
  const std::string clean = shown(text);
  for (std::size_t at = 0; at < clean.size();) {
    const std::size_t end = std::min(clean.find('\n', at), clean.size());
    out += "  " + clean.substr(at, end - at) + "\n";
    at = end + 1;
  }
  return out;
}

}  // namespace bmsg::cli
