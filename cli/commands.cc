#include "cli/command.h"

namespace bmsg::cli {

void add_commands(CLI::App& app, Context& context) {
  add_init(app, context);
  add_id(app, context);
  add_contact(app, context);
  add_send(app, context);
  add_outbox(app, context);
  add_mine(app, context);
  add_inbox(app, context);
  add_read(app, context);
  add_export(app, context);
  add_import(app, context);
  add_sync(app, context);
  add_peers(app, context);
  add_serve(app, context);
  add_status(app, context);
  add_log(app, context);
  add_show(app, context);
  add_verify(app, context);
  add_config(app, context);
  add_backup(app, context);
  add_restore(app, context);
  add_repair(app, context);
  add_unlock(app, context);
  add_schedule(app, context);
  add_doctor(app, context);
  add_plumbing(app, context);
  add_cat(app, context);
  add_seal(app, context);
  add_make_block(app, context);
  add_lists(app, context);
  add_check_header(app, context);
  add_witness(app, context);
  add_help(app, context);
  add_version(app, context);
}

}  // namespace bmsg::cli
