// The values that an option or argument may take: its choices, or what the store knows.

#pragma once

#include <string>
#include <vector>

#include "cli/command.h"

namespace bmsg::cli {

/// One word that may be typed.
struct Candidate {
  std::string word;
  std::string says;  // May be empty. Never words of others.
};

/// In place of a word: names of files, or of directories, which the shell knows best.
inline constexpr const char* kFileNames = ":files";
inline constexpr const char* kDirectoryNames = ":directories";

/// By the kind of value that the parser shows in help: NAME, REF, URL, FILE… A database is opened
/// only for what lies in one: references and peers.
std::vector<Candidate> values_of(Context& context, const CLI::App& command,
                                 const CLI::Option& option);

/// What a setting may be, where that is one of some words.
std::vector<Candidate> values_of_setting(const std::string& key);

/// Those that begin with "-", which would be options anywhere else.
std::vector<Candidate> dashed_values_of(const CLI::Option& option);

}  // namespace bmsg::cli
