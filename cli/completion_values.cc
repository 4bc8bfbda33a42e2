#include "cli/completion_values.h"

#include <algorithm>
#include <iterator>

#include <CLI/CLI.hpp>

#include "cli/cursor.h"
#include "cli/keyring_file.h"
#include "cli/policies.h"
#include "cli/session.h"
#include "cli/spec.h"
#include "cli/times.h"
#include "lib/core/hex.h"
#include "lib/core/try.h"
#include "lib/mail/flag_change.h"
#include "storage/rocks_mail_store.h"

namespace bmsg::cli {
namespace {

constexpr std::size_t kRefsMax = 50;  // The newest; more than anybody reads in a list.

Result<std::vector<Candidate>> contact_names(Context& context) {
  BMSG_TRY_ASSIGN(const auto store, context.store());
  BMSG_TRY_ASSIGN(const auto book, read_contacts(context, store));
  std::vector<Candidate> all;
  for (const mail::Contact* contact : book.all()) {
    const bool is_group = contact->kind == mail::ContactKind::group;
    const bool is_room = contact->kind == mail::ContactKind::room;
    all.push_back({contact->name, is_group ? "group" : is_room ? "room" : ""});
  }
  return all;
}

Result<std::vector<Candidate>> references(Context& context) {
  BMSG_TRY_ASSIGN(const auto store, context.store());
  const storage::OpenOptions options{.disk = context.disk};
  BMSG_TRY_ASSIGN(const auto index, storage::RocksMailStore::open_read_only(store.mail(), options));
  BMSG_TRY_ASSIGN(const auto entries, index->newest(std::nullopt, kRefsMax));
  std::vector<Candidate> all{{"@", "the newest message"}};
  for (const mail::MailEntry& entry : entries)
    all.push_back({to_hex(entry.id.view()), to_rfc3339(entry.time)});
  return all;
}

Result<std::vector<Candidate>> peer_urls(Context& context) {
  BMSG_TRY_ASSIGN(const auto store, context.store());
  BMSG_TRY_ASSIGN(const auto chain, open_chain(context, store));
  BMSG_TRY_ASSIGN(const auto peers, chain->peers());
  std::vector<Candidate> all;
  for (const node::Peer& peer : peers) all.push_back({peer.url, ""});
  return all;
}

Result<std::vector<Candidate>> reader_names(Context& context) {
  BMSG_TRY_ASSIGN(const auto store, context.store());
  std::vector<Candidate> all;
  for (const std::string& name : cursor_names(context, store)) all.push_back({name, ""});
  return all;
}

Result<std::vector<Candidate>> policy_names(Context& context) {
  BMSG_TRY_ASSIGN(const auto store, context.store());
  BMSG_TRY_ASSIGN(const auto contacts, read_contacts(context, store));
  BMSG_TRY_ASSIGN(const auto policies, read_policies(context, store));
  std::vector<Candidate> all;
  for (const mail::Policy& policy : policies) {
    const auto view = policy_view(contacts, policy);
    all.push_back({view.name, view.rule});
  }
  return all;
}

std::vector<Candidate> setting_keys(const std::string& behind) {
  std::vector<Candidate> all;
  for (const KnownSetting& known : known_settings())
    all.push_back({known.key + behind, known.says});
  return all;
}

std::vector<Candidate> command_names(const CLI::App& command) {
  const CLI::App* root = &command;
  while (root->get_parent() != nullptr) root = root->get_parent();
  std::vector<Candidate> all;
  for (const CLI::App* one : commands_of(*root)) {
    if (!one->get_group().empty()) all.push_back({one->get_name(), one->get_description()});
  }
  return all;
}

std::vector<Candidate> flag_changes(const std::string& sign) {
  std::vector<Candidate> all;
  for (const std::string& flag : mail::known_flags()) all.push_back({sign + flag, ""});
  return all;
}

std::vector<Candidate> words(std::initializer_list<const char*> all) {
  std::vector<Candidate> candidates;
  for (const char* word : all) candidates.push_back({word, ""});
  return candidates;
}

/// What cannot be read is not offered.
std::vector<Candidate> or_none(Result<std::vector<Candidate>> found) {
  return found ? std::move(found).value() : std::vector<Candidate>();
}

bool is_below(const CLI::App& command, const char* name) {
  return command.get_parent() != nullptr && command.get_parent()->get_name() == name;
}

bool is_part_of(const std::string& kind, const std::string& wanted) {
  return ("|" + kind + "|").find("|" + wanted + "|") != std::string::npos;
}

}  // namespace

std::vector<Candidate> values_of_setting(const std::string& key) {
  std::vector<Candidate> all;
  for (const KnownSetting& known : known_settings()) {
    const std::string values = known.values;
    if (known.key != key || values.find('|') == std::string::npos) continue;
    for (const std::string& word : CLI::detail::split(values, '|'))
      all.push_back({word, word == known.value ? "the default" : ""});
  }
  return all;
}

std::vector<Candidate> dashed_values_of(const CLI::Option& option) {
  return is_part_of(parameter_view(option).value, "FLAG") ? flag_changes("-")
                                                          : std::vector<Candidate>();
}

std::vector<Candidate> values_of(Context& context, const CLI::App& command,
                                 const CLI::Option& option) {
  const api::ParameterView view = parameter_view(option);
  std::vector<Candidate> all;
  for (const std::string& choice : view.choices) all.push_back({choice, ""});
  if (!all.empty()) return all;
  const auto takes = [&](const char* kind) { return is_part_of(view.value, kind); };
  if (takes("KEY") && is_below(command, "config")) return setting_keys("");
  if (takes("KEY=VALUE") && option.check_name("-c")) return setting_keys("=");
  if (takes("COMMAND")) return command_names(command);
  if (takes("STATE")) return words({"queued", "pooled", "relayed=", "mined=", "read"});
  if (takes("SETTING")) return words({"ack=never", "ack=asked", "ack=read"});
  if (takes("FLAG")) all = flag_changes("+");
  if (takes("FLAG")) std::ranges::move(flag_changes("-"), std::back_inserter(all));
  // An identity's name is in the keyring; opening that is no work for a completion.
  const bool is_own =
      option.check_name("--identity") || option.check_name("--name") || is_below(command, "id");
  if ((takes("NAME") && !is_own) || takes("GROUP") || takes("ROOM"))
    all = or_none(contact_names(context));
  if (takes("READER")) all = or_none(reader_names(context));
  if (takes("POLICY")) all = or_none(policy_names(context));
  if (takes("REF")) std::ranges::move(or_none(references(context)), std::back_inserter(all));
  if (takes("URL") || takes("PEER")) all = or_none(peer_urls(context));
  if (takes("FILE") || takes("PROGRAM")) all.push_back({kFileNames, ""});
  if (takes("DIR")) all.push_back({kDirectoryNames, ""});
  return all;
}

}  // namespace bmsg::cli
