// Text of strangers and of people: is it UTF-8, may it be a name, does it look like another.

#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace bmsg::mail {

/// Strict UTF-8: no overlong forms, no surrogates, nothing beyond U+10FFFF.
bool is_utf8(std::string_view text);

/// Characters that move or hide what stands beside them: controls, bidi marks and isolates,
/// line and paragraph separators, tags, zero-width characters, what is not assigned.
bool has_deceptive_character(std::string_view utf8);

/// In Unicode's form NFC; nullopt if it is not UTF-8.
std::optional<std::string> to_nfc(std::string_view text);

/// For comparing without regard to case: folded, in form NFC, without what cannot be seen, and
/// every run of blanks and line ends one space. Of what is not UTF-8, only ASCII is folded.
std::string folded(std::string_view text);

/// What a name looks like: case, accents and the best-known look-alikes removed. Two names with
/// the same skeleton may be taken for each other.
std::string skeleton(std::string_view utf8);

/// The first `bytes_max` bytes or a little less, not cutting a character; control characters and
/// line ends become spaces, runs of them one.
std::string snippet(std::string_view text, std::size_t bytes_max);

}  // namespace bmsg::mail
