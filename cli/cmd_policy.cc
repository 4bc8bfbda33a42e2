// bmsg policy: whose signatures the messages of a topic or a room need here.

#include <fmt/format.h>

#include "cli/command.h"
#include "cli/keyring_file.h"
#include "cli/list_form.h"
#include "cli/policies.h"
#include "cli/text.h"
#include "lib/core/try.h"

namespace bmsg::cli {
namespace {

struct Options {
  std::string name;
  std::string rule;
  bool is_room = false;
  bool is_topic = false;
  ListForm form;
};

Result<PolicyPlace> place_of(const Options& options) {
  if (options.is_room && options.is_topic)
    return Error{Errc::bad_usage, "--room and --topic: a policy is of one of them"};
  if (options.is_room) return PolicyPlace::room;
  return options.is_topic ? PolicyPlace::topic : PolicyPlace::unsaid;
}

std::string row_of(const api::PolicyView& view) {
  return fmt::format("{}\t{}\t{}", shown_line(view.name), view.room ? "room" : "topic",
                     shown_line(view.rule));
}

void print(Context& context, const api::PolicyView& view) {
  context.out.line(context.options.json ? api::policy_json(view) : row_of(view));
}

Result<ExitCode> run_set(const Options& options, Context& context) {
  BMSG_TRY_ASSIGN(const PolicyPlace place, place_of(options));
  BMSG_TRY_ASSIGN(const auto store, context.store());
  BMSG_TRY_ASSIGN(const auto contacts, read_contacts(context, store));
  BMSG_TRY_ASSIGN(auto policy, policy_named(contacts, options.name, place));
  BMSG_TRY_ASSIGN(policy.quorum, parse_rule(contacts, options.rule));
  BMSG_TRY(change_policies(context, store, [&](Policies& policies) -> Result<Done> {
    std::erase_if(policies, [&](const auto& one) { return one.same_place(policy); });
    if (policies.size() == mail::kPoliciesMax)
      return Error{Errc::exists, fmt::format("there are {} policies already", policies.size()),
                   "'bmsg policy rm' removes one"};
    policies.push_back(policy);
    return done;
  }));
  print(context, policy_view(contacts, policy));
  return ExitCode::ok;
}

Result<ExitCode> run_list(const Options& options, Context& context) {
  api::PolicyView sample;
  BMSG_TRY_ASSIGN(auto printer, ListPrinter::make(context, options.form, api::policy_json(sample)));
  BMSG_TRY_ASSIGN(const auto store, context.store());
  BMSG_TRY_ASSIGN(const auto contacts, read_contacts(context, store));
  BMSG_TRY_ASSIGN(const auto policies, read_policies(context, store));
  for (const mail::Policy& policy : policies) {
    const auto view = policy_view(contacts, policy);
    printer.add_row({api::policy_json(view), view.name, row_of(view)});
  }
  printer.print_rows();
  return ExitCode::ok;
}

Result<ExitCode> run_show(const Options& options, Context& context) {
  BMSG_TRY_ASSIGN(const PolicyPlace place, place_of(options));
  BMSG_TRY_ASSIGN(const auto store, context.store());
  BMSG_TRY_ASSIGN(const auto contacts, read_contacts(context, store));
  BMSG_TRY_ASSIGN(auto policies, read_policies(context, store));
  BMSG_TRY_ASSIGN(const auto found, find_policy(policies, contacts, options.name, place));
  print(context, policy_view(contacts, *found));
  return ExitCode::ok;
}

Result<ExitCode> run_rm(const Options& options, Context& context) {
  BMSG_TRY_ASSIGN(const PolicyPlace place, place_of(options));
  BMSG_TRY_ASSIGN(const auto store, context.store());
  BMSG_TRY_ASSIGN(const auto contacts, read_contacts(context, store));
  BMSG_TRY(change_policies(context, store, [&](Policies& policies) -> Result<Done> {
    BMSG_TRY_ASSIGN(const auto found, find_policy(policies, contacts, options.name, place));
    policies.erase(found);
    return done;
  }));
  context.out.note("what waited for signatures is given out by 'bmsg watch' now");
  return ExitCode::ok;
}

}  // namespace

void add_policy(Command app, Context& context) {
  const auto options = std::make_shared<Options>();
  Command policy = app.add_verb("policy", "Say whose signatures messages need here");
  policy.require_verb();
  const auto add = [&](const char* name, const char* says, auto work) {
    return add_command(policy, context, name, says, options, work);
  };
  const auto with_name = [&](Command verb, const char* kind) {
    verb.add_option("name", options->name, "Of what").required().type_name(kind);
    verb.add_flag("--room", options->is_room, "The name is that of a room");
    verb.add_flag("--topic", options->is_topic, "The name is that of a topic");
    return verb;
  };
  Command set = with_name(add("set", "Set the rule of a topic or room", run_set), "TOPIC|ROOM");
  set.add_option("rule", options->rule, "As 'of(2, ana, ben, carl)'")
      .required()
      .type_name("RULE")
      .may_be_empty();  // The rule says what it lacks.
  add_list_options(add("list", "List the rules of this store", run_list), options->form);
  with_name(add("show", "Print one rule", run_show), "POLICY");
  with_name(add("rm", "Remove a rule: what waited for it is given out", run_rm), "POLICY");
}

}  // namespace bmsg::cli
