// The one way that text from elsewhere reaches a terminal.

#pragma once

#include <string>
#include <string_view>

namespace bmsg::cli {

/// `text` with everything that could act on a terminal made visible: control characters but line
/// feed and tab, DEL, C1, bidi controls, separators U+2028/9 and invalid UTF-8 become \x1b or
/// \u{202e}. What is harmless stays as it is.
std::string shown(std::string_view text);

/// The same for one line of a list: line feeds and tabs are made visible too.
std::string shown_line(std::string_view text);

/// shown() with each line two spaces in, so that a body cannot imitate the lines above it.
std::string indented(std::string_view text);

/// Columns that `text` takes on a terminal.
std::size_t width_of(std::string_view text);

/// `text` cut to `columns`, with "…" in place of what is lost.
std::string fitted(std::string_view text, std::size_t columns);

/// True if `text` is well-formed UTF-8.
bool is_utf8(std::string_view text);

}  // namespace bmsg::cli
