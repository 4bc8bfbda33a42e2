// Verbs of bmsg id that have files of their own.

#pragma once

#include "cli/command.h"

namespace bmsg::cli {

void add_id_set(Command id, Context& context);
void add_id_device(Command id, Context& context);
void add_id_revoke(Command id, Context& context);
void add_id_succeed(Command id, Context& context);
void add_id_backup(Command id, Context& context);
void add_id_restore(Command id, Context& context);

}  // namespace bmsg::cli
