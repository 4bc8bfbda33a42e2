#include "cli/prompt.h"

#include <fmt/format.h>
#include <unistd.h>

#include <iostream>

#include "cli/text.h"
#include "lib/core/address.h"
#include "lib/crypto/sha512.h"

namespace bmsg::cli {

Result<Done> confirm_by_typing(Context& context, const std::string& consequence,
                               const std::string& expected, const std::string& otherwise) {
  const bool can_ask =
      !context.options.no_input && ::isatty(STDIN_FILENO) == 1 && ::isatty(STDERR_FILENO) == 1;
  if (!can_ask) {
    // An error is one line: what the consequence quotes was printed, or can be.
    const auto sentence = std::string_view(consequence).substr(0, consequence.find(":\n"));
    return Error{Errc::bad_usage, fmt::format("{}; {}", sentence, otherwise)};
  }
  std::cerr << fmt::format("bmsg: {}\ntype '{}' to go on: ", shown(consequence),
                           shown_line(expected))
            << std::flush;
  std::string typed;
  std::getline(std::cin, typed);
  if (typed == expected) return done;
  return Error{Errc::bad_usage, "not confirmed; nothing was changed"};
}

std::string fingerprint_of(const IdentityKey& address) {
  const Digest digest = crypto::sha512({as_bytes("bmsg1 fp"), address.view()});
  return to_proquint(digest.view().first(16));
}

}  // namespace bmsg::cli
