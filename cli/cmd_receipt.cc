// bmsg receipt: proof that a message stood in a block, for whoever has neither store nor key.

#include <fmt/format.h>

#include "cli/command.h"
#include "cli/mailroom.h"
#include "cli/message_view.h"
#include "cli/plumbing.h"
#include "cli/proof_check.h"
#include "cli/refs.h"
#include "cli/session.h"
#include "cli/text.h"
#include "cli/times.h"
#include "lib/api/proof_json.h"
#include "lib/chain/block_hash.h"
#include "lib/core/address.h"
#include "lib/core/hex.h"
#include "lib/core/try.h"
#include "lib/mail/open.h"
#include "lib/node/proofs.h"

namespace bmsg::cli {
namespace {

struct Options {
  std::string ref;
  std::string anchor;
  bool open = false;
  std::string file;
  std::string checkpoint;
};

api::ReceiptView view_of(const chain::Receipt& receipt, const chain::Receipted& proven) {
  const Header& header = receipt.sealed.header;
  api::ReceiptView view{.chain = receipt.chain,
                        .id = proven.id,
                        .time = header.time,
                        .block = {proven.block, header.height},
                        .index = receipt.index,
                        .anchor = {},
                        .opened = {},
                        .branch = {},
                        .confirmations = 0,
                        .signers = {},
                        .text = {}};
  if (proven.anchor) view.anchor = {*proven.anchor, receipt.anchor->height};
  return view;
}

Result<node::MessagePlace> place_of(const node::ChainReader& chain, const MessageId& id) {
  BMSG_TRY_ASSIGN(const auto places, chain.places_of(id));
  for (const node::MessagePlace& place : places)
    if (place.branch == node::Branch::main) return place;
  return Error{
      Errc::not_found, fmt::format("message {} stands in no block yet", to_hex(id.view())),
      "'bmsg outbox' tells where it is; 'bmsg mine', or on a private chain 'bmsg endorse', "
      "makes a block"};
}

Result<std::optional<Height>> anchor_of(const Options& options, const node::ChainReader& chain,
                                        const node::MessagePlace& place) {
  if (options.anchor.empty()) return std::optional<Height>();
  BMSG_TRY_ASSIGN(const auto found, find_block(chain, options.anchor));
  const Height height = found.sealed.header.height;
  if (found.branch == node::Branch::main && height > place.height) return std::optional(height);
  return Error{Errc::bad_usage,
               fmt::format("'{}' is no block of the best chain above block {}, which holds the "
                           "message",
                           options.anchor, place.height.value)};
}

/// Adds what opens exactly this message: the body, and for a sealed one its content key.
Result<Done> add_content(Context& context, const StoreDir& store, const node::ChainReader& chain,
                         const node::MessagePlace& place, chain::Receipt& receipt) {
  const MessageId id = chain::id_of(receipt.head);
  if (receipt.head.suite == Suite::open) {
    BMSG_TRY_ASSIGN(auto message, chain.message_at(place));
    if (message) receipt.body = std::move(message->body);
  } else {
    BMSG_TRY_ASSIGN(const auto room, Mailroom::open(context, store));
    BMSG_TRY_ASSIGN(auto text, room->box().read(id));
    if (!text)
      return Error{Errc::denied, fmt::format("no key here opens message {}", to_hex(id.view())),
                   "only its sender and those it was sealed to can disclose it"};
    if (text->opened.content_key.size() == 0)
      return Error{Errc::denied, fmt::format("the content key of message {} is not here any more",
                                             to_hex(id.view()))};
    if (text->message) receipt.body = std::move(text->message->body);
    const ByteView key = text->opened.content_key.view();
    receipt.key = Bytes(key.begin(), key.end());
  }
  if (receipt.body) return done;
  return Error{Errc::not_found,
               fmt::format("the body of message {} is not here any more", to_hex(id.view())),
               "without --open the receipt can be made"};
}

Result<ExitCode> run_make(const Options& options, Context& context) {
  if (options.ref.empty())
    return Error{Errc::bad_usage, "a message is missing", "'bmsg receipt ID > FILE'"};
  BMSG_TRY_ASSIGN(const auto store, context.store());
  BMSG_TRY_ASSIGN(const auto rules, read_rules(context, store));
  BMSG_TRY_ASSIGN(auto reading, open_reading(context));
  BMSG_TRY_ASSIGN(const auto id, reading.find(context, options.ref));
  const node::ChainReader& chain = *reading.chain;
  BMSG_TRY_ASSIGN(const auto place, place_of(chain, id));
  BMSG_TRY_ASSIGN(const auto anchor, anchor_of(options, chain, place));
  BMSG_TRY_ASSIGN(auto receipt, node::make_receipt(chain, rules.id, place, anchor));
  if (options.open) BMSG_TRY(add_content(context, store, chain, place, receipt));
  // Whatever is wrong with this store must show here, not years later at an auditor's.
  BMSG_TRY_ASSIGN(const auto proven, chain::check_receipt(receipt));
  const std::string text = chain::print(receipt);
  if (!context.options.json) {
    context.out.raw(text);
    return ExitCode::ok;
  }
  auto view = view_of(receipt, proven);
  view.text = text;
  context.out.line(api::receipt_json(view));
  return ExitCode::ok;
}

Result<std::optional<mail::Opened>> open_content(const chain::Receipt& receipt) {
  if (!receipt.body) return std::optional<mail::Opened>();
  const Message message{receipt.head, receipt.nonce, receipt.body};
  const bool is_sealed = receipt.head.suite != Suite::open;
  if (!is_sealed && receipt.key)
    return Error{Errc::bad_input, "receipt, line 'key': the message is public"};
  if (is_sealed && !receipt.key) return std::optional<mail::Opened>();
  auto opened = is_sealed ? mail::open_with_content_key(message, receipt.chain,
                                                        crypto::SecretBytes::from(*receipt.key))
                          : mail::open_public(message, receipt.chain);
  const bool is_key_wrong = opened.fault == mail::Fault::commitment ||
                            opened.fault == mail::Fault::tag || opened.fault == mail::Fault::suite;
  if (is_sealed && is_key_wrong)
    return Error{Errc::bad_input, "receipt, line 'key': it does not open the message"};
  return std::optional(std::move(opened));
}

std::string text_of(const mail::Opened& opened) {
  if (opened.fault)
    return fmt::format("the message is malformed: {}\n", mail::name_of(*opened.fault));
  const auto sender = mail::signer_of(opened);
  const std::string pair = pair_text(opened.content.sender);
  const bool is_bad = opened.signature == mail::SignatureState::bad;
  const std::string other = is_bad ? "(bad signature)" : pair.empty() ? "(anonymous)" : pair;
  std::string text = fmt::format("from    {}\n", sender ? to_address(*sender) : other);
  text += fmt::format("signed  {}\n", mail::name_of(opened.signature));
  if (!opened.content.subject.empty())
    text += fmt::format("subject {}\n", shown_line(opened.content.subject));
  return text + "\n" + indented(as_text(opened.content.content));
}

/// The store to compare with, if there is one of this chain. One that is named must be it.
Result<std::optional<Standing>> ask_store(Context& context, const chain::Receipt& receipt) {
  const auto store = context.any_store();
  if (!store) {
    if (context.options.store.empty()) return std::optional<Standing>();
    return store.error();
  }
  BMSG_TRY_ASSIGN(const auto rules, read_rules(context, store.value()));
  const bool is_same = prefix_of<ChainTag>(rules.id) == prefix_of<ChainTag>(receipt.chain);
  if (!is_same && context.options.store.empty()) return std::optional<Standing>();
  BMSG_TRY_ASSIGN(const auto chain, open_chain(context, store.value()));
  BMSG_TRY_ASSIGN(const auto standing, standing_in(*chain, rules, receipt));
  return std::optional(standing);
}

std::string text_of(const api::ReceiptView& view) {
  std::string text =
      fmt::format("OK message {}, block {}, {}\n", to_hex(view.id.view()),
                  block_name(view.block.height, view.block.hash), to_rfc3339(view.time));
  if (view.anchor)
    text += fmt::format("anchor  {}\n", block_name(view.anchor->height, view.anchor->hash));
  for (const IdentityKey& signer : view.signers)
    text += fmt::format("checkpoint signed by {}\n", to_address(signer));
  if (view.branch)
    text += *view.branch == "main"
                ? fmt::format("chain   on the best chain here, {} deep\n", view.confirmations)
                : std::string(
                      "chain   this store has no such block yet; 'bmsg sync' may bring "
                      "it\n");
  return text;
}

Result<ExitCode> run_verify(const Options& options, Context& context) {
  BMSG_TRY_ASSIGN(const auto receipt, read_receipt(context, options.file));
  BMSG_TRY_ASSIGN(const auto proven, chain::check_receipt(receipt));
  BMSG_TRY_ASSIGN(const auto opened, open_content(receipt));
  auto view = view_of(receipt, proven);
  if (!options.checkpoint.empty()) {
    BMSG_TRY_ASSIGN(auto given, read_note(context, options.checkpoint));
    BMSG_TRY(check_reach(receipt, given.note));
    view.signers = std::move(given.signers);
  }
  BMSG_TRY_ASSIGN(const auto standing, ask_store(context, receipt));
  if (standing) {
    view.branch = standing->is_known ? "main" : "unknown";
    view.confirmations = standing->confirmations;
  }
  if (!context.options.json) {
    context.out.raw(text_of(view) + (opened ? text_of(*opened) : std::string()));
    return ExitCode::ok;
  }
  if (opened && !opened->fault) {
    const mail::Content& content = opened->content;
    view.opened = {mail::signer_of(*opened), std::string(mail::name_of(opened->signature)),
                   content.subject, content.media_type, content.content};
  }
  context.out.line(api::receipt_json(view));
  return ExitCode::ok;
}

}  // namespace

void add_receipt(Command app, Context& context) {
  const auto options = std::make_shared<Options>();
  Command receipt =
      add_command(app, context, "receipt", "Prove that a message stood in a block, by a file",
                  options, [](const Options& given, Context& within) -> Result<ExitCode> {
                    if (within.outcome) return *within.outcome;  // A verb has run.
                    return run_make(given, within);
                  });
  receipt.allow_verb();
  receipt.add_option("ref", options->ref, "The message").type_name("REF");
  receipt.add_option("--anchor", options->anchor, "Lead on to a later block, or to 'tip'")
      .type_name("BLOCK");
  receipt.add_flag("--open", options->open, "Disclose the text of this one message");
  Command verify =
      add_command(receipt, context, "verify", "Check a receipt, without store, network or key",
                  options, run_verify);
  verify.add_option("file", options->file, "What receipt wrote, or - for input")
      .required()
      .type_name("FILE");
  verify.add_option("--checkpoint", options->checkpoint, "A note that the anchor must agree with")
      .type_name("FILE");
}

}  // namespace bmsg::cli
