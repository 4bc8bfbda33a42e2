// Plumbing: seal and open, encryption alone, over standard input and output.

#include <fmt/format.h>

#include "cli/command.h"
#include "cli/keyring_file.h"
#include "cli/message_view.h"
#include "cli/own_cards.h"
#include "cli/plumbing.h"
#include "cli/session.h"
#include "cli/text.h"
#include "lib/core/address.h"
#include "lib/core/codec.h"
#include "lib/core/try.h"
#include "lib/mail/addressing.h"
#include "lib/mail/mail_keys.h"
#include "lib/mail/open.h"
#include "lib/mail/seal.h"

namespace bmsg::cli {
namespace {

struct Options {
  std::vector<std::string> to;
  bool sign = false;
};

Result<std::vector<mail::Addressee>> addressees(const mail::ContactBook& book,
                                                const std::vector<std::string>& names) {
  std::vector<mail::Addressee> all;
  for (const std::string& name : names) {
    if (const auto address = from_address(name)) {
      all.push_back({*address, {}});
      continue;
    }
    const auto persons = book.persons(name);
    if (!persons) return mail::no_contact(name);
    for (const mail::Contact& person : persons.value())
      all.push_back({*person.address, person.name});
  }
  return all;
}

/// One message for all devices: what is sealed here travels by other ways than inboxes.
Result<std::vector<mail::Recipient>> recipients(const Options& options, Context& context,
                                                const StoreDir& store, const ChainId& chain) {
  BMSG_TRY_ASSIGN(const auto book, read_contacts(context, store));
  BMSG_TRY_ASSIGN(const auto to, addressees(book, options.to));
  look_for_cards(context, store, chain);
  const mail::CardDirectory cards(context.disk, store.cards(), chain);
  const UnixSeconds now = context.clock.now();
  const auto stale = mail::Stale::refused;
  BMSG_TRY_ASSIGN(const auto found, mail::address_anonymous(cards, to, now, stale));
  if (!found.revoked.empty()) return *mail::refusal(found);
  if (!found.missing.empty()) {
    return Error{Errc::no_recipient,
                 fmt::format("no usable card of {}", fmt::join(found.missing, ", "))};
  }
  std::vector<mail::Recipient> all;
  for (const mail::Batch& batch : found.batches)
    all.insert(all.end(), batch.recipients.begin(), batch.recipients.end());
  return all;
}

Result<ExitCode> run_seal(const Options& options, Context& context) {
  BMSG_TRY(check_no_terminal(context));
  BMSG_TRY_ASSIGN(const auto store, context.store());
  BMSG_TRY_ASSIGN(const auto rules, rules_now(context, store));
  BMSG_TRY_ASSIGN(auto to, recipients(options, context, store, rules.id));
  std::optional<OpenKeyring> keyring;
  const mail::Identity* signer = nullptr;
  if (options.sign) {
    BMSG_TRY_ASSIGN(keyring, unlock_keyring(context, store));
    BMSG_TRY_ASSIGN(signer, chosen_identity(context, store, keyring->keyring));
  }
  mail::Content content;
  BMSG_TRY_ASSIGN(content.content, read_input(rules.rules.maxmessage));
  const auto minute = static_cast<std::uint32_t>(context.clock.now().value / 60 * 60);
  BMSG_TRY_ASSIGN(auto sealed,
                  mail::seal(rules, std::move(content), std::move(to),
                             signer == nullptr ? nullptr : &signer->seed,
                             {.time = minute, .ttl = rules.rules.maxttl}, context.entropy));
  BMSG_TRY(print_bytes(context, encode(std::move(sealed).with_nonce(0))));
  return ExitCode::ok;
}

Result<mail::Opened> open_as_anybody(const Message& message, const mail::MailKeys& keys) {
  for (const mail::LiveKey& key : keys.live) {
    auto opened = mail::open(message, keys.chain, key.agreement, key.owner);
    if (opened) return std::move(*opened);
  }
  return Error{Errc::denied, "this is sealed to others",
               "only whoever it names as recipient can open it"};
}

Result<ExitCode> run_open(const Options&, Context& context) {
  BMSG_TRY_ASSIGN(const auto store, context.store());
  BMSG_TRY_ASSIGN(const auto rules, read_rules(context, store));
  BMSG_TRY_ASSIGN(const auto message, []() -> Result<Message> {
    BMSG_TRY_ASSIGN(const auto bytes, read_input(kFrameBytesMax));
    return decode_message(bytes);
  }());
  BMSG_TRY_ASSIGN(const auto keyring, unlock_keyring(context, store));
  BMSG_TRY_ASSIGN(const auto opened,
                  open_as_anybody(message, mail::mail_keys(keyring.keyring, rules.id)));
  if (opened.fault) {
    return Error{Errc::corrupt,
                 fmt::format("this cannot be opened: {}", mail::name_of(*opened.fault))};
  }
  if (opened.signature == mail::SignatureState::bad)
    return Error{Errc::corrupt, "its signature was made by somebody else"};
  const auto sender = opened.content.identity();
  const std::string pair = pair_text(opened.content.sender);
  context.out.note(sender         ? "signed by " + to_address(*sender)
                   : pair.empty() ? "not signed"
                                  : "signed by the " + pair);
  const std::string_view text = as_text(opened.content.content);
  context.out.raw(context.out.to_terminal() ? shown(text) : std::string(text));
  return ExitCode::ok;
}

}  // namespace

void add_seal(Command app, Context& context) {
  const auto options = std::make_shared<Options>();
  Command seal = add_command(app, context, "seal", "Encrypt standard input", options, run_seal);
  seal.add_option("-r", options->to, "To whom; again for more")
      .required()
      .one_value_each()
      .type_name("NAME|ADDRESS");
  seal.add_flag("--sign", options->sign, "Sign it with the own identity");
  add_command(app, context, "open", "Decrypt what seal wrote", options, run_open);
}

}  // namespace bmsg::cli
