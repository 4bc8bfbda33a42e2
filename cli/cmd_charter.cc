// bmsg charter: endorsers change the rules of their chain. Drafted, signed by enough, submitted.

#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "cli/charter_change.h"
#include "cli/charter_view.h"
#include "cli/command.h"
#include "cli/endorser_key.h"
#include "cli/keyring_file.h"
#include "cli/plumbing.h"
#include "cli/session.h"
#include "cli/signed_charters.h"
#include "cli/times.h"
#include "lib/chain/block_hash.h"
#include "lib/chain/charter_draft.h"
#include "lib/core/hex.h"
#include "lib/core/try.h"
#include "lib/mail/stamp.h"
#include "lib/node/endorser.h"
#include "lib/node/rules_book.h"

namespace bmsg::cli {
namespace {

constexpr std::uint32_t kCharterSeconds = 30 * 86400;  // That one waits for a block, at most.

struct Options {
  CharterChange change;
  std::string file;
  std::string output;
  bool dry_run = false;
};

/// A store of a chain of endorsers, and the rules that a charter has to follow.
struct Ground {
  StoreDir store;
  std::unique_ptr<node::ChainReader> chain;
  chain::ChainRules in_force;
};

Result<Ground> ground_of(Context& context) {
  BMSG_TRY_ASSIGN(auto store, context.store());
  BMSG_TRY_ASSIGN(const auto first, read_rules(context, store));
  if (first.rules.mode == chain::Mode::pow)
    return Error{Errc::bad_usage, "blocks of this chain are mined: its rules never change"};
  BMSG_TRY_ASSIGN(auto chain, open_chain(context, store));
  BMSG_TRY_ASSIGN(auto in_force, node::rules_at_tip(*chain));
  return Ground{std::move(store), std::move(chain), std::move(in_force)};
}

Result<chain::CharterDraft> read_draft(const Context& context, const std::string& file) {
  BMSG_TRY_ASSIGN(const auto bytes,
                  file == "-" ? read_input(chain::kDraftBytesMax) : read_object(context, file));
  if (bytes.size() > chain::kDraftBytesMax)
    return Error{Errc::bad_input, fmt::format("'{}' is longer than any charter", file)};
  return chain::parse_charter_draft(as_text(bytes));
}

/// What a draft says, on standard output, or as remarks where that is taken.
void show(Context& context, const api::CharterView& view, bool is_output_taken) {
  if (context.options.json) return context.out.line(api::charter_json(view));
  for (const std::string& line : draft_lines(view))
    is_output_taken ? context.out.note(line) : context.out.line(line);
}

Result<ExitCode> run_draft(const Options& options, Context& context) {
  BMSG_TRY_ASSIGN(const auto ground, ground_of(context));
  BMSG_TRY_ASSIGN(const auto next, next_rules(ground.in_force.rules, options.change));
  const chain::CharterDraft draft = chain::draft_of(ground.in_force, next);
  const std::string text = chain::print(draft);
  if (!options.output.empty()) {
    BMSG_TRY(context.disk.create(options.output, as_bytes(text)));
  } else if (!context.options.json) {
    context.out.raw(text);
  }
  warn_of_size(context, next);
  show(context, view_of(draft, ground.in_force), options.output.empty());
  return ExitCode::ok;
}

/// Which of the endorsers in force this store is, and its key.
struct Signer {
  crypto::SecretBytes seed;
  std::uint8_t index = 0;
};

Result<Signer> signer_of(const Context& context, const Ground& ground) {
  BMSG_TRY_ASSIGN(auto seed, read_endorser_seed(context, ground.store));
  if (!seed)
    return Error{Errc::denied, "this store has no endorser key",
                 "'bmsg endorsers key --new' makes one"};
  const auto index = node::endorser_index(ground.in_force.rules, endorser_key_of(*seed));
  if (!index)
    return Error{Errc::denied, "the key of this store is not among the endorsers of the chain",
                 "'bmsg endorsers' lists them"};
  return Signer{std::move(*seed), *index};
}

/// Adds our signature once it is remembered that we gave it. False: it was there.
Result<bool> add_signature(Context& context, const Ground& ground, chain::CharterDraft& draft) {
  BMSG_TRY_ASSIGN(const auto signer, signer_of(context, ground));
  BMSG_TRY_ASSIGN(const auto patience, context.lock_patience(&ground.store));
  BMSG_TRY_ASSIGN(const auto lock, FileLock::take(ground.store.mail_lock(), context.command,
                                                  patience, context.clock));
  BMSG_TRY_ASSIGN(auto charters, SignedCharters::read(context.disk, ground.store));
  if (const auto rival = charters.rival(draft))
    context.out.warn(
        fmt::format("another charter after the same rules was signed here {}: "
                    "whichever comes into a block first holds",
                    to_rfc3339(rival->when)));
  if (chain::has_vote(draft, signer.index)) {
    context.out.warn("this key has signed it already");
    return false;
  }
  if (const auto same = charters.same(draft))
    context.out.warn(fmt::format("this charter was signed here {}, too", to_rfc3339(same->when)));
  BMSG_TRY(charters.add(draft, context.clock.now()));
  chain::sign(draft, ground.in_force, signer.index, signer.seed);
  return true;
}

Result<ExitCode> run_sign(const Options& options, Context& context) {
  if (options.file == "-" && options.output.empty() && !options.dry_run)
    return Error{Errc::bad_usage, "a charter from standard input is signed into a file: -o FILE"};
  BMSG_TRY_ASSIGN(auto draft, read_draft(context, options.file));
  BMSG_TRY_ASSIGN(const auto ground, ground_of(context));
  BMSG_TRY_ASSIGN(const auto next, chain::check_draft(draft, ground.in_force));
  if (view_of(draft, ground.in_force).changes.empty())
    return Error{Errc::bad_input, "charter: it changes nothing",
                 "edit the rules in it, or say to 'bmsg charter draft' what is to change"};
  warn_of_size(context, next.rules);
  if (!options.dry_run) {
    BMSG_TRY_ASSIGN(const bool is_new, add_signature(context, ground, draft));
    const std::string text = chain::print(draft);
    if (!options.output.empty()) {
      BMSG_TRY(context.disk.create(options.output, as_bytes(text)));
    } else if (is_new) {
      BMSG_TRY(context.disk.replace(whole_path(options.file), as_bytes(text)));
    }
  }
  show(context, view_of(draft, ground.in_force), false);
  return ExitCode::ok;
}

/// What of the pool would change the same rules.
struct Waiting {
  std::optional<MessageId> same;
  std::optional<MessageId> rival;
};

Result<Waiting> look_in_pool(const Ground& ground, const chain::CharterDraft& draft) {
  Waiting found;
  BMSG_TRY_ASSIGN(const auto pool, ground.chain->pool(0));
  for (const node::PooledMessage& one : pool) {
    if (one.message.head.suite != Suite::charter || !one.message.body) continue;
    const std::size_t needed = ground.in_force.rules.endorse;
    if (chain::find_charter_violation(*one.message.body, ground.in_force, needed)) continue;
    BMSG_TRY_ASSIGN(const auto charter, chain::decode_charter(*one.message.body));
    (charter.rules_text == draft.charter.rules_text ? found.same : found.rival) = one.id;
  }
  return found;
}

Result<Message> message_for(const Context& context, const chain::ChainRules& rules,
                            const chain::Charter& charter) {
  Message message;
  message.body = chain::encode(charter);
  message.head.suite = Suite::charter;
  message.head.chain = prefix_of<ChainTag>(rules.id);
  message.head.time = static_cast<std::uint32_t>(context.clock.now().value / 60 * 60);
  message.head.ttl = std::min(kCharterSeconds, rules.rules.maxttl);
  message.head.body_bytes = static_cast<std::uint32_t>(message.body->size());
  message.head.body_hash = chain::body_hash_of(*message.body);
  const auto nonce = mail::find_stamp(message.head, rules, threads_for(0), std::stop_token());
  if (!nonce) return Error{Errc::try_again, "the stamp was not found"};
  message.nonce = *nonce;
  return message;
}

/// Hands it to the node, which judges it by the rules of that moment.
Result<MessageId> post(Context& context, const Ground& ground, const chain::Charter& charter) {
  BMSG_TRY_ASSIGN(const auto message, message_for(context, ground.in_force, charter));
  BMSG_TRY_ASSIGN(const auto session, open_node(context, ground.store));
  BMSG_TRY_ASSIGN(const auto outcomes,
                  session->service().submit_messages({message}, node::Origin::own));
  const node::MessageOutcome& outcome = outcomes.front();
  if (outcome.verdict == node::Verdict::accepted || outcome.verdict == node::Verdict::known)
    return outcome.id;
  const bool is_full = outcome.room != node::Room::enough;
  const auto& violation = outcome.violation;
  return Error{
      is_full || outcome.verdict == node::Verdict::held ? Errc::try_again : Errc::bad_input,
      violation ? fmt::format("the charter breaks the rule '{}': {}",
                              chain::name_of(violation->rule), violation->detail)
                : std::string("the node takes no charter now")};
}

Result<ExitCode> run_submit(const Options& options, Context& context) {
  BMSG_TRY_ASSIGN(const auto draft, read_draft(context, options.file));
  BMSG_TRY_ASSIGN(const auto ground, ground_of(context));
  BMSG_TRY(chain::check_draft(draft, ground.in_force));
  const std::size_t votes = draft.charter.votes.size();
  if (votes < ground.in_force.rules.endorse)
    return Error{
        Errc::bad_input,
        fmt::format("charter: {} of {} signatures: too few", votes, ground.in_force.rules.endorse),
        "other endorsers add theirs by 'bmsg charter sign FILE'"};
  BMSG_TRY_ASSIGN(const auto waiting, look_in_pool(ground, draft));
  if (waiting.rival)
    context.out.warn(
        fmt::format("another charter after the same rules waits, message {}: whichever comes into "
                    "a block first holds",
                    to_hex(waiting.rival->view())));
  auto view = view_of(draft, ground.in_force);
  view.message = waiting.same;
  if (waiting.same) {
    context.out.note("it waits for a block already");
  } else {
    BMSG_TRY_ASSIGN(view.message, post(context, ground, draft.charter));
  }
  context.out.line(context.options.json ? api::charter_json(view) : to_hex(view.message->view()));
  return ExitCode::ok;
}

/// Charters that wait, as they would change the rules in force.
Result<std::vector<api::CharterView>> waiting_charters(const Ground& ground) {
  std::vector<api::CharterView> views;
  BMSG_TRY_ASSIGN(const auto pool, ground.chain->pool(0));
  for (const node::PooledMessage& one : pool) {
    if (one.message.head.suite != Suite::charter || !one.message.body) continue;
    const std::size_t needed = ground.in_force.rules.endorse;
    if (chain::find_charter_violation(*one.message.body, ground.in_force, needed)) continue;
    BMSG_TRY_ASSIGN(auto charter, chain::decode_charter(*one.message.body));
    chain::CharterDraft draft{ground.in_force.id, {}, std::move(charter)};
    views.push_back(view_of(draft, ground.in_force));
    views.back().text.reset();
    views.back().message = one.id;
  }
  return views;
}

Result<ExitCode> run_log(const Options&, Context& context) {
  BMSG_TRY_ASSIGN(const auto ground, ground_of(context));
  BMSG_TRY_ASSIGN(const auto versions, node::charted_rules(*ground.chain));
  std::vector<api::CharterView> views;
  for (std::size_t i = 0; i < versions.size(); ++i)
    views.push_back(view_of(versions[i], i == 0 ? nullptr : &versions[i - 1].rules.rules));
  BMSG_TRY_ASSIGN(auto waiting, waiting_charters(ground));
  std::ranges::move(waiting, std::back_inserter(views));
  for (const api::CharterView& view : views) {
    if (context.options.json) {
      context.out.line(api::charter_json(view));
    } else {
      for (const std::string& line : log_lines(view)) context.out.line(line);
    }
  }
  return ExitCode::ok;
}

}  // namespace

void add_charter(Command app, Context& context) {
  const auto options = std::make_shared<Options>();
  Command charter = app.add_verb("charter", "Change the rules of a private chain");
  charter.require_verb();
  const auto add = [&](const char* name, const char* says, auto run) {
    return add_command(charter, context, name, says, options, run);
  };
  Command draft = add("draft", "Write down rules that are to follow", run_draft);
  draft.add_option("-o", options->output, "Where to, instead of standard output").type_name("FILE");
  add_change_options(draft, options->change);
  Command sign = add("sign", "Say what changes, and sign it", run_sign);
  sign.add_option("file", options->file, "A draft, or - for input").required().type_name("FILE");
  sign.add_option("-o", options->output, "Where to, instead of the same file").type_name("FILE");
  sign.add_flag("-n,--dry-run", options->dry_run, "Only say what changes and who has signed");
  add("submit", "Post a charter that enough have signed", run_submit)
      .add_option("file", options->file, "A draft, or - for input")
      .required()
      .type_name("FILE");
  add("log", "List the versions of the rules", run_log);
}

}  // namespace bmsg::cli
