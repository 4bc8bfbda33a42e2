// bmsg endorsers: who signs, who is late, who signed twice; the key of this store.

#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "cli/command.h"
#include "cli/endorser_key.h"
#include "cli/keyring_file.h"
#include "cli/plumbing.h"
#include "cli/session.h"
#include "cli/store_facts.h"
#include "cli/times.h"
#include "lib/api/endorser_json.h"
#include "lib/core/hex.h"
#include "lib/core/try.h"
#include "lib/mail/card_directory.h"
#include "lib/mail/outbox.h"
#include "lib/mail/posted_evidence.h"
#include "lib/mail/send.h"
#include "lib/node/endorser_log.h"
#include "lib/node/endorser_standing.h"

namespace bmsg::cli {
namespace {

struct Options {
  bool make_new = false;
  bool post = false;
  std::string file;
  std::string proof;
};

Result<chain::ChainRules> endorsed_rules(const Context& context, const StoreDir& store) {
  BMSG_TRY_ASSIGN(auto rules, read_rules(context, store));
  if (rules.rules.mode == chain::Mode::endorse) return rules;
  return Error{Errc::bad_usage, "blocks of this chain are mined: it has no endorsers"};
}

std::string line_of(const node::EndorserStanding& one, bool is_own, std::uint32_t looked_at) {
  std::string text =
      fmt::format("{} {} {}/{}", one.index, to_hex(one.key.view()), one.signed_blocks, looked_at);
  text += one.last ? fmt::format(" {} {}", one.last->value, to_rfc3339(*one.last_time)) : " - -";
  text += one.signed_twice ? " signed-twice" : one.late ? " late" : " present";
  return text + (is_own ? " own" : "");
}

Result<ExitCode> run_list(const Options&, Context& context) {
  if (context.outcome) return *context.outcome;  // A verb has run.
  BMSG_TRY_ASSIGN(const auto store, context.store());
  BMSG_TRY_ASSIGN(const auto rules, endorsed_rules(context, store));
  BMSG_TRY_ASSIGN(const auto chain, open_chain(context, store));
  const mail::CardDirectory cards(context.disk, store.cards(), rules.id);
  BMSG_TRY_ASSIGN(const auto posted, cards.evidence().all());
  BMSG_TRY_ASSIGN(const auto all, node::standings(*chain, rules, context.clock.now(), posted));
  BMSG_TRY_ASSIGN(const auto seed, read_endorser_seed(context, store));
  for (const node::EndorserStanding& one : all.endorsers) {
    const bool is_own = seed && endorser_key_of(*seed) == one.key;
    context.out.line(context.options.json ? api::endorser_json(one, is_own, all.looked_at)
                                          : line_of(one, is_own, all.looked_at));
  }
  return ExitCode::ok;
}

void print_key(Context& context, const EndorserKey& key) {
  context.out.line(context.options.json ? api::endorser_key_json(key) : to_hex(key.view()));
}

Result<ExitCode> run_key(const Options& options, Context& context) {
  if (!options.file.empty()) {
    if (!options.make_new)
      return Error{Errc::bad_usage, "a key is written to a file with --new alone"};
    BMSG_TRY_ASSIGN(const auto key, make_endorser_key(context, options.file));
    print_key(context, key);
    return ExitCode::ok;
  }
  BMSG_TRY_ASSIGN(const auto store, context.store());
  if (options.make_new) {
    BMSG_TRY_ASSIGN(const auto key, make_endorser_key(context, store.endorser_key()));
    BMSG_TRY(node::EndorserLog::begin(context.disk, store.endorser_log(), key));
    print_key(context, key);
    return ExitCode::ok;
  }
  BMSG_TRY_ASSIGN(const auto seed, read_endorser_seed(context, store));
  if (!seed)
    return Error{Errc::not_found, "this store has no endorser key",
                 "'bmsg endorsers key --new' makes one"};
  print_key(context, endorser_key_of(*seed));
  return ExitCode::ok;
}

/// What is not on its way already; the ids are printed.
Result<Done> post(Context& context, const StoreDir& store, const mail::CardDirectory& cards,
                  const std::vector<chain::Evidence>& all) {
  BMSG_TRY_ASSIGN(const auto rules, rules_now(context, store));
  BMSG_TRY_ASSIGN(const auto posted, cards.evidence().all());
  BMSG_TRY_ASSIGN(const auto keyring, unlock_keyring(context, store));
  BMSG_TRY_ASSIGN(const auto* const signer, chosen_identity(context, store, keyring.keyring));
  mail::Outbox outbox(context.disk, store.outbox());
  for (const chain::Evidence& one : all) {
    if (std::ranges::find(posted, one) != posted.end()) {
      context.out.note("one piece was posted before");
      continue;
    }
    mail::Letter letter;
    letter.content = mail::evidence_content(one);
    letter.audience = mail::Audience::open;
    letter.ttl = rules.rules.maxttl;
    const auto sending = sending_with(context, rules, cards, outbox, &keyring.keyring, signer);
    BMSG_TRY_ASSIGN(const auto sent, mail::send(letter, sending, std::stop_token()));
    BMSG_TRY(cards.evidence().note(one));
    BMSG_TRY_ASSIGN(const auto key, chain::check_evidence(one));
    for (const mail::Sent& message : sent)
      context.out.line(context.options.json ? api::evidence_json(one, key, {}, message.id)
                                            : to_hex(message.id.view()));
  }
  poke_node(store);
  return done;
}

Result<ExitCode> run_evidence(const Options& options, Context& context) {
  if (context.outcome) return *context.outcome;
  BMSG_TRY_ASSIGN(const auto store, context.store());
  BMSG_TRY_ASSIGN(const auto rules, endorsed_rules(context, store));
  BMSG_TRY_ASSIGN(const auto chain, open_chain(context, store));
  const mail::CardDirectory cards(context.disk, store.cards(), rules.id);
  BMSG_TRY_ASSIGN(const auto all, mail::all_evidence(*chain, cards.evidence()));
  if (all.empty()) {
    context.out.note("nobody was seen to sign twice");
    return ExitCode::no;
  }
  if (options.post) {
    if (!options.file.empty()) return Error{Errc::bad_usage, "--post takes no file"};
    BMSG_TRY(post(context, store, cards, all));
    return ExitCode::ok;
  }
  const bool has_file = !options.file.empty() && options.file != "-";
  std::string text;
  for (const chain::Evidence& one : all) {
    text += chain::print(one);
    if (has_file || !context.options.json) continue;
    BMSG_TRY_ASSIGN(const auto key, chain::check_evidence(one));
    context.out.line(api::evidence_json(one, key, chain::print(one)));
  }
  if (!has_file) {
    if (!context.options.json) context.out.raw(text);
    return ExitCode::ok;
  }
  BMSG_TRY(context.disk.create(options.file, as_bytes(text)));
  return ExitCode::ok;
}

/// The texts of a file, one after the other.
std::vector<std::string_view> split(std::string_view text) {
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    const std::size_t next = text.find("\nbmsg-evidence ", 1);
    const std::size_t end = next == std::string_view::npos ? text.size() : next + 1;
    parts.push_back(text.substr(0, end));
    text.remove_prefix(end);
  }
  return parts;
}

Result<ExitCode> run_verify(const Options& options, Context& context) {
  constexpr std::size_t kFileBytesMax = kEndorsersMax * chain::kEvidenceBytesMax;
  BMSG_TRY_ASSIGN(const auto bytes, options.proof == "-" ? read_input(kFileBytesMax)
                                                         : read_object(context, options.proof));
  const auto parts = split(as_text(bytes));
  if (parts.empty()) return Error{Errc::bad_input, "there is no evidence in it"};
  for (const std::string_view part : parts) {
    BMSG_TRY_ASSIGN(const auto evidence, chain::parse_evidence(part));
    BMSG_TRY_ASSIGN(const auto key, chain::check_evidence(evidence));
    context.out.line(context.options.json
                         ? api::evidence_json(evidence, key, {})
                         : fmt::format("{} signed two blocks of height {}", to_hex(key.view()),
                                       evidence.first.height.value));
  }
  return ExitCode::ok;
}

}  // namespace

void add_endorsers(Command app, Context& context) {
  const auto options = std::make_shared<Options>();
  Command endorsers =
      add_command(app, context, "endorsers", "Show who endorses, who is late, who signed twice",
                  options, run_list);
  endorsers.allow_verb();
  const auto add = [&](Command under, const char* name, const char* says, auto work) {
    return add_command(under, context, name, says, options, work);
  };
  add(endorsers, "list", "The same", run_list);
  Command key = add(endorsers, "key", "Show the key of this store, or make it", run_key);
  key.add_flag("--new", options->make_new, "Make a key");
  key.add_option("file", options->file, "With --new: where to, without a store").type_name("FILE");
  Command evidence = add(endorsers, "evidence", "Print proof of who signed twice", run_evidence);
  evidence.allow_verb();
  evidence.add_flag("--post", options->post, "Send it to all, in public");
  evidence.add_option("file", options->file, "Where to").type_name("FILE");
  add(evidence, "verify", "Check such proof, without a store", run_verify)
      .add_option("proof", options->proof, "A file, or - for input")
      .required()
      .type_name("FILE");
}

}  // namespace bmsg::cli
