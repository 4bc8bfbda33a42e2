#include <algorithm>
#include <string_view>

#include "cli/command.h"
#include "lib/core/check.h"

namespace bmsg::cli {
namespace {

/// One function of the list in command.h and the commands that it adds.
struct Entry {
  void (*add)(CLI::App& app, Context& context);
  std::vector<std::string_view> names;
};

/// In the order in which help shows them.
const std::vector<Entry>& entries() {
  static const std::vector<Entry> table = {
      {add_init, {"init"}},
      {add_id, {"id"}},
      {add_contact, {"contact"}},
      {add_send, {"send"}},
      {add_outbox, {"outbox"}},
      {add_mine, {"mine"}},
      {add_inbox, {"inbox"}},
      {add_read, {"read"}},
      {add_export, {"export"}},
      {add_import, {"import"}},
      {add_sync, {"sync"}},
      {add_peers, {"peers"}},
      {add_serve, {"serve"}},
      {add_status, {"status"}},
      {add_log, {"log"}},
      {add_show, {"show"}},
      {add_verify, {"verify"}},
      {add_config, {"config"}},
      {add_backup, {"backup"}},
      {add_restore, {"restore"}},
      {add_repair, {"repair"}},
      {add_unlock, {"unlock", "lock", "passwd"}},
      {add_schedule, {"schedule"}},
      {add_doctor, {"doctor"}},
      {add_plumbing, {"rev-parse", "hash", "submit-block"}},
      {add_cat, {"cat"}},
      {add_seal, {"seal", "open"}},
      {add_make_block, {"make-block", "pow"}},
      {add_lists, {"rev-list", "ls-messages", "ls-peers", "ls-pool", "count"}},
      {add_check_header, {"check-header"}},
      {add_witness, {"witness"}},
      {add_completion, {"completion", "__spec"}},
      {add_help, {"help"}},
      {add_version, {"version"}},
  };
  return table;
}

std::vector<std::string> names_in(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; }))
    names.push_back(command->get_name());
  return names;
}

}  // namespace

void add_commands(CLI::App& app, Context& context) {
  for (const Entry& entry : entries()) {
    const std::size_t before = names_in(app).size();
    entry.add(app, context);
    const auto names = names_in(app);
    check(std::ranges::equal(names.begin() + static_cast<std::ptrdiff_t>(before), names.end(),
                             entry.names.begin(), entry.names.end()),
          "the table of commands names what each entry adds");
  }
}

bool add_named_commands(CLI::App& app, Context& context, const std::vector<std::string>& words) {
  bool found = false;
  for (const Entry& entry : entries()) {
    const bool named = std::ranges::find_first_of(words, entry.names) != words.end();
    // These tell of all commands.
    if (named && (entry.add == add_help || entry.add == add_completion)) return false;
    if (named) entry.add(app, context);
    found = found || named;
  }
  return found;
}

}  // namespace bmsg::cli
