// How bmsg says no: the library states the fact; only here is known what a person can type next.

#pragma once

#include <string>
#include <vector>

#include "cli/exit_code.h"
#include "lib/core/error.h"

namespace bmsg::cli {

ExitCode exit_code_of(Errc code);

/// The word for an exit code in JSON: "tempfail".
std::string name_of(ExitCode code);

/// What to type next; empty if the message says all there is to say.
std::string hint_for(const Error& error);

/// One or two lines for standard error.
std::string describe(const Error& error);

/// The word of `known` nearest to `word`, if two edits or fewer lie between; else empty.
std::string nearest(const std::string& word, const std::vector<std::string>& known);

}  // namespace bmsg::cli
