#include "cli/aside.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/times.h"
#include "lib/core/try.h"

namespace bmsg::cli {

namespace fs = std::filesystem;

fs::path free_name_aside(const Context& context, const fs::path& database) {
  std::string date = to_rfc3339(context.clock.now());
  std::erase_if(date, [](char c) { return c == '-' || c == ':'; });
  const std::string name = fmt::format("{}.damaged-{}", database.string(), date);
  fs::path free = name;
  for (int number = 2; fs::exists(free); ++number) free = fmt::format("{}.{}", name, number);
  return free;
}

Result<Done> put_aside(Context& context, const fs::path& database, std::string_view what) {
  if (!fs::exists(database)) return done;
  const fs::path to = free_name_aside(context, database);
  context.out.note(fmt::format("{} is kept in '{}'", what, to.string()));
  return context.disk.rename(database, to);
}

}  // namespace bmsg::cli
