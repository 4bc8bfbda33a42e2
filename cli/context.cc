#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "cli/command.h"
#include "cli/environment.h"
#include "cli/usage.h"
#include "lib/core/try.h"

namespace bmsg::cli {

Result<StoreDir> Context::store() const {
  BMSG_TRY_ASSIGN(auto found, any_store());
  // Also where nothing of them is needed: a mistyped key is told now, not by tonight's cron job.
  BMSG_TRY(settings(&found));
  return found;
}

void Context::allow_pager() {
  if (!out.to_terminal() || options.json || options.no_pager) return;
  // Bad settings are told by whoever needs them; a pager is decoration.
  const auto known = settings(nullptr);
  std::string program = from_environment("BMSG_PAGER");
  if (program.empty() && known) program = known.value().text("core.pager");
  if (program.empty()) program = from_environment("PAGER");
  // Nobody asked for less(1), so without it there is no pager.
  if (program.empty() && !find_program("less").empty()) program = "less";
  out.page_through(program == "cat" ? "" : program);
}

Result<Settings> Context::settings(const StoreDir* store) const {
  Settings settings;
  if (from_environment("BMSG_CONFIG_NOSYSTEM") != "1") {
    BMSG_TRY(settings.add_file(system_config_file(), disk));
  }
  BMSG_TRY(settings.add_file(user_config_file(), disk));
  if (store != nullptr) BMSG_TRY(settings.add_store_file(store->config(), disk));
  if (const auto identity = from_environment("BMSG_IDENTITY"); !identity.empty()) {
    settings.add("user.identity", identity, "BMSG_IDENTITY");
  }
  for (const std::string& assignment : options.settings) {
    BMSG_TRY(settings.add_assignment(assignment));
  }
  if (!options.identity.empty()) settings.add("user.identity", options.identity, "--identity");
  if (!options.lock_timeout.empty())
    settings.add("lock.timeout", options.lock_timeout, "--lock-timeout");
  return settings;
}

Result<std::chrono::milliseconds> Context::lock_patience(const StoreDir* store) const {
  BMSG_TRY_ASSIGN(const auto all, settings(store));
  BMSG_TRY_ASSIGN(const auto seconds, all.seconds("lock.timeout"));
  return std::chrono::milliseconds(1000 * seconds);
}

}  // namespace bmsg::cli
