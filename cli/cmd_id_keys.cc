// bmsg id set, device, revoke and succeed: what becomes of keys.

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>

#include "cli/identity_verbs.h"
#include "cli/keyring_file.h"
#include "cli/list_form.h"
#include "cli/own_cards.h"
#include "cli/prompt.h"
#include "cli/revocation_paper.h"
#include "cli/session.h"
#include "cli/settings.h"
#include "cli/take_in.h"
#include "cli/text.h"
#include "cli/times.h"
#include "lib/api/json_objects.h"
#include "lib/core/address.h"
#include "lib/core/hex.h"
#include "lib/core/try.h"
#include "lib/mail/card_directory.h"
#include "lib/mail/contact_book.h"
#include "lib/mail/epoch.h"
#include "lib/mail/statement.h"

namespace bmsg::cli {
namespace {

/// No number that anybody can type by mistake for one: without a device the whole identity ends.
constexpr int kNotGiven = std::numeric_limits<int>::min();

struct Options {
  std::string name;
  std::string epoch;
  std::string grace;
  std::string new_name;
  std::optional<std::string> inbox_bits = {};  // As given: nothing is no number.
  int device = kNotGiven;
  std::string statement;   // A file with a paper, or - for input.
  std::string revocation;  // A file to write to.
  bool yes = false;
  ListForm form;
};

/// Store, keyring and who we are, under the mail lock.
struct Desk {
  StoreDir store;
  chain::ChainRules rules;
  FileLock lock;
  OpenKeyring open;
  mail::Identity* identity = nullptr;
};

Result<Desk> open_locked(Context& context) {
  BMSG_TRY_ASSIGN(const auto store, context.store());
  BMSG_TRY_ASSIGN(auto rules, rules_now(context, store));
  BMSG_TRY_ASSIGN(auto asked, unlock_keyring(context, store));
  BMSG_TRY_ASSIGN(const auto patience, context.lock_patience(&store));
  BMSG_TRY_ASSIGN(auto lock,
                  FileLock::take(store.mail_lock(), context.command, patience, context.clock));
  BMSG_TRY_ASSIGN(auto open, reopen_keyring(context, store, std::move(asked.passphrase)));
  open.cost = asked.cost;
  BMSG_TRY_ASSIGN(const auto* chosen, chosen_identity(context, store, open.keyring));
  const auto at = static_cast<std::size_t>(chosen - open.keyring.identities.data());
  Desk desk{store, std::move(rules), std::move(lock), std::move(open), nullptr};
  desk.identity = &desk.open.keyring.identities[at];
  return desk;
}

Result<std::uint64_t> bounded(const std::string& option, const std::string& text,
                              std::uint64_t least, std::uint64_t most) {
  BMSG_TRY_ASSIGN(const auto seconds, parse_duration(text));
  if (seconds >= least && seconds <= most) return seconds;
  return Error{Errc::bad_usage,
               fmt::format("{} {}: from {} h to {} d", option, text, least / 3600, most / 86400)};
}

/// What `id set` was told to change; what is absent stays.
struct Wishes {
  std::optional<std::uint64_t> epoch = {};
  std::optional<std::uint64_t> grace = {};
  std::optional<std::string> name = {};
  std::optional<std::uint8_t> inbox_bits = {};

