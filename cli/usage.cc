#include "cli/usage.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <functional>
#include <ranges>
#include <utility>

#include <CLI/CLI.hpp>

#include "cli/environment.h"
#include "cli/report.h"
#include "cli/spec.h"

namespace bmsg::cli {
namespace {

std::string full_name(const CLI::App& command) {
  if (command.get_parent() == nullptr) return "bmsg";
  return full_name(*command.get_parent()) + " " + command.get_name();
}

std::string or_nearest(const std::string& text, const std::string& word,
                       const std::vector<std::string>& known) {
  const std::string near = nearest(word, known);
  return near.empty() ? text : fmt::format("{}, did you mean '{}'", text, near);
}

Error unknown_option(const CLI::App& command, const std::string& name) {
  std::vector<std::string> known;
  for (const CLI::App* at = &command; at != nullptr; at = at->get_parent()) {
    for (const CLI::Option* option : parameters_of(*at, Parameters::options)) {
      for (const std::string& one : parameter_view(*option).names) known.push_back(one);
    }
  }
  const std::string text = fmt::format("'{}' has no option '{}'", full_name(command), name);
  // Every short option is near every other.
  return {Errc::bad_usage, name.starts_with("--") ? or_nearest(text, name, known) : text};
}

Error unknown_command(const CLI::App& command, const std::string& word) {
  std::vector<std::string> known;
  for (const CLI::App* one : commands_of(command)) {
    if (!one->get_group().empty()) known.push_back(one->get_name());
  }
  const bool is_verb = command.get_parent() != nullptr;
  const std::string text = is_verb ? fmt::format("'{}' has no verb '{}'", full_name(command), word)
                                   : fmt::format("unknown command '{}'", word);
  return {Errc::bad_usage, or_nearest(text, word, known)};
}

bool takes_only_commands(const CLI::App& command) {
  return !commands_of(command).empty() && parameters_of(command, Parameters::arguments).empty();
}

std::string option_name(const std::string& word) {
  return word.starts_with("--") ? word.substr(0, word.find('=')) : word.substr(0, 2);
}

/// Calls `look` for each option before the words end: with its place, and whether its value is the
/// next word. False ends it.
void each_option(const CLI::App& app, const std::vector<std::string>& words,
                 const std::function<bool(std::size_t, const CLI::Option&, bool)>& look) {
  const CLI::App* at = &app;
  for (std::size_t i = 0; i < words.size() && words[i] != "--"; ++i) {
    const std::string& word = words[i];
    if (word.size() < 2 || !word.starts_with('-')) {
      const CLI::App* below = find_command(*at, word);
      if (below != nullptr) at = below;
      continue;
    }
    const std::string name = option_name(word);
    const CLI::Option* option = find_option(at, name);
    if (option == nullptr) return;
    const bool value_follows = option->get_items_expected_min() > 0 && word == name;
    if (!look(i, *option, value_follows)) return;
    if (value_follows) ++i;
  }
}

/// "-n: 'abc' is no number" where the parser says "Could not convert: -n = abc"; else empty. Of all
/// values only numbers are converted.
std::string not_converted(const std::string& text) {
  constexpr std::string_view kBegins = "Could not convert: ";
  constexpr std::string_view kBetween = " = ";
  const auto at = text.find(kBetween);
  if (!text.starts_with(kBegins) || at == std::string::npos) return {};
  return fmt::format("{}: '{}' is no such number", text.substr(kBegins.size(), at - kBegins.size()),
                     text.substr(at + kBetween.size()));
}

void export_store(const Context& context, const std::string& named) {
  if (!named.empty()) ::setenv("BMSG_STORE", whole_path(named).c_str(), 1);
  if (const auto store = context.store(); named.empty() && store)
    ::setenv("BMSG_STORE", store.value().root().c_str(), 1);
}

}  // namespace

std::string find_program(const std::string& name) {
  for (const std::string& place : CLI::detail::split(from_environment("PATH"), ':')) {
    const std::string file = place + "/" + name;
    if (!place.empty() && ::access(file.c_str(), X_OK) == 0) return file;
  }
  return {};
}

const CLI::Option* find_option(const CLI::App* command, const std::string& name) {
  for (; command != nullptr; command = command->get_parent()) {
    if (const auto* option = command->get_option_no_throw(name)) return option;
  }
  return nullptr;
}

const CLI::App* find_command(const CLI::App& app, const std::string& name) {
  const auto commands = commands_of(app);
  const auto at = std::ranges::find(commands, name, &CLI::App::get_name);
  return at == commands.end() ? nullptr : *at;
}

std::size_t own_words(const CLI::App& app, const std::vector<std::string>& words) {
  std::size_t own = words.size();
  each_option(app, words, [&](std::size_t at, const CLI::Option& option, bool value_follows) {
    if (!option.check_name("--exec")) return true;
    own = std::min(at + (value_follows ? 2 : 1), words.size());
    return false;
  });
  return own;
}

std::vector<std::string> parted(const CLI::App& app, const std::vector<std::string>& words) {
  std::vector<std::size_t> empty;
  each_option(app, words, [&](std::size_t at, const CLI::Option& option, bool) {
    const std::string& word = words[at];
    const bool takes_value = option.get_items_expected_min() > 0;
    if (takes_value && word.starts_with("--") && word.find('=') == word.size() - 1)
      empty.push_back(at);
    return !option.check_name("--exec");
  });
  std::vector<std::string> out = words;
  for (const std::size_t at : std::views::reverse(empty)) {
    out[at].pop_back();
    out.insert(out.begin() + static_cast<std::ptrdiff_t>(at) + 1, "");
  }
  return out;
}

Error usage_error(const CLI::App& app, const CLI::ParseError& error,
                  const std::vector<std::string>& words) {
  const CLI::App* at = &app;
  bool is_value = false;
  for (const std::string& word : words) {
    if (word == "--") break;
    if (std::exchange(is_value, false)) continue;
    if (word.size() > 1 && word.starts_with('-')) {
      const std::string name = option_name(word);
      const CLI::Option* option = find_option(at, name);
      if (option == nullptr) return unknown_option(*at, name);
      is_value = option->get_items_expected_min() > 0 && word == name;
      continue;
    }
    const CLI::App* below = find_command(*at, word);
    if (below == nullptr && takes_only_commands(*at)) return unknown_command(*at, word);
    if (below != nullptr) at = below;
  }
  std::string text = error.what();
  if (const auto told = not_converted(text); !told.empty()) text = told;
  if (const auto end = text.find('\n'); end != std::string::npos) text.resize(end);
  const bool needs_command = takes_only_commands(*at) && at->get_require_subcommand_min() > 0;
  if (needs_command && at->get_subcommands().empty())
    text = fmt::format("'{}' needs a {}", full_name(*at), at == &app ? "command" : "verb");
  return Error{Errc::bad_usage, text};
}

bool wants_json(const std::vector<std::string>& words) {
  const auto end = std::ranges::find(words, "--");
  return std::find(words.begin(), end, "--json") != end;
}

void run_extension(const CLI::App& app, const Context& context,
                   const std::vector<std::string>& words) {
  std::size_t at = 0;
  std::string store;
  if (words.size() > 2 && (words[0] == "-C" || words[0] == "--store")) {
    store = words[1];
    at = 2;
  }
  if (at >= words.size()) return;
  const std::string& name = words[at];
  const bool is_word = std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  });
  if (name.empty() || name[0] == '-' || !is_word || find_command(app, name) != nullptr) return;
  const std::string program = find_program("bmsg-" + name);
  if (program.empty()) return;
  export_store(context, store);
  std::vector<char*> arguments{const_cast<char*>(program.c_str())};
  for (std::size_t i = at + 1; i < words.size(); ++i)
    arguments.push_back(const_cast<char*>(words[i].c_str()));
  arguments.push_back(nullptr);
  ::execv(program.c_str(), arguments.data());
}

}  // namespace bmsg::cli
