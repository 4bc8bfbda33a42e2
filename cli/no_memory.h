// The end of a process that gets no more memory, or no thread.

#pragma once

#include <string>
#include <string_view>

namespace bmsg::cli {

inline constexpr std::string_view kNoMemory = "the system gives no more memory or threads";

/// From now on whoever gets no memory ends the process at once, on whatever thread, with `text` on
/// standard error and the exit code of Errc::no_resource. Nothing is unwound: what a library was in
/// the middle of cannot be taken apart without memory, and what was acknowledged is durable. Once
/// more: with another text, while there is no other thread.
void end_where_memory_ends(std::string text);

/// That end, for whoever finds out otherwise.
[[noreturn]] void end_without_memory();

}  // namespace bmsg::cli
