// Lists of messages as inbox and search print them.

#pragma once

#include <vector>

#include "cli/command.h"
#include "cli/list_form.h"
#include "cli/mailroom.h"
#include "lib/mail/mailbox.h"

namespace bmsg::cli {

/// Whether the objects of --json have their texts.
enum class Bodies { without, with };

/// At a terminal a table that fits, with numbers that ":N" means afterwards; elsewhere one
/// TAB-separated line each; or what --json, -z and --format ask for.
class MailList {
 public:
  /// Errors: Errc::bad_usage for an unknown field of --format.
  static Result<MailList> make(Context& context, const ListForm& form, Bodies bodies);

  Result<Done> print(const StoreDir& store, const Mailroom& room,
                     const std::vector<mail::MailItem>& items) const;

 private:
  MailList(Context& context, ListPrinter printer, Bodies bodies)
      : context_(&context), printer_(std::move(printer)), bodies_(bodies) {}

  Result<Done> print_one(const Mailroom& room, const mail::MailItem& item,
                         std::size_t number) const;

  Context* context_;
  ListPrinter printer_;
  Bodies bodies_;
};

}  // namespace bmsg::cli
