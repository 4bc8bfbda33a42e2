#include "cli/list_form.h"

#include <algorithm>
#include <utility>

#include "cli/text.h"
#include "lib/core/try.h"

namespace bmsg::cli {
namespace {

constexpr std::size_t kGap = 2;  // Columns between cells.

std::vector<std::string> cells_of(std::string_view line) {
  std::vector<std::string> cells;
  for (std::size_t tab; (tab = line.find('\t')) != std::string_view::npos;) {
    cells.emplace_back(line.substr(0, tab));
    line.remove_prefix(tab + 1);
  }
  cells.emplace_back(line);
  return cells;
}

}  // namespace

void add_list_options(Command command, ListForm& form) {
  command.add_flag("-z", form.nul, "End each with NUL; the id only, or the format");
  command.add_option("--format", form.format, "Text with fields: {id}, {id:sh}, {id:json}")
      .type_name("STR");
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

void ListPrinter::add_row(const ListItem& item) {
  if (format_ || nul_ || context_->options.json || !context_->out.to_terminal()) return print(item);
  rows_.push_back(cells_of(item.line));
}

void ListPrinter::print_rows() const {
  std::vector<std::size_t> widths;
  for (const auto& row : rows_) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t at = 0; at < row.size(); ++at)
      widths[at] = std::max(widths[at], width_of(row[at]));
  }
  if (!rows_.empty()) context_->allow_pager();
  for (const auto& row : rows_) {
    std::string line;
    for (std::size_t at = 0; at < row.size(); ++at) {
      line += row[at];
      if (at + 1 < row.size()) line.append(widths[at] + kGap - width_of(row[at]), ' ');
    }
    context_->out.line(fitted(line, context_->out.columns()));
  }
}

}  // namespace bmsg::cli
