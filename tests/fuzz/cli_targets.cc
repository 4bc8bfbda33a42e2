#include <optional>

#include "cli/safe_name.h"
#include "cli/settings.h"
#include "cli/text.h"
#include "cli/times.h"
#include "tests/fuzz/target.h"

namespace bmsg::fuzz {
namespace {

constexpr UnixSeconds kNow{1'767'225'600};
constexpr std::size_t kNameBytesMax = 200;

/// Of what is written as UTF-8: C0 but for line feed and tab, DEL, C1, what turns the direction of
/// text, and the separators of lines and paragraphs.
bool acts_on_terminals(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<std::uint8_t>(text[i]);
    if ((byte < 0x20 && byte != '\n' && byte != '\t') || byte == 0x7f) return true;
    const auto next = [&](std::size_t at) {
      return i + at < text.size() ? static_cast<std::uint8_t>(text[i + at]) : std::uint8_t{0};
    };
    if (byte == 0xc2 && next(1) < 0xa0) return true;
    if (byte != 0xe2) continue;
    const unsigned code = (next(1) & 0x3fU) << 6 | (next(2) & 0x3fU);
    if ((code >= 0x28 && code <= 0x2e) || (code >= 0x66 && code <= 0x69)) return true;
  }
  return false;
}

bool shown_text(ByteView bytes) {
  const std::string_view text = text_of(bytes);
  const std::string shown = cli::shown(text);
  check(!acts_on_terminals(shown) && cli::is_utf8(shown), "what is shown acts on a terminal");
  const std::string line = cli::shown_line(text);
  check(!acts_on_terminals(line) && line.find_first_of("\n\t") == std::string::npos,
        "one line is shown as several");
  for (const std::size_t columns : {std::size_t{1}, std::size_t{2}, std::size_t{20}})
    check(cli::width_of(cli::fitted(line, columns)) <= columns, "it is wider than it may be");
  return shown == text;
}

bool file_name(ByteView bytes) {
  const std::string name = cli::safe_name(text_of(bytes));
  check(!name.empty() && name.size() <= kNameBytesMax, "a name of no length, or too long");
  check(name.front() != '.' && name.front() != '-', "a name that is hidden or an option");
  check(name.find('/') == std::string::npos && !acts_on_terminals(name), "a name that acts");
  check(cli::safe_name(name) == name, "a safe name is not safe");
  return name == text_of(bytes);
}

bool amounts(ByteView bytes) {
  const std::string text(text_of(bytes));
  const auto time = cli::parse_time(text, kNow);
  const auto again =
      time ? std::optional(cli::parse_time(cli::to_rfc3339(time.value()), kNow)) : std::nullopt;
  check(!again || !*again || again->value() == time.value(), "a time is read as another");
  return any_of(time, cli::parse_size(text), cli::parse_duration(text));
}

/// A file of settings, which may come with a store of somebody else.
bool settings(ByteView bytes) {
  const std::string text(text_of(bytes));
  cli::Settings read;
  const auto added = read.add_text(text, "file");
  check(added || !added.error().message.empty(), "a refusal says why");
  if (!added) return false;
  for (const auto& [key, value] : read.all()) {
    check(bool(cli::check_value(key, value.text)), "a value is taken that does not fit");
    if (!cli::check_writable(key, value.text)) continue;
    cli::Settings again;
    check(bool(again.add_text(cli::edited(text, key, value.text), "file")),
          "an edited file is refused");
    check(again.text(key) == value.text, "what is set is read as something else");
    check(again.all().size() == read.all().size(), "another setting came or went");
  }
  return true;
}

constexpr Target kTargets[] = {
    {"shown_text", shown_text},
    {"file_name", file_name},
    {"amounts", amounts},
    {"settings", settings},
};

}  // namespace

std::span<const Target> cli_targets() { return kTargets; }

}  // namespace bmsg::fuzz
