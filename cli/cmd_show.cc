// bmsg show: any object, whatever its kind.

#include <fmt/format.h>

#include "cli/block_view.h"
#include "cli/command.h"
#include "cli/contact_view.h"
#include "cli/identity_view.h"
#include "cli/keyring_file.h"
#include "cli/listing.h"
#include "cli/mailroom.h"
#include "cli/message_view.h"
#include "cli/peer_view.h"
#include "cli/refs.h"
#include "cli/session.h"
#include "cli/text.h"
#include "lib/core/address.h"
#include "lib/core/hex.h"
#include "lib/core/try.h"
#include "storage/rocks_mail_store.h"

namespace bmsg::cli {
namespace {

struct Options {
  std::string ref;
  std::string type;
};

Result<ExitCode> show_block(const Options& options, Context& context,
                            const node::ChainReader& chain) {
  BMSG_TRY_ASSIGN(const auto stored, find_block(chain, options.ref));
  auto view = block_view(stored);
  BMSG_TRY_ASSIGN(view.ids, ids_of_block(chain, stored.hash));
  context.out.raw(context.options.json ? api::block_json(view) + "\n" : block_text(view));
  return ExitCode::ok;
}

/// One of ours with its text; false if it is none. Of others, strangers may know the envelope.
Result<bool> show_own(Context& context, const Mailroom& room, const MessageId& id) {
  BMSG_TRY_ASSIGN(const auto text, room.box().read(id));
  if (!text) return false;
  context.out.raw(context.options.json ? api::message_json(message_view(room, *text)) + "\n"
                                       : message_text(room, *text));
  return true;
}

/// What no node and no index knows yet can still be ours: it was just sent, or has just come.
Result<ExitCode> show_new(const Options& options, Context& context, const StoreDir& store,
                          const Error& unknown) {
  const auto room = Mailroom::open(context, store);
  if (!room) return unknown;
  const auto id = room.value()->find(options.ref);
  if (!id) return unknown;
  BMSG_TRY_ASSIGN(const bool shown, show_own(context, *room.value(), id.value()));
  if (!shown) return unknown;
  return ExitCode::ok;
}

/// What came, counted back: only the key tells, so it is ours.
Result<ExitCode> show_received(const Options& options, Context& context, const StoreDir& store) {
  BMSG_TRY_ASSIGN(const auto room, Mailroom::open(context, store));
  BMSG_TRY_ASSIGN(const auto id, room->find(options.ref));
  BMSG_TRY(show_own(context, *room, id));
  return ExitCode::ok;
}

Result<ExitCode> show_message(const Options& options, Context& context, const StoreDir& store,
                              const node::ChainReader& chain) {
  if (inbox_steps(options.ref)) return show_received(options, context, store);
  const storage::OpenOptions open{.disk = context.disk};
  BMSG_TRY_ASSIGN(const auto index, storage::RocksMailStore::open_read_only(store.mail(), open));
  const auto found = find_message(chain, index.get(), options.ref);
  if (!found && found.error().code == Errc::not_found)
    return show_new(options, context, store, found.error());
  BMSG_TRY_ASSIGN(const MessageId id, found);
  BMSG_TRY_ASSIGN(const auto entry, index->entry(id));
  if (entry) {
    BMSG_TRY_ASSIGN(const auto room, Mailroom::open(context, store));
    BMSG_TRY_ASSIGN(const bool shown, show_own(context, *room, id));
    if (shown) return ExitCode::ok;
  }
  BMSG_TRY_ASSIGN(const auto message, find_object(chain, id));
  const Error unknown{Errc::not_found, fmt::format("no message '{}' here", options.ref)};
  if (!message) return show_new(options, context, store, unknown);
  const auto view = object_view(id, *message);
  context.out.raw(context.options.json ? api::object_json(view) + "\n" : object_text(view));
  return ExitCode::ok;
}

Result<ExitCode> show_peer(const Options& options, Context& context,
                           const node::ChainReader& chain) {
  BMSG_TRY_ASSIGN(const auto peers, chain.peers());
  BMSG_TRY_ASSIGN(const auto tip, chain.tip());
  for (const node::Peer& peer : peers) {
    if (peer.url != options.ref) continue;
    const UnixSeconds now = context.clock.now();
    context.out.raw(context.options.json ? api::peer_json(peer, now) + "\n"
                                         : peer_text(peer, tip.height, now));
    return ExitCode::ok;
  }
  return Error{Errc::no_host, fmt::format("no peer '{}'", options.ref)};
}

Result<ExitCode> show_contact(const Options& options, Context& context, const StoreDir& store) {
  BMSG_TRY_ASSIGN(const auto rules, read_rules(context, store));
  BMSG_TRY_ASSIGN(const auto view, contact_view(context, store, rules, options.ref));
  context.out.raw(context.options.json ? api::contact_json(view) + "\n" : contact_text(view));
  return ExitCode::ok;
}

/// The identity of a name or an address; null if it is none of ours.
const mail::Identity* find_identity(const mail::Keyring& keyring, const std::string& name) {
  if (const auto address = from_address(name)) return keyring.find(*address);
  return keyring.find(name);
}

Result<ExitCode> show_identity(const Options& options, Context& context, const StoreDir& store) {
  BMSG_TRY_ASSIGN(const auto rules, read_rules(context, store));
  BMSG_TRY_ASSIGN(const auto open, unlock_keyring(context, store));
  const mail::Identity* identity = find_identity(open.keyring, options.ref);
  if (identity == nullptr)
    return Error{Errc::not_found, fmt::format("no identity '{}' in this store", options.ref)};
  BMSG_TRY_ASSIGN(const auto view, identity_view(context, store, open, *identity, rules.id));
  context.out.raw(context.options.json ? api::identity_json(view) + "\n" : identity_text(view));
  return ExitCode::ok;
}

/// A contact, else an identity: only then is a passphrase asked for.
Result<ExitCode> show_person(const Options& options, Context& context, const StoreDir& store) {
  auto shown = show_contact(options, context, store);
  if (shown || shown.error().code != Errc::no_recipient) return shown;
  auto own = show_identity(options, context, store);
  return !own && own.error().code == Errc::not_found ? shown : own;
}

bool could_be_message(const std::string& ref) {
  return ref.starts_with('@') ||
         (ref.size() >= 8 && ref.find_first_not_of("0123456789abcdef") == std::string::npos);
}

Result<ExitCode> show(const Options& options, Context& context, const StoreDir& store,
                      const node::ChainReader& chain) {
  if (options.type == "block") return show_block(options, context, chain);
  if (options.type == "message") return show_message(options, context, store, chain);
  if (options.type == "peer") return show_peer(options, context, chain);
  if (options.type == "contact") return show_contact(options, context, store);
  if (options.type == "identity") return show_identity(options, context, store);
  if (const auto hash = fixed_from_hex<BlockHash>(options.ref)) {
    BMSG_TRY_ASSIGN(const auto block, chain.header(*hash));
    if (block) return show_block(options, context, chain);
  } else if (names_block(options.ref)) {
    return show_block(options, context, chain);
  }
  if (could_be_message(options.ref)) return show_message(options, context, store, chain);
  if (options.ref.find(':') != std::string::npos) return show_peer(options, context, chain);
  return show_person(options, context, store);
}

Result<ExitCode> run(const Options& given, Context& context) {
  BMSG_TRY_ASSIGN(const auto store, context.store());
  BMSG_TRY_ASSIGN(const auto chain, open_chain(context, store));
  Options options = given;
  BMSG_TRY_ASSIGN(options.ref, listed_ref(context, store, given.ref));
  return show(options, context, store, *chain);
}

}  // namespace

void add_show(Command app, Context& context) {
  const auto options = std::make_shared<Options>();
  Command show = add_command(app, context, "show",
                             "Print one block, message, peer, contact or identity", options, run);
  show.add_option("ref", options->ref, "What").required().type_name("REF|NAME");
  show.add_option("--type", options->type, "block, message, peer, contact or identity")
      .one_of({"block", "message", "peer", "contact", "identity"})
      .type_name("TYPE");
}

}  // namespace bmsg::cli
