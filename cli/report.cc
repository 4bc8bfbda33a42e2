// How bmsg says no.
//
//   - Lower case, no full stop, one line each. What the user wrote stands in 'quotes'.
//   - The error names the thing and then the cause. The hint is an action; without one, none.
//   - Never a secret key and never decrypted text, not even a part.

#include "cli/report.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/text.h"

namespace bmsg::cli {
namespace {

/// Edits between two words: insert, delete, replace, swap neighbours.
std::size_t edits_between(const std::string& a, const std::string& b) {
  std::vector<std::vector<std::size_t>> cost(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) cost[i][0] = i;
  for (std::size_t j = 0; j <= b.size(); ++j) cost[0][j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replace = cost[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      cost[i][j] = std::min({cost[i - 1][j] + 1, cost[i][j - 1] + 1, replace});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) cost[i][j] = std::min(cost[i][j], cost[i - 2][j - 2] + 1);
    }
  }
  return cost[a.size()][b.size()];
}

}  // namespace

ExitCode exit_code_of(Errc code) {
  switch (code) {
    case Errc::bad_usage:
      return ExitCode::usage;
    case Errc::bad_input:
      return ExitCode::data;
    case Errc::corrupt:
      return ExitCode::data;
    case Errc::not_found:
      return ExitCode::no_input;
    case Errc::no_recipient:
      return ExitCode::no_user;
    case Errc::no_host:
      return ExitCode::no_host;
    case Errc::unreachable:
      return ExitCode::unavailable;
    case Errc::exists:
      return ExitCode::cannot_create;
    case Errc::io:
      return ExitCode::io;
    case Errc::locked:
      return ExitCode::try_again;
    case Errc::try_again:
      return ExitCode::try_again;
    case Errc::protocol:
      return ExitCode::protocol;
    case Errc::denied:
      return ExitCode::no_permission;
    case Errc::bad_config:
      return ExitCode::config;
    case Errc::no_resource:
      return ExitCode::os_error;
  }
  return ExitCode::software;
}

std::string name_of(ExitCode code) {
  switch (code) {
    case ExitCode::ok:
      return "ok";
    case ExitCode::no:
      return "no";
    case ExitCode::partial:
      return "partial";
    case ExitCode::usage:
      return "usage";
    case ExitCode::data:
      return "dataerr";
    case ExitCode::no_input:
      return "noinput";
    case ExitCode::no_user:
      return "nouser";
    case ExitCode::no_host:
      return "nohost";
    case ExitCode::unavailable:
      return "unavailable";
    case ExitCode::software:
      return "software";
    case ExitCode::os_error:
      return "oserr";
    case ExitCode::cannot_create:
      return "cantcreat";
    case ExitCode::io:
      return "ioerr";
    case ExitCode::try_again:
      return "tempfail";
    case ExitCode::protocol:
      return "protocol";
    case ExitCode::no_permission:
      return "noperm";
    case ExitCode::config:
      return "config";
  }
  return "software";
}

namespace {

/// The next step after an error that names none of its own.
std::string usual_hint(Errc code) {
  switch (code) {
    case Errc::bad_usage:
      return "'bmsg help' lists the commands, 'bmsg COMMAND --help' the options";
    case Errc::corrupt:
      return "'bmsg verify --full' names the first fault; 'bmsg repair' makes the store sound "
             "again";
    case Errc::no_recipient:
      return "'bmsg sync' may bring the card; or ask them for 'bmsg id --card' and run 'bmsg "
             "contact add NAME FILE'";
    case Errc::no_host:
      return "'bmsg peers' lists the peers; check the spelling of the host";
    case Errc::unreachable:
      return "'bmsg peers' shows which peers answer; is 'bmsg serve' running there?";
    case Errc::exists:
      return "choose another name or place";
    case Errc::locked:
      return "try again, or wait longer with --lock-timeout SECONDS";
    case Errc::denied:
      return "check the owner, the mode and the passphrase";
    case Errc::io:
      return "if the disk is full, make room; the file 'ballast' of the store may go first";
    case Errc::not_found:
    case Errc::bad_input:
    case Errc::try_again:
    case Errc::protocol:
    case Errc::bad_config:
    case Errc::no_resource:
      return {};  // The message says all there is to say.
  }
  return {};
}

}  // namespace

std::string hint_for(const Error& error) {
  return error.hint.empty() ? usual_hint(error.code) : error.hint;
}

std::string describe(const Error& error) {
  // One line each, or a name with a line feed in it could bring a hint of its own.
  std::string lines = fmt::format("bmsg: error: {}\n", shown_line(error.message));
  if (const auto hint = hint_for(error); !hint.empty()) {
    lines += fmt::format("bmsg: hint: {}\n", shown_line(hint));
  }
  return lines;
}

std::string nearest(const std::string& word, const std::vector<std::string>& known) {
  constexpr std::size_t kEditsMax = 2;
  std::string best;
  std::size_t best_edits = kEditsMax + 1;
  for (const std::string& candidate : known) {
    const std::size_t edits = edits_between(word, candidate);
    if (edits < best_edits && edits < candidate.size()) {
      best = candidate;
      best_edits = edits;
    }
  }
  return best;
}

}  // namespace bmsg::cli
