// Finds what leaves the limits of the house in a tree of source files. Text in, text out: reads no
// disk, so that the checker itself is tested with trees that are written down in the test.

#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace bmsg::testing {

/// Path from the root, with '/', to the file's text.
using Tree = std::map<std::string, std::string>;

/// Every file under `root` that people wrote: sources, scripts, pages and CMake lists.
Tree read_tree(const std::filesystem::path& root);

/// Includes that climb a floor of lib/README.md's table.
std::vector<std::string> find_climbing_includes(const Tree& tree);

/// Headers and calls that belong to one folder and stand in another.
std::vector<std::string> find_foreign_words(const Tree& tree);

/// Lines over 100 columns, functions over 60 lines (not in tests), files over 400.
/// Shape: a function begins at a line in column 0 that ends in `{` after a `(`, ends at a `}`
/// there.
std::vector<std::string> find_long_things(const Tree& tree);

/// Words that mark unfinished work and name no issue ("#12").
std::vector<std::string> find_leftover_words(const Tree& tree);

/// Sources that no CMakeLists.txt names, and so nobody compiles.
std::vector<std::string> find_unbuilt_sources(const Tree& tree);

/// Enumerators of `enumeration`, defined in `header`, that no test names as
/// `Enumeration::enumerator`. Fakes under tests/support/ do not count.
std::vector<std::string> find_untested_enumerators(const Tree& tree, std::string_view header,
                                                   std::string_view enumeration);

}  // namespace bmsg::testing
