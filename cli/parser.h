// What commands declare for the command line: options, arguments and verbs. Thin, so that only
// parser.cc and those who take parsed words apart compile the parser itself.

#pragma once

#include <functional>
#include <string>
#include <vector>

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace bmsg::cli {

/// A handle of one option or argument while it is declared; each call returns it for more.
class Parameter {
 public:
  explicit Parameter(CLI::Option* option) : option_(option) {}

  /// What help calls its value.
  Parameter type_name(const char* name) const;
  Parameter required() const;
  /// An empty value means something too; of all others it is refused, such as of an unset variable.
  Parameter may_be_empty() const;
  /// Its value may be left out.
  Parameter value_optional(const char* without) const;
  /// A second value needs the option's name again.
  Parameter one_value_each() const;
  Parameter one_of(std::vector<std::string> values) const;
  Parameter between(int least, int most) const;
  /// A whole number from 1 on.
  Parameter from_one() const;
  /// "10M" becomes a number of bytes; a kilobyte is 1024.
  Parameter as_size() const;
  /// `complaint` is empty for a good value.
  Parameter check(std::function<std::string(const std::string&)> complaint) const;
  Parameter excludes(Parameter other) const;
  Parameter needs(Parameter other) const;
  /// Help and completion do not show it.
  Parameter hidden() const;

 private:
  CLI::Option* option_;
};

/// A handle of a command, or of a verb below one, while it is declared.
class Command {
 public:
  explicit Command(CLI::App& app) : app_(&app) {}

  /// A command or verb below this one, without options.
  Command add_verb(const char* name, const char* says) const;
  /// True once it stands on the command line; a name in braces gives the value of a text.
  template <class Value>
  Parameter add_flag(const char* name, Value& value, const char* says) const;
  /// An option if the name begins with a dash, otherwise an argument. An empty value is refused.
  template <class Value>
  Parameter add_option(const char* name, Value& value, const char* says) const;
  /// An option whose value is handed to `take`. An empty one is refused.
  Parameter add_taker(const char* name, std::function<void(const std::string&)> take,
                      const char* says) const;
  /// What runs when the command line names it.
  void on_call(std::function<void()> run) const;
  /// A verb has to follow.
  void require_verb() const;
  /// A verb may follow.
  void allow_verb() const;
  /// Help and completion do not show it.
  void hide() const;
  CLI::App& app() const { return *app_; }

 private:
  CLI::App* app_;
};

}  // namespace bmsg::cli
