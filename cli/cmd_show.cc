// bmsg show: any object, whatever its kind.

#include <fmt/format.h>

#include "cli/block_view.h"
#include "cli/command.h"
#include "cli/contact_view.h"
#include "cli/keyring_file.h"
#include "cli/mailroom.h"
#include "cli/message_view.h"
#include "cli/refs.h"
#include "cli/session.h"
#include "cli/text.h"
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

/// Mine: with its text. Of others: what a stranger may know.
Result<ExitCode> show_message(const Options& options, Context& context, const StoreDir& store,
                              const node::ChainReader& chain) {
  const storage::OpenOptions open{.disk = context.disk};
  BMSG_TRY_ASSIGN(const auto index, storage::RocksMailStore::open_read_only(store.mail(), open));
  BMSG_TRY_ASSIGN(const auto id, find_message(chain, index.get(), options.ref));
  BMSG_TRY_ASSIGN(const auto entry, index->entry(id));
  if (entry) {
    BMSG_TRY_ASSIGN(const auto room, Mailroom::open(context, store));
    BMSG_TRY_ASSIGN(const auto text, room->box().read(id));
    if (text) {
      context.out.raw(context.options.json ? api::message_json(message_view(*room, *text)) + "\n"
                                           : message_text(*room, *text));
      return ExitCode::ok;
    }
  }
  BMSG_TRY_ASSIGN(const auto message, find_object(chain, id));
  if (!message) return Error{Errc::not_found, fmt::format("no message '{}' here", options.ref)};
  const auto view = object_view(id, *message);
  context.out.raw(context.options.json ? api::object_json(view) + "\n" : object_text(view));
  return ExitCode::ok;
}

Result<ExitCode> show_peer(const Options& options, Context& context,
                           const node::ChainReader& chain) {
  BMSG_TRY_ASSIGN(const auto peers, chain.peers());
  for (const node::Peer& peer : peers) {
    if (peer.url != options.ref) continue;
    context.out.line(api::peer_json(peer, context.clock.now()));
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

bool could_be_message(const std::string& ref) {
  return ref.starts_with('@') ||
         (ref.size() >= 8 && ref.find_first_not_of("0123456789abcdef") == std::string::npos);
}

Result<ExitCode> run(const Options& options, Context& context) {
  BMSG_TRY_ASSIGN(const auto store, context.store());
  BMSG_TRY_ASSIGN(const auto chain, open_chain(context, store));
  if (options.type == "block") return show_block(options, context, *chain);
  if (options.type == "message") return show_message(options, context, store, *chain);
  if (options.type == "peer") return show_peer(options, context, *chain);
  if (options.type == "contact") return show_contact(options, context, store);
  if (const auto hash = fixed_from_hex<BlockHash>(options.ref)) {
    BMSG_TRY_ASSIGN(const auto block, chain->header(*hash));
    if (block) return show_block(options, context, *chain);
  } else if (names_block(options.ref)) {
    return show_block(options, context, *chain);
  }
  if (could_be_message(options.ref)) return show_message(options, context, store, *chain);
  if (options.ref.find(':') != std::string::npos) return show_peer(options, context, *chain);
  return show_contact(options, context, store);
}

}  // namespace

void add_show(CLI::App& app, Context& context) {
  const auto options = std::make_shared<Options>();
  CLI::App* show =
      add_command(app, context, "show", "Print one block, message, peer or contact", options, run);
  show->add_option("ref", options->ref, "What")->required()->type_name("REF|NAME");
  show->add_option("--type", options->type, "block, message, peer or contact")
      ->check(CLI::IsMember({"block", "message", "peer", "contact"}))
      ->type_name("TYPE");
}

}  // namespace bmsg::cli
