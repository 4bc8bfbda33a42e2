// How commands print the items of a list: text, --json, -z, --format.

#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/command.h"
#include "lib/api/format.h"

namespace bmsg::cli {

/// What -z and --format say.
struct ListForm {
  bool nul = false;
  std::string format;
};

/// Adds both options to a command.
void add_list_options(Command command, ListForm& form);

/// One item in every form it may be wanted in.
struct ListItem {
  std::string json;  // The object of bmsg-json(5); may be empty where wants_json() is false.
  std::string id;    // What -z prints.
  std::string line;  // For people and pipes: cells with tabs between, ready for a terminal.
};

/// Prints items in the form that was chosen.
class ListPrinter {
 public:
  /// `sample` is an object of the list's type, whose fields --format may name.
  /// Errors: Errc::bad_usage for an unknown field.
  static Result<ListPrinter> make(Context& context, const ListForm& form,
                                  const std::string& sample);

  void print(const ListItem& item) const;
  /// Whether print() looks at an item's JSON: most of the work where it does not.
  bool wants_json() const { return format_ || (!nul_ && context_->options.json); }
  /// A row of a table: at a terminal it is kept for print_rows(), elsewhere printed at once.
  void add_row(const ListItem& item);
  /// The rows that were kept, with their cells below each other, cut to the terminal's width.
  void print_rows() const;

 private:
  ListPrinter(Context& context, bool nul, std::optional<api::Format> format)
      : context_(&context), nul_(nul), format_(std::move(format)) {}

  Context* context_;
  bool nul_;
  std::optional<api::Format> format_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace bmsg::cli
