// The manual: beside the program, where it was installed or built with it, or where man(1) finds
// it.

#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace bmsg::cli {

/// Replaces this process by a program that shows a page, such as "bmsg-send": man(1), else mandoc.
/// Comes back if there is no such page or no such program.
void open_page(const std::string& page);

/// The page about something that is no command: "tutorial", "exit-codes".
std::optional<std::string> page_of_topic(std::string_view topic);

}  // namespace bmsg::cli
