#include "cli/parser.h"

#include <charconv>
#include <cstdint>
#include <utility>

#include <CLI/CLI.hpp>

namespace bmsg::cli {
namespace {

constexpr const char* kFilled = "filled";  // The check of every value, by its name.

/// What stands empty is refused, not taken as if it were not there.
Parameter filled(CLI::Option* option) {
  const char* const complaint = option->get_positional()
                                    ? "an empty word names nothing"
                                    : "an empty value; leave the option out where none is meant";
  const auto check = [complaint](std::string& value) {
    return std::string(value.empty() ? complaint : "");
  };
  return Parameter(option->check(CLI::Validator(check, "", kFilled)));
}

}  // namespace

Parameter Parameter::type_name(const char* name) const {
  return Parameter(option_->type_name(name));
}

Parameter Parameter::required() const { return Parameter(option_->required()); }

Parameter Parameter::may_be_empty() const {
  option_->get_validator(kFilled)->active(false);
  return *this;
}

Parameter Parameter::value_optional(const char* without) const {
  option_->expected(0, 1)->default_str(without);
  return *this;
}

Parameter Parameter::one_value_each() const { return Parameter(option_->allow_extra_args(false)); }

Parameter Parameter::one_of(std::vector<std::string> values) const {
  return Parameter(option_->check(CLI::IsMember(std::move(values))));
}

Parameter Parameter::between(int least, int most) const {
  return Parameter(option_->check(CLI::Range(least, most)));
}

Parameter Parameter::from_one() const {
  return check([](const std::string& value) -> std::string {
    std::uint64_t number = 0;
    const char* const behind = value.data() + value.size();
    const auto [end, failed] = std::from_chars(value.data(), behind, number);
    const bool is_good = failed == std::errc() && end == behind && number > 0;
    return is_good ? "" : "'" + value + "' is no number from 1 on";
  });
}

Parameter Parameter::as_size() const {
  return Parameter(option_->transform(CLI::AsSizeValue(false)));
}

Parameter Parameter::check(std::function<std::string(const std::string&)> complaint) const {
  return Parameter(option_->check(CLI::Validator(
      [complaint = std::move(complaint)](std::string& value) { return complaint(value); }, "")));
}

Parameter Parameter::excludes(Parameter other) const {
  return Parameter(option_->excludes(other.option_));
}

Parameter Parameter::needs(Parameter other) const {
  return Parameter(option_->needs(other.option_));
}

Parameter Parameter::hidden() const { return Parameter(option_->group("")); }

Command Command::add_verb(const char* name, const char* says) const {
  return Command(*app_->add_subcommand(name, says));
}

template <class Value>
Parameter Command::add_flag(const char* name, Value& value, const char* says) const {
  return Parameter(app_->add_flag(name, value, says));
}

template <class Value>
Parameter Command::add_option(const char* name, Value& value, const char* says) const {
  return filled(app_->add_option(name, value, says));
}

Parameter Command::add_taker(const char* name, std::function<void(const std::string&)> take,
                             const char* says) const {
  return filled(app_->add_option_function<std::string>(name, std::move(take), says));
}

void Command::on_call(std::function<void()> run) const { app_->callback(std::move(run)); }

void Command::require_verb() const { app_->require_subcommand(1); }

void Command::allow_verb() const { app_->require_subcommand(0, 1); }

void Command::hide() const { app_->group(""); }

// All the types that values of options have.
template Parameter Command::add_flag(const char*, bool&, const char*) const;
template Parameter Command::add_flag(const char*, std::string&, const char*) const;
template Parameter Command::add_option(const char*, std::string&, const char*) const;
template Parameter Command::add_option(const char*, std::vector<std::string>&, const char*) const;
template Parameter Command::add_option(const char*, int&, const char*) const;
template Parameter Command::add_option(const char*, std::uint32_t&, const char*) const;
template Parameter Command::add_option(const char*, std::uint64_t&, const char*) const;

}  // namespace bmsg::cli
