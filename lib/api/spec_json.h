// What the parser knows, for programs: one object for each command.

#pragma once

#include <string>
#include <vector>

namespace bmsg::api {

/// An option, or an argument that is known by its place.
struct ParameterView {
  std::vector<std::string> names;    // "-C", "--store"; one word for an argument.
  std::string value;                 // What kind it takes: "DIR"; empty for a flag.
  std::vector<std::string> choices;  // Empty: any.
  std::string says;
  bool required = false;
  bool repeats = false;
};

struct CommandView {
  std::string name;  // "contact add"; empty for the program itself.
  std::string says;
  bool hidden = false;
  std::vector<ParameterView> options;  // Its own; those of all commands stand with the program.
  std::vector<ParameterView> arguments;
  std::vector<std::string> commands;  // The words that may follow.
};
/// Source: bmsg-json(5).
std::string command_json(const CommandView& view);

}  // namespace bmsg::api
