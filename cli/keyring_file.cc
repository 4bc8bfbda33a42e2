#include "cli/keyring_file.h"

#include <fmt/format.h>
#include <sched.h>

#include <algorithm>
#include <stop_token>
#include <thread>

#include "cli/key_agent.h"
#include "cli/passphrase.h"
#include "lib/api/contacts_json.h"
#include "lib/api/keyring_json.h"
#include "lib/core/address.h"
#include "lib/core/try.h"
#include "lib/mail/card_directory.h"
#include "lib/mail/epoch.h"
#include "lib/mail/outbox.h"

namespace bmsg::cli {
namespace {

constexpr std::size_t kContactsBytesMax = 256u << 20;
constexpr std::size_t kCostAt = 4;  // Of log2_n, r and p in the file.

Result<Bytes> read_keyring_bytes(const Context& context, const StoreDir& store) {
  BMSG_TRY_ASSIGN(auto bytes, context.disk.read(store.keyring(), mail::kKeyringBytesMax));
  if (!bytes) {
    return Error{
        Errc::not_found,
        fmt::format("store '{}' has no identity; 'bmsg id new' makes one", store.root().string()),
        "if it had one, keys/keyring is lost: 'bmsg id restore' or 'bmsg pair import' brings "
        "back who it was"};
  }
  return std::move(*bytes);
}

/// The cost that a keyring's file names; what it is worth is checked when it is opened.
crypto::ScryptCost cost_in(ByteView file) {
  if (file.size() < kCostAt + 3) return {};
  return {.log2_n = file[kCostAt], .r = file[kCostAt + 1], .p = file[kCostAt + 2]};
}

Result<OpenKeyring> opened(ByteView file, crypto::SecretBytes passphrase) {
  BMSG_TRY_ASSIGN(const auto json, mail::open_keyring(file, passphrase.view()));
  BMSG_TRY_ASSIGN(auto keyring, api::parse_keyring(json));
  return OpenKeyring{std::move(keyring), std::move(passphrase), cost_in(file)};
}

/// Cards are dated in whole minutes, as all mail is.
std::uint32_t minute_of(UnixSeconds now) { return static_cast<std::uint32_t>(now.value / 60 * 60); }

}  // namespace

Result<OpenKeyring> unlock_keyring(const Context& context, const StoreDir& store) {
  BMSG_TRY_ASSIGN(const auto file, read_keyring_bytes(context, store));
  BMSG_TRY(mail::check_keyring(file));
  // The least cost is only ever written where no passphrase was chosen.
  if (cost_in(file).log2_n == mail::kNoPassphraseCost.log2_n) {
    auto open = opened(file, crypto::SecretBytes());
    if (open || open.error().code != Errc::denied) return open;
  }
  if (context.passphrase) return opened(file, context.passphrase->clone());
  if (auto kept = ask_agent(store)) {
    kept->cost = cost_in(file);
    return std::move(*kept);
  }
  BMSG_TRY_ASSIGN(auto words, passphrase(context, store.root().string()));
  auto open = opened(file, std::move(words));
  if (open || open.error().code != Errc::denied) return open;
  return Error{Errc::denied, fmt::format("wrong passphrase for '{}'", store.root().string())};
}

Result<OpenKeyring> reopen_keyring(const Context& context, const StoreDir& store,
                                   crypto::SecretBytes passphrase) {
  BMSG_TRY_ASSIGN(const auto file, read_keyring_bytes(context, store));
  return opened(file, std::move(passphrase));
}

Result<std::optional<IdentityKey>> address_if_open(const Context& context, const StoreDir& store) {
  const auto file = read_keyring_bytes(context, store);
  if (!file || cost_in(file.value()).log2_n != mail::kNoPassphraseCost.log2_n) {
    return std::optional<IdentityKey>();
  }
  const auto open = opened(file.value(), crypto::SecretBytes());
  if (!open || open.value().keyring.identities.size() != 1) return std::optional<IdentityKey>();
  return std::optional(open.value().keyring.identities.front().address());
}

Result<Done> save_keyring(Context& context, const StoreDir& store, const OpenKeyring& open) {
  const crypto::SecretBytes json = api::print_keyring(open.keyring);
  BMSG_TRY_ASSIGN(const auto file,
                  mail::seal_keyring(json, open.passphrase.view(), open.cost, context.entropy));
  // What could not be read back is not put over what can be.
  if (file.size() > mail::kKeyringBytesMax) {
    return Error{Errc::bad_input,
                 fmt::format("the keyring would be longer than {} MiB, and stays as it is",
                             mail::kKeyringBytesMax >> 20),
                 "'bmsg room leave NAME' and 'bmsg id rm NAME' make it shorter"};
  }
  return context.disk.replace(store.keyring(), file);
}

Result<const mail::Identity*> chosen_identity(const Context& context, const StoreDir& store,
                                              const mail::Keyring& keyring) {
  BMSG_TRY_ASSIGN(const auto settings, context.settings(&store));
  const std::string& named = settings.text("user.identity");
  if (!named.empty()) {
    const mail::Identity* found = keyring.find(named);
    if (const auto address = from_address(named); found == nullptr && address)
      found = keyring.find(*address);
    if (found != nullptr) return found;
    return Error{Errc::not_found,
                 fmt::format("no identity '{}' in this store; 'bmsg id list' shows them", named)};
  }
  if (keyring.identities.empty()) {
    return Error{Errc::not_found, "this store has no identity; 'bmsg id new' makes one"};
  }
  if (keyring.identities.size() > 1) {
    return Error{
        Errc::bad_usage,
        "this store has several identities; choose with --identity NAME or 'bmsg id use NAME'"};
  }
  return &keyring.identities.front();
}

namespace {

constexpr const char* kChoice = "user.identity";

Result<Done> write_choice(const Context& context, const StoreDir& store,
                          const std::optional<std::string>& name) {
  BMSG_TRY_ASSIGN(const auto lock, FileLock::take(store.config_lock(), context.command,
                                                  std::chrono::seconds(10), context.clock));
  BMSG_TRY_ASSIGN(const auto before, context.disk.read(store.config(), 1 << 20));
  const std::string text = edited(before ? to_string(*before) : "", kChoice, name);
  return context.disk.replace(store.config(), as_bytes(text));
}

}  // namespace

Result<Done> choose_identity(const Context& context, const StoreDir& store,
                             const mail::Identity& identity, ChosenBy by) {
  // No name is no choice, and some a file cannot hold.
  const bool by_name =
      by == ChosenBy::name && !identity.name.empty() && check_writable(kChoice, identity.name);
  return write_choice(context, store, by_name ? identity.name : to_address(identity.address()));
}

Result<bool> is_chosen(const Context& context, const StoreDir& store,
                       const mail::Identity& identity) {
  Settings own;
  BMSG_TRY(own.add_file(store.config(), context.disk));
  const auto chosen = own.said(kChoice);
  return chosen && !chosen->text.empty() &&
         (chosen->text == identity.name || chosen->text == to_address(identity.address()));
}

Result<Done> choose_none(const Context& context, const StoreDir& store) {
  return write_choice(context, store, std::nullopt);
}

Result<Done> add_card_key(Context& context, mail::Identity& identity,
                          const chain::ChainRules& rules, std::uint64_t skipped) {
  const std::uint32_t time = minute_of(context.clock.now());
  const std::uint32_t ttl = mail::card_seconds(rules);
  BMSG_TRY_ASSIGN(auto key,
                  mail::make_card_key(identity, rules.id, UnixSeconds{std::uint64_t{time} + ttl},
                                      context.entropy));
  if (skipped > UINT64_MAX - key.seq)
    return Error{Errc::bad_input, "the last number of a card is taken, which only a thief does",
                 "'bmsg id revoke' ends the identity"};
  key.seq += skipped;
  identity.cards.push_back(std::move(key));
  return done;
}

Result<mail::Sent> queue_card(Context& context, const StoreDir& store, const OpenKeyring& open,
                              const mail::Identity& identity, const chain::ChainRules& rules) {
  const auto key = std::find_if(identity.cards.rbegin(), identity.cards.rend(),
                                [&](const auto& one) { return one.chain == rules.id; });
  check(key != identity.cards.rend(), "a card without its key");
  mail::CardDirectory cards(context.disk, store.cards(), rules.id);
  mail::Outbox outbox(context.disk, store.outbox());
  const auto sending = sending_with(context, rules, cards, outbox, &open.keyring, &identity);
  return mail::send_card(identity, *key, cards, sending, std::stop_token());
}

Result<mail::Sent> issue_card(Context& context, const StoreDir& store, OpenKeyring& open,
                              const std::string& identity_name, const chain::ChainRules& rules,
                              std::uint64_t skipped) {
  auto& all = open.keyring.identities;
  const auto identity = std::ranges::find(all, identity_name, &mail::Identity::name);
  check(identity != all.end(), "a card for an identity that is not there");
  BMSG_TRY(add_card_key(context, *identity, rules, skipped));
  BMSG_TRY(save_keyring(context, store, open));
  return queue_card(context, store, open, *identity, rules);
}

Result<mail::Card> own_card(Context& context, const StoreDir& store, const mail::Identity& identity,
                            const ChainId& chain) {
  const mail::CardDirectory cards(context.disk, store.cards(), chain);
  BMSG_TRY_ASSIGN(auto newest, cards.cards_of(identity.address()));
  for (mail::Card& card : newest.cards) {
    if (card.device == identity.device) return std::move(card);
  }
  return Error{Errc::not_found,
               fmt::format("identity '{}' has no card on this chain yet", identity.name)};
}

Result<mail::ContactBook> read_contacts(const Context& context, const StoreDir& store) {
  BMSG_TRY_ASSIGN(const auto bytes, context.disk.read(store.contacts(), kContactsBytesMax));
  if (!bytes) return mail::ContactBook();
  auto book = api::parse_contacts(as_text(*bytes));
  if (book) return book;
  Error error = in_context(store.contacts().string(), book.error());
  if (error.hint.empty()) error.hint = "mend that line, or 'bmsg restore' brings back a backup";
  return error;
}

Result<Done> write_contacts(Context& context, const StoreDir& store,
                            const mail::ContactBook& book) {
  return context.disk.replace(store.contacts(), as_bytes(api::print_contacts(book)));
}

mail::SendContext sending_with(Context& context, const chain::ChainRules& rules,
                               const mail::CardDirectory& cards, mail::Outbox& outbox,
                               const mail::Keyring* keyring, const mail::Identity* identity) {
  return {.chain = rules,
          .cards = cards,
          .outbox = outbox,
          .clock = context.clock,
          .entropy = context.entropy,
          .keyring = keyring,
          .identity = identity,
          .threads = threads_for(0)};
}

unsigned threads_for(std::uint64_t wanted) {
  // Fewer than the machine has where somebody keeps this process to some of them.
  cpu_set_t cores;
  const bool known = ::sched_getaffinity(0, sizeof(cores), &cores) == 0;
  const unsigned here = known ? static_cast<unsigned>(CPU_COUNT(&cores))
                              : std::max(1u, std::thread::hardware_concurrency());
  return wanted == 0 ? here : static_cast<unsigned>(std::min<std::uint64_t>(wanted, 256));
}

}  // namespace bmsg::cli
