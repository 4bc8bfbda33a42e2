#include "cli/completion.h"

#include <algorithm>
#include <iterator>

#include <CLI/CLI.hpp>

#include "cli/completion_values.h"
#include "cli/environment.h"
#include "cli/spec.h"
#include "cli/text.h"
#include "cli/usage.h"

namespace bmsg::cli {
namespace {

/// The command line up to the last word, as far as it makes sense.
struct Place {
  const CLI::App* command = nullptr;
  const CLI::Option* awaits = nullptr;  // An option whose value comes next.
  std::size_t arguments = 0;            // Already given to the command,
  std::string argument = {};            // of which this is the last.
  bool options_ended = false;           // By "--".
  bool of_program = false;              // Behind the program of --exec: words of its own.
};

/// The shell hands on what was typed, before it made a home directory of "~".
std::string with_home(const std::string& path) {
  return path.starts_with("~/") ? from_environment("HOME") + path.substr(1) : path;
}

void take_value(Context& context, const CLI::Option& option, const std::string& value) {
  if (option.check_name("--store")) context.options.store = with_home(value);
}

/// "--store", "--store=DIR", "-C", "-CDIR".
void take_option(Place& place, Context& context, const std::string& word) {
  const auto equals = word.find('=');
  const bool is_long = word.starts_with("--");
  const std::string name = is_long ? word.substr(0, equals) : word.substr(0, 2);
  const CLI::Option* option = find_option(place.command, name);
  if (option == nullptr || option->get_items_expected_max() == 0) return;
  const std::size_t begin = is_long ? (equals == std::string::npos ? word.size() : equals + 1) : 2;
  if (begin < word.size()) {
    place.of_program = option->check_name("--exec");
    return take_value(context, *option, word.substr(begin));
  }
  if (!is_long || equals == std::string::npos) place.awaits = option;
}

void take_word(Place& place, Context& context, const std::string& word) {
  if (place.of_program) return;
  if (place.awaits != nullptr) {
    take_value(context, *place.awaits, word);
    place.of_program = place.awaits->check_name("--exec");
    place.awaits = nullptr;
    return;
  }
  if (!place.options_ended && word == "--") {
    place.options_ended = true;
    return;
  }
  if (!place.options_ended && word.size() > 1 && word[0] == '-')
    return take_option(place, context, word);
  const CLI::App* below = place.arguments == 0 ? find_command(*place.command, word) : nullptr;
  if (below == nullptr) {
    ++place.arguments;
    place.argument = word;
    return;
  }
  place.command = below;
}

std::vector<Candidate> options_at(const Place& place) {
  std::vector<Candidate> all;
  for (const CLI::App* at = place.command; at != nullptr; at = at->get_parent()) {
    for (const CLI::Option* option : parameters_of(*at, Parameters::options)) {
      for (const std::string& name : parameter_view(*option).names)
        all.push_back({name, option->get_description()});
    }
  }
  for (const CLI::Option* argument : parameters_of(*place.command, Parameters::arguments))
    std::ranges::move(dashed_values_of(*argument), std::back_inserter(all));
  return all;
}

std::vector<Candidate> words_at(Context& context, const Place& place) {
  std::vector<Candidate> all;
  if (place.arguments == 0) {
    for (const CLI::App* command : commands_of(*place.command)) {
      if (!command->get_group().empty())
        all.push_back({command->get_name(), command->get_description()});
    }
  }
  const auto arguments = parameters_of(*place.command, Parameters::arguments);
  if (arguments.empty()) return all;
  const CLI::Option& next = *arguments[std::min(place.arguments, arguments.size() - 1)];
  if (place.arguments >= arguments.size() && next.get_items_expected_max() <= 1) return all;
  if (parameter_view(next).value == "VALUE" && place.arguments == 1)
    return values_of_setting(place.argument);
  std::ranges::move(values_of(context, *place.command, next), std::back_inserter(all));
  return all;
}

/// What was typed of the last word may be "--option=": then the values follow that.
std::vector<Candidate> candidates(Context& context, const Place& place, const std::string& last) {
  if (place.of_program) return {{kFileNames, ""}};
  if (place.awaits != nullptr) return values_of(context, *place.command, *place.awaits);
  if (place.options_ended || !last.starts_with('-')) return words_at(context, place);
  const auto equals = last.find('=');
  if (!last.starts_with("--") || equals == std::string::npos) return options_at(place);
  const CLI::Option* option = find_option(place.command, last.substr(0, equals));
  if (option == nullptr) return {};
  auto values = values_of(context, *place.command, *option);
  for (Candidate& one : values) {
    if (!one.word.starts_with(':')) one.word = last.substr(0, equals + 1) + one.word;
  }
  return values;
}

}  // namespace

std::vector<std::string> completions(const CLI::App& app, Context& context,
                                     const std::vector<std::string>& words) {
  Place place{.command = &app};
  for (std::size_t i = 0; i + 1 < words.size(); ++i) take_word(place, context, words[i]);
  const std::string last = words.empty() ? "" : words.back();
  std::vector<std::string> lines;
  for (const Candidate& one : candidates(context, place, last)) {
    const bool asks_shell = one.word == kFileNames || one.word == kDirectoryNames;
    // A word that would have to be changed to be shown is none: it could not be typed either.
    if (!asks_shell && (!one.word.starts_with(last) || shown_line(one.word) != one.word)) continue;
    lines.push_back(one.says.empty() ? one.word : one.word + "\t" + shown_line(one.says));
  }
  return lines;
}

}  // namespace bmsg::cli
