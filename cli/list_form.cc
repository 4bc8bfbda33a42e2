#include "cli/list_form.h"

#include "cli/text.h"
#include "lib/core/try.h"

namespace bmsg::cli {

void add_list_options(CLI::App& command, ListForm& form) {
  command.add_flag("-z", form.nul, "End each with NUL; the id only, or the format");
  command.add_option("--format", form.format, "Text with fields: {id}, {id:sh}, {id:json}")
      ->type_name("STR");
}

Result<ListPrinter> ListPrinter::make(Context& context, const ListForm& form,
                                      const std::string& sample) {
  std::optional<api::Format> format;
  if (!form.format.empty()) {
    BMSG_TRY_ASSIGN(format, api::Format::parse(form.format, sample));
  }
  return ListPrinter(context, form.nul, std::move(format));
}

void ListPrinter::print(const ListItem& item) const {
  Output& out = context_->out;
  std::string text = item.id;
  if (format_) {
    // Behind -z stands a program, which wants the bytes; a terminal never gets them.
    const bool exact = nul_ && !out.to_terminal();
    text = format_->render(item.json, [exact](std::string_view value) {
      return exact ? std::string(value) : shown_line(value);
    });
    if (out.to_terminal()) text = shown(text);
  } else if (!nul_) {
    return out.line(context_->options.json ? item.json : item.line);
  }
  nul_ ? out.raw(text + '\0') : out.line(text);
}

}  // namespace bmsg::cli
