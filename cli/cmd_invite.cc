// bmsg invite: a URI that brings somebody to this chain.

#include <fmt/format.h>

#include "cli/command.h"
#include "cli/discovery.h"
#include "cli/keyring_file.h"
#include "cli/qr.h"
#include "cli/session.h"
#include "lib/api/invite.h"
#include "lib/api/invite_json.h"
#include "lib/core/codec.h"
#include "lib/core/try.h"
#include "lib/crypto/sign.h"
#include "lib/mail/room.h"
#include "lib/net/address.h"

namespace bmsg::cli {
namespace {

struct Options {
  std::string host;
  bool card = false;
  std::string room;
  bool dht = false;
  bool qr = false;
};

/// A place where others can reach us, as far as words can tell.
bool is_reachable(const std::string& host) {
  return net::is_public(host) || (!net::is_literal(host) && !net::is_loopback(host));
}

Result<api::InviteHost> host_for(const Options& options, Context& context, const StoreDir& store) {
  if (!options.host.empty()) {
    auto given = api::parse_invite_host(options.host);
    if (!given)
      return Error{Errc::bad_usage,
                   fmt::format("--host '{}': {}", options.host, given.error().message)};
    return given;
  }
  BMSG_TRY_ASSIGN(const auto settings, context.settings(&store));
  std::string_view listen = settings.text("serve.listen");
  if (listen.starts_with("https://")) listen.remove_prefix(8);
  auto known = api::parse_invite_host(listen);
  if (known && is_reachable(known.value().host)) return known;
  return Error{Errc::unreachable, "nothing says where others reach this store",
               "say it with --host HOST:PORT, or set serve.listen to that address"};
}

Result<Bytes> newest_card(Context& context, const StoreDir& store, const ChainId& chain) {
  BMSG_TRY_ASSIGN(const auto open, unlock_keyring(context, store));
  BMSG_TRY_ASSIGN(const auto* identity, chosen_identity(context, store, open.keyring));
  const auto card = own_card(context, store, *identity, chain);
  if (!card && card.error().code == Errc::not_found)
    return Error{Errc::no_recipient, card.error().message,
                 "'bmsg sync' fetches it if it is on the chain"};
  if (!card) return card.error();
  if (!card.value().usable_at(context.clock.now())) {
    return Error{Errc::no_recipient,
                 fmt::format("the newest card of '{}' has expired", identity->name),
                 "without --card the invite is good all the same"};
  }
  return encode(card.value().message);
}

/// The secret of a room; whoever reads the invite reads the room.
Result<api::InviteRoom> room_secret(Context& context, const StoreDir& store,
                                    const std::string& name) {
  BMSG_TRY_ASSIGN(const auto contacts, read_contacts(context, store));
  const mail::Contact* contact = contacts.find(name);
  if (contact == nullptr) return mail::no_contact(name);
  BMSG_TRY_ASSIGN(const auto open, unlock_keyring(context, store));
  const mail::Room* room = mail::find_room(open.keyring.rooms, contact->room);
  if (room == nullptr) {
    return Error{Errc::no_recipient, fmt::format("the secret of a room '{}' is not here", name),
                 "'bmsg room list' lists rooms"};
  }
  context.out.warn(fmt::format(
      "whoever gets this invite can read and post in '{}' until its keeper rotates it", name));
  return api::InviteRoom::from(mail::shared_room(*room).view());
}

void print_code(Context& context, const std::string& uri) {
  const std::string code = qr_code(uri);
  std::size_t width = 0;  // Each module is one character of one or three bytes.
  for (const char c : code.substr(0, code.find('\n')))
    width += (static_cast<unsigned char>(c) & 0xc0) != 0x80 ? 1 : 0;
  if (context.out.to_terminal() && width > context.out.columns()) {
    context.out.warn(fmt::format("the code is {} columns wide and the terminal {}: make it wider",
                                 width, context.out.columns()));
  }
  context.out.raw(code);
}

Result<ExitCode> run(const Options& options, Context& context) {
  BMSG_TRY_ASSIGN(const auto store, context.store());
  BMSG_TRY_ASSIGN(const auto rules, read_rules(context, store));
  api::Invite invite;
  BMSG_TRY_ASSIGN(invite.at, host_for(options, context, store));
  invite.chain = rules.id;
  BMSG_TRY_ASSIGN(const auto seed, read_node_seed(context, store));
  invite.node = relabel<NodeKey>(crypto::public_key_of(seed));
  BMSG_TRY_ASSIGN(const auto chain, open_chain(context, store));
  BMSG_TRY_ASSIGN(const Height height,
                  height_to_vouch_for(context, store, *chain, rules.rules.mode));
  BMSG_TRY_ASSIGN(const auto hash, chain->hash_at(height));
  if (!hash) return Error{Errc::corrupt, "the store lacks a block of its best chain"};
  invite.checkpoint = api::InviteCheckpoint{height, api::tail_of(*hash)};
  if (options.card) {
    BMSG_TRY_ASSIGN(invite.card, newest_card(context, store, rules.id));
  }
  if (!options.room.empty()) {
    BMSG_TRY_ASSIGN(invite.room, room_secret(context, store, options.room));
  }
  if (options.dht) {
    BMSG_TRY_ASSIGN(invite.dht, read_discovery_secret(context, store));
  }
  const std::string uri = api::print_invite(invite);
  if (context.options.json) {
    context.out.line(api::invite_json({.uri = uri,
                                       .host = api::print_invite_host(invite.at),
                                       .chain = invite.chain,
                                       .node = *invite.node,
                                       .checkpoint = node::Checkpoint{height, *hash},
                                       .card = options.card,
                                       .room = invite.room.has_value(),
                                       .dht = options.dht}));
  } else if (options.qr) {
    print_code(context, uri);
  } else {
    context.out.line(uri);
  }
  return ExitCode::ok;
}

}  // namespace

void add_invite(Command app, Context& context) {
  const auto options = std::make_shared<Options>();
  Command invite =
      add_command(app, context, "invite", "Print a URI that others clone from", options, run);
  invite.add_option("--host", options->host, "Where others reach a serve of this store")
      .type_name("HOST:PORT");
  invite.add_flag("--card", options->card, "With the newest card, so that they can write to you");
  invite.add_option("--room", options->room, "With the secret of a room, so that they can read it")
      .type_name("NAME");
  invite.add_flag("--dht", options->dht, "With the secret by which members meet in a hash table");
  invite.add_flag("--qr", options->qr, "As a QR code");
}

}  // namespace bmsg::cli
