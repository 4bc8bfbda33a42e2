#include "cli/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>

#include "cli/text.h"

namespace bmsg::cli {
namespace {

bool is_wanted(const Context& context) {
  return ::isatty(STDERR_FILENO) == 1 && context.out.noise() != Noise::quiet &&
         !context.options.json;
}

}  // namespace

void show_line(Context& context, const std::string& text) {
  if (!is_wanted(context)) return;
  const std::string line =
      fmt::format("\r\x1b[K{}", fitted(shown_line(text), context.out.columns() - 1));
  (void)std::fwrite(line.data(), 1, line.size(), stderr);  // Nobody misses a line of progress.
}

void clear_line(Context& context) {
  if (is_wanted(context)) (void)std::fwrite("\r\x1b[K", 1, 4, stderr);
}

}  // namespace bmsg::cli