  /// Whether the next card would say something else than the last one.
  bool change_card(const mail::Identity& identity) const {
    return name.value_or(identity.name) != identity.name ||
           inbox_bits.value_or(identity.inbox_bits) != identity.inbox_bits;
  }
};

Result<std::uint8_t> bits_in(const std::string& text) {
  std::uint8_t bits = 0;
  const char* end = text.data() + text.size();
  const auto [at, fault] = std::from_chars(text.data(), end, bits);
  if (!text.empty() && fault == std::errc() && at == end && bits <= mail::kInboxBitsMax)
    return bits;
  return Error{Errc::bad_usage, fmt::format("--inbox-bits '{}': a number from 0 to {}",
                                            shown_line(text), mail::kInboxBitsMax)};
}

Result<Wishes> wishes_of(const Options& options) {
  Wishes wishes;
  if (!options.epoch.empty()) {
    BMSG_TRY_ASSIGN(wishes.epoch, bounded("--epoch", options.epoch, mail::kEpochSecondsMin,
                                          mail::kEpochSecondsMax));
  }
  if (!options.grace.empty()) {
    BMSG_TRY_ASSIGN(wishes.grace, bounded("--grace", options.grace, mail::kGraceSecondsMin,
                                          mail::kGraceSecondsMax));
  }
  if (!options.new_name.empty()) {
    BMSG_TRY_ASSIGN(wishes.name, mail::to_contact_name(options.new_name));
  }
  if (options.inbox_bits) {
    BMSG_TRY_ASSIGN(wishes.inbox_bits, bits_in(*options.inbox_bits));
  }
  if (!wishes.epoch && !wishes.grace && !wishes.name && !wishes.inbox_bits) {
    return Error{Errc::bad_usage, "nothing to set; give --name, --epoch, --grace or --inbox-bits"};
  }
  return wishes;
}

/// Settings elsewhere that go on to name whoever has another name now.
Result<Done> warn_of_old_name(Context& context, const StoreDir& store, const std::string& before,
                              const mail::Identity& after) {
  BMSG_TRY_ASSIGN(const auto all, context.settings(&store));
  const auto in_force = all.said("user.identity");
  if (in_force && in_force->text == before && in_force->origin != "--identity") {
    context.out.warn(fmt::format("{} still says '{}', which is '{}' now", in_force->origin,
                                 shown_line(before), shown_line(after.name)));
  }
  return done;
}

Result<ExitCode> run_set(const Options& options, Context& context) {
  BMSG_TRY_ASSIGN(const auto wishes, wishes_of(options));
  BMSG_TRY_ASSIGN(auto desk, open_locked(context));
  mail::Identity& identity = *desk.identity;
  const std::string before = identity.name;
  const mail::Identity* namesake = wishes.name ? desk.open.keyring.find(*wishes.name) : nullptr;
  if (namesake != nullptr && namesake != &identity)
    return Error{Errc::exists, fmt::format("there is an identity '{}' already", *wishes.name)};
  const bool needs_card = wishes.change_card(identity);
  identity.epoch = wishes.epoch.value_or(identity.epoch);
  identity.grace = wishes.grace.value_or(identity.grace);
  identity.inbox_bits = wishes.inbox_bits.value_or(identity.inbox_bits);
  // By address meanwhile: whoever is chosen is found whatever comes between.
  BMSG_TRY_ASSIGN(const bool was_chosen, is_chosen(context, desk.store, identity));
  const bool is_renamed = wishes.name.value_or(before) != before;
  if (was_chosen && is_renamed)
    BMSG_TRY(choose_identity(context, desk.store, identity, ChosenBy::address));
  identity.name = wishes.name.value_or(identity.name);
  BMSG_TRY(needs_card ? renew_own_card(context, desk.store, desk.rules, desk.open, identity)
                      : save_keyring(context, desk.store, desk.open));
  if (was_chosen && is_renamed) BMSG_TRY(choose_identity(context, desk.store, identity));
  if (is_renamed) BMSG_TRY(warn_of_old_name(context, desk.store, before, identity));
  BMSG_TRY(
      print_identities(context, desk.store, desk.open, {desk.identity->address()}, desk.rules.id));
  return ExitCode::ok;
}

std::string device_line(const api::DeviceView& view) {
  const std::string card =
      view.card_seq ? fmt::format("card {} until {}", *view.card_seq, to_rfc3339(view.card_expires))
                    : std::string("no card");
  return fmt::format("{}\t{}\t{}", view.device, view.revoked ? "retired" : card,
                     view.here ? "this store" : "-");
}

Result<ExitCode> run_device_list(const Options& options, Context& context) {
  BMSG_TRY_ASSIGN(const auto store, context.store());
  BMSG_TRY_ASSIGN(const auto rules, read_rules(context, store));
  BMSG_TRY_ASSIGN(const auto open, unlock_keyring(context, store));
  BMSG_TRY_ASSIGN(const auto* identity, chosen_identity(context, store, open.keyring));
  const mail::CardDirectory cards(context.disk, store.cards(), rules.id);
  BMSG_TRY_ASSIGN(const auto known, cards.cards_of(identity->address()));
  std::vector<std::uint8_t> numbers = known.retired;
  for (const mail::Card& card : known.cards) numbers.push_back(card.device);
  numbers.push_back(identity->device);
  std::ranges::sort(numbers);
  const auto [first, last] = std::ranges::unique(numbers);
  numbers.erase(first, last);
  BMSG_TRY_ASSIGN(auto printer,
                  ListPrinter::make(context, options.form, api::device_json(api::DeviceView())));
  for (const std::uint8_t number : numbers) {
    api::DeviceView view{
        .device = number,
        .here = number == identity->device,
        .revoked = known.revoked || std::ranges::find(known.retired, number) != known.retired.end(),
        .card_seq = {},
        .card_expires = {}};
    const auto card = std::ranges::find(known.cards, number, &mail::Card::device);
    if (card != known.cards.end()) {
      view.card_seq = card->seq;
      view.card_expires = card->expires();
    }
    printer.add_row({api::device_json(view), std::to_string(number), device_line(view)});
  }
  printer.print_rows();
  return ExitCode::ok;
}

/// Kept here first: whoever is killed before the message is queued has it queued by the next
/// command that has the key (own_cards.h).
Result<Done> announce(Context& context, const StoreDir& store, const chain::ChainRules& rules,
                      ByteView statement) {
  mail::CardDirectory cards(context.disk, store.cards(), rules.id);
  BMSG_TRY(cards.put_statement(statement, std::nullopt));
  BMSG_TRY_ASSIGN(const auto sent, queue_statement(context, store, rules, statement));
  poke_node(store);
  if (!context.options.json) {
    context.out.line(to_hex(sent.id.view()));
    return done;
  }
  api::QueuedView view;
  view.id = sent.id;
  view.size = sent.bytes;
  view.state = "queued";
  view.stamp_ms = sent.stamp_ms;
  view.since = context.clock.now();
  context.out.line(api::queued_json(view));
  return done;
}

Error wrong_paper(const std::string& file, std::string_view what) {
  return Error{Errc::bad_input, fmt::format("'{}' is {}", file, what)};
}

enum class Wanted { revocation, succession };

/// Needs no key, and no identity in the store.
Result<ExitCode> post_paper(const Options& options, Context& context, Wanted wanted) {
  BMSG_TRY_ASSIGN(const auto store, context.store());
  BMSG_TRY_ASSIGN(const auto rules, rules_now(context, store));
  BMSG_TRY_ASSIGN(const auto bytes, read_statement_file(context, options.statement));
  const auto statement = mail::read_statement(bytes);
  check(statement.has_value(), "a paper that was read is not good");
  const bool proposes = statement->new_key.has_value();
  if (proposes && wanted == Wanted::revocation)
    return wrong_paper(options.statement, "a succession; 'bmsg id succeed --statement' posts it");
  if (!proposes && wanted == Wanted::succession)
    return wrong_paper(options.statement, "a revocation; 'bmsg id revoke --statement' posts it");
  if (options.device != kNotGiven && statement->scope != options.device)
    return wrong_paper(options.statement, "not about that device");
  BMSG_TRY(announce(context, store, rules, bytes));
  return ExitCode::ok;
}

Result<ExitCode> run_revoke(const Options& options, Context& context) {
  const bool is_whole = options.device == kNotGiven;
  if (!is_whole && (options.device < 0 || options.device > 254))
    return Error{Errc::bad_usage, "the number of a device is from 0 to 254"};
  if (!options.statement.empty()) return post_paper(options, context, Wanted::revocation);
  BMSG_TRY_ASSIGN(const auto desk, open_locked(context));
  const auto scope = is_whole ? mail::kWholeIdentity : static_cast<std::uint8_t>(options.device);
  const std::string address = to_address(desk.identity->address());
  if (!options.revocation.empty()) {  // The paper anew: posted when it is needed.
    BMSG_TRY(write_statement(context, mail::make_statement(scope, desk.identity->seed, nullptr),
                             options.revocation));
    return ExitCode::ok;
  }
  if (!options.yes) {
    const std::string what =
        is_whole ? fmt::format("nobody will write to '{}' any more, and nothing undoes it",
                               shown_line(desk.identity->name))
                 : fmt::format("device {} gets nothing any more, and its number stays dead",
                               options.device);
    BMSG_TRY(confirm_by_typing(context, what, is_whole ? address : std::to_string(options.device)));
  }
  const Bytes statement = mail::make_statement(scope, desk.identity->seed, nullptr);
  BMSG_TRY(announce(context, desk.store, desk.rules, statement));
  return ExitCode::ok;
}

/// The identity that takes over: named, or the only other one.
Result<const mail::Identity*> successor(const mail::Keyring& keyring, const mail::Identity& ended,
                                        const std::string& name) {
  if (!name.empty()) {
    const mail::Identity* found = keyring.find(name);
    if (found == &ended)
      return Error{Errc::bad_usage, fmt::format("'{}' cannot succeed itself", name)};
    if (found != nullptr) return found;
    return Error{Errc::not_found, fmt::format("no identity '{}' in this store", name),
                 fmt::format("'bmsg id new {}' makes it", name)};
  }
  if (keyring.identities.size() != 2) {
    return Error{Errc::bad_usage, "which identity takes over? name it",
                 "'bmsg id new NAME' makes one"};
  }
  const bool is_first = &keyring.identities[0] == &ended;
  return &keyring.identities[is_first ? 1 : 0];
}

Result<ExitCode> run_succeed(const Options& options, Context& context) {
  if (!options.statement.empty()) return post_paper(options, context, Wanted::succession);
  BMSG_TRY_ASSIGN(const auto desk, open_locked(context));
  BMSG_TRY_ASSIGN(const auto* next, successor(desk.open.keyring, *desk.identity, options.name));
  BMSG_TRY(judge_succession(context, desk.store, desk.rules, *desk.identity, *next));
  const Bytes statement =
      mail::make_statement(mail::kWholeIdentity, desk.identity->seed, &next->seed);
  if (!options.revocation.empty()) {  // In advance: posted when it is needed.
    BMSG_TRY(write_statement(context, statement, options.revocation));
    return ExitCode::ok;
  }
  if (!options.yes) {
    BMSG_TRY(confirm_by_typing(
        context,
        fmt::format("'{}' ends, nothing undoes it, and '{}' is proposed in its place",
                    shown_line(desk.identity->name), shown_line(next->name)),
        to_address(desk.identity->address())));
  }
  BMSG_TRY(announce(context, desk.store, desk.rules, statement));
  return ExitCode::ok;
}

void add_statement_option(Command command, const std::shared_ptr<Options>& options) {
  command.add_option("--statement", options->statement, "Post a paper, from a file or - for input")
      .type_name("FILE");
  command.add_flag("--yes", options->yes, "Do not ask");
}

void add_paper_option(Command command, const std::shared_ptr<Options>& options) {
  command
      .add_option("--revocation", options->revocation,
                  "Write the statement to a file, or - for output, for later")
      .type_name("FILE");
}

Result<ExitCode> run_device_rm(const Options& options, Context& context) {
  return run_revoke(options, context);
}

}  // namespace

void add_id_set(Command id, Context& context) {
  const auto options = std::make_shared<Options>();
  Command set = add_command(
      id, context, "set", "Choose what the card says, and how long prekeys live", options, run_set);
  set.add_option("--name", options->new_name, "The name that the card claims").type_name("NAME");
  set.add_option("--epoch", options->epoch, "How long a prekey is the newest (7d)")
      .type_name("DUR");
  set.add_option("--grace", options->grace, "How long it is kept after the next one (7d)")
      .type_name("DUR");
  set.add_taker(
         "--inbox-bits", [options](const std::string& bits) { options->inbox_bits = bits; },
         "Bits of a topic by which mail is found, for all to see (0)")
      .type_name("N");
}

void add_id_device(Command id, Context& context) {
  const auto options = std::make_shared<Options>();
  Command device = id.add_verb("device", "The devices of an identity");
  device.require_verb();
  add_list_options(add_command(device, context, "list", "List devices", options, run_device_list),
                   options->form);
  Command rm =
      add_command(device, context, "rm", "Retire a device for good", options, run_device_rm);
  rm.add_option("device", options->device, "Which").required().type_name("N");
  rm.add_flag("--yes", options->yes, "Do not ask");
}

void add_id_revoke(Command id, Context& context) {
  const auto options = std::make_shared<Options>();
  Command revoke =
      add_command(id, context, "revoke", "End an identity or a device", options, run_revoke);
  revoke.add_option("--device", options->device, "This device alone").type_name("N");
  add_statement_option(revoke, options);
  add_paper_option(revoke, options);
}

void add_id_succeed(Command id, Context& context) {
  const auto options = std::make_shared<Options>();
  Command succeed = add_command(id, context, "succeed", "End an identity and propose another",
                                options, run_succeed);
  succeed.add_option("name", options->name, "The identity that takes over").type_name("NAME");
  add_statement_option(succeed, options);
  add_paper_option(succeed, options);
}

}  // namespace bmsg::cli
