// bmsg verify: check the stored chain against the rules, not against itself.

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <utility>

#include "cli/against.h"
#include "cli/command.h"
#include "cli/keyring_file.h"
#include "cli/own_files.h"
#include "cli/progress.h"
#include "cli/refs.h"
#include "cli/session.h"
#include "cli/text.h"
#include "cli/times.h"
#include "lib/api/json_objects.h"
#include "lib/chain/work.h"
#include "lib/core/hex.h"
#include "lib/core/try.h"
#include "lib/mail/mail_keys.h"
#include "lib/mail/mailbox.h"
#include "lib/mail/outbox.h"
#include "lib/mail/revocation_marks.h"
#include "lib/node/forget.h"
#include "lib/node/verifier.h"
#include "storage/rocks_mail_store.h"
#include "storage/rocks_store.h"

namespace bmsg::cli {
namespace {

struct Options {
  bool quick = false;
  bool full = false;
  bool signatures = false;
  bool explain = false;
  std::string subset;  // "N/T" or "P%"
  std::uint32_t from = 0;
  std::vector<std::string> against;
};

/// Damage outside the chain's records: a file that does not decode, a checksum that does not hold.
Result<Done> note_damage(node::VerifyReport& report, const char* kind,
                         const Result<Done>& checked) {
  if (checked) return done;
  if (checked.error().code != Errc::corrupt) return checked.error();
  report.faults.push_back({kind, report.tip.height, report.tip.hash, checked.error().message});
  return done;
}

Result<Done> check_outbox(Context& context, const StoreDir& store) {
  const mail::Outbox outbox(context.disk, store.outbox());
  BMSG_TRY_ASSIGN(const auto entries, outbox.entries());
  for (const mail::OutboxEntry& entry : entries) BMSG_TRY(outbox.read(entry));
  return done;
}

Result<Done> check_mail(Context& context, const StoreDir& store) {
  const storage::OpenOptions options{.disk = context.disk};
  BMSG_TRY_ASSIGN(const auto mail, storage::RocksMailStore::open_read_only(store.mail(), options));
  BMSG_TRY_ASSIGN(const auto entries, mail->newest(std::nullopt, SIZE_MAX));
  BMSG_TRY_ASSIGN(const auto count, mail->count());
  if (entries.size() != count) {
    return Error{Errc::corrupt,
                 fmt::format("mail/ lists {} messages and counts {}", entries.size(), count)};
  }
  return mail->verify_checksums();
}

/// The keyring, if nobody has to be asked for it.
std::optional<OpenKeyring> keys_at_hand(const Context& context, const StoreDir& store) {
  Context quiet(context.clock, context.disk, context.entropy);
  quiet.options = context.options;
  quiet.options.no_input = true;
  auto open = unlock_keyring(quiet, store);
  return open ? std::optional(std::move(open).value()) : std::nullopt;
}

/// What --signatures is about cannot be done without the keys; elsewhere nobody is asked for them.
Result<std::optional<OpenKeyring>> keys_for(const Options& options, Context& context,
                                            const StoreDir& store) {
  if (!options.signatures) return keys_at_hand(context, store);
  BMSG_TRY_ASSIGN(auto open, unlock_keyring(context, store));
  return std::optional(std::move(open));
}

std::string counted(std::uint64_t count, const char* one, const char* many) {
  return fmt::format("{} {}", count, count == 1 ? one : many);
}

/// Opens every message of ours again and compares with what the index says of it.
Result<Done> check_own(const Options& options, Context& context, const StoreDir& store,
                       const chain::ChainRules& rules, const node::ChainReader& chain,
                       node::VerifyReport& report) {
  BMSG_TRY_ASSIGN(const auto open, keys_for(options, context, store));
  if (!open) {
    context.out.note("without the key the texts and signatures of own messages are not checked");
    return done;
  }
  const mail::MailKeys keys = mail::mail_keys(open->keyring, rules.id);
  const mail::Outbox outbox(context.disk, store.outbox());
  BMSG_TRY_ASSIGN(const auto index,
                  storage::RocksMailStore::open_read_only(store.mail(), {.disk = context.disk}));
  const mail::Mailbox box(chain, *index, keys, outbox);
  const mail::CardDirectory cards(context.disk, store.cards(), rules.id);
  mail::RevocationMarks marks(cards, chain);
  std::uint64_t after = 0;
  BMSG_TRY_ASSIGN(const auto entries, index->newest(std::nullopt, SIZE_MAX));
  for (const mail::MailEntry& entry : entries) {
    BMSG_TRY_ASSIGN(const auto text, box.read(entry.id));
    if (text) {
      BMSG_TRY_ASSIGN(const bool is_after, marks.is_after(text->item));
      after += is_after ? 1 : 0;
    }
    if (!text || text->opened.fault == mail::Fault::body) continue;  // Its body has gone.
    const mail::Summary& known = text->item.summary;
    const bool same = text->opened.fault == known.fault &&
                      (known.fault || text->opened.signature == known.signature);
    if (same) continue;
    report.faults.push_back(
        {"message", report.tip.height, report.tip.hash,
         fmt::format("message {} is not what the index says of it", to_hex(entry.id.view()))});
  }
  if (after > 0) {
    context.out.warn(
        fmt::format("{} stand after the revocation of their sender's key; 'bmsg inbox' marks them",
                    counted(after, "message", "messages")));
  }
  return done;
}

using Heights = std::function<bool(Height)>;

/// Which heights --read-data-subset reads: the N-th of every T, or P of a hundred by chance.
/// Errors: Errc::bad_usage.
Result<Heights> chosen_heights(const std::string& subset, Context& context) {
  std::uint32_t first = 0;
  std::uint32_t second = 0;
  const char* end = subset.data() + subset.size();
  const auto [at, failed] = std::from_chars(subset.data(), end, first);
  const bool is_part = failed == std::errc() && at != end && *at == '/' &&
                       std::from_chars(at + 1, end, second).ptr == end;
  if (is_part && first >= 1 && first <= second)
    return Heights([first, second](Height height) { return height.value % second == first - 1; });
  const bool is_share = failed == std::errc() && at + 1 == end && *at == '%';
  if (!is_share || first < 1 || first > 100) {
    return Error{Errc::bad_usage,
                 fmt::format("--read-data-subset '{}': N/T as in 1/7, or P% as in 10%", subset)};
  }
  std::array<std::uint8_t, 8> seed{};
  BMSG_TRY(context.entropy.fill(seed));
  std::uint64_t state = 0;
  for (const std::uint8_t byte : seed) state = state << 8 | byte;
  return Heights(
      [first, chance = std::mt19937_64(state)](Height) mutable { return chance() % 100 < first; });
}

/// What is beside the blocks: files, the private index, and unless only a part is read, each byte.
Result<Done> check_beside(const Options& options, Context& context, const StoreDir& store,
                          const chain::ChainRules& rules, const storage::RocksStore& chain,
                          node::VerifyReport& report) {
  if (options.subset.empty()) BMSG_TRY(note_damage(report, "database", chain.verify_checksums()));
  BMSG_TRY(note_damage(report, "outbox", check_outbox(context, store)));
  BMSG_TRY(note_damage(report, "mail", check_mail(context, store)));
  if (!options.subset.empty()) return done;
  BMSG_TRY_ASSIGN(const auto damaged, damaged_own_files(context, store, rules));
  for (const OwnFault& one : damaged)
    report.faults.push_back({one.kind, report.tip.height, report.tip.hash, one.detail});
  return done;
}

/// What was found, and the chain that was looked at.
struct Checked {
  std::unique_ptr<storage::RocksStore> chain;
  node::VerifyReport report;
};

Result<Checked> check_store(const Options& options, Context& context, const StoreDir& store) {
  BMSG_TRY_ASSIGN(const auto rules, read_rules(context, store));
  BMSG_TRY_ASSIGN(auto chain, storage::RocksStore::open_read_only(store.chain(),
                                                                  chain_options(context, store)));
  node::VerifyWish wish;
  wish.depth = options.full ? node::Depth::full : node::Depth::quick;
  wish.from = Height{options.from};
  wish.now = context.clock.now();
  wish.stop = context.inner.stop;
  BMSG_TRY_ASSIGN(wish.in_order, in_order(context, *chain));
  if (!options.subset.empty()) {
    BMSG_TRY_ASSIGN(wish.reads, chosen_heights(options.subset, context));
  }
  std::optional<Progress> shown(std::in_place, context);
  wish.on_progress = [&](std::uint64_t blocks, std::uint64_t of) {
    shown->count_blocks("verify", blocks, of);
  };
  auto report = node::verify(*chain, rules, wish);
  shown.reset();
  if (!report) return report.error();
  if (report.value().stopped) return Error{Errc::try_again, "stopped before the end"};
  if (options.from > report.value().tip.height.value) {
    return Error{Errc::not_found, fmt::format("--from {}: the tip is at height {}", options.from,
                                              report.value().tip.height.value)};
  }
  if (options.full) BMSG_TRY(check_beside(options, context, store, rules, *chain, report.value()));
  if (options.full || options.signatures) {
    BMSG_TRY(note_damage(report.value(), "mail",
                         check_own(options, context, store, rules, *chain, report.value())));
  }
  return Checked{std::move(chain), std::move(report).value()};
}

/// Work as people can read it: six digits at most.
std::string short_work(const Work& work) {
  const std::string digits = chain::to_decimal(work);
  return digits.size() <= 6 ? digits
                            : fmt::format("{}.{}e{}", digits[0], digits[1], digits.size() - 1);
}

/// Blocks that somebody made: genesis is computed.
std::uint64_t made_blocks(const node::VerifyReport& report) {
  return report.blocks == 0 ? 0 : report.blocks - 1;
}

/// When and by which rule, and how many.
using Groups = std::map<std::pair<std::string, std::string>, std::uint64_t>;

/// What was forgotten on purpose.
Result<std::vector<node::DroppedBody>> read_forgotten(Checked& checked) {
  auto dropped = checked.chain->dropped();
  if (dropped) return dropped;
  BMSG_TRY(note_damage(checked.report, "forgotten", dropped.error()));
  return std::vector<node::DroppedBody>();
}

/// Each of them, or for a person who did not ask for so much, by day.
void print_forgotten(const Options& options, Context& context,
                     const std::vector<node::DroppedBody>& dropped) {
  Groups groups;
  for (const node::DroppedBody& one : dropped) {
    const auto rule = node::name_of(one.rule);
    if (context.options.json) {
      context.out.line(api::forgotten_json({one.id, rule, one.when, std::nullopt}));
    } else if (options.explain) {
      context.out.line(
          fmt::format("forgotten {} {} {}", to_rfc3339(one.when), rule, to_hex(one.id.view())));
    } else {
      ++groups[{to_rfc3339(one.when).substr(0, 10), std::string(rule)}];
    }
  }
  for (const auto& [group, count] : groups) {
    context.out.line(fmt::format("forgotten {} {}: {}", group.first, group.second,
                                 counted(count, "message", "messages")));
  }
}

void print_fault(Context& context, const char* word, const node::Fault& fault) {
  context.out.line(fmt::format("{} height {}: {}: {}", word, fault.height.value, fault.kind,
                               shown_line(fault.detail)));
}

void print(const Options& options, Context& context, const node::VerifyReport& report,
           double seconds) {
  if (report.faults.empty()) {
    context.out.line(fmt::format("OK {}, {}, tip {}, work {} ({})",
                                 counted(made_blocks(report), "block", "blocks"),
                                 counted(report.messages, "message", "messages"),
                                 block_name(report.tip.height, report.tip.hash),
                                 short_work(report.tip.work), to_span(seconds)));
    return;
  }
  print_fault(context, "BAD", report.faults.front());
  const std::size_t more = options.explain ? report.faults.size() : 1;
  for (std::size_t at = 1; at < more; ++at) print_fault(context, "and", report.faults[at]);
  context.out.line(counted(report.faults.size(), "fault in all", "faults in all"));
  if (!context.options.quiet)
    context.out.tell(
        "bmsg: hint: 'bmsg repair --from-peer URL' fetches anew what is damaged of the chain\n");
}

void print_json(Context& context, const node::VerifyReport& report, double seconds) {
  for (const node::Fault& fault : report.faults) {
    context.out.line(api::fault_json({fault.kind, fault.height, fault.hash, fault.detail}));
  }
  context.out.line(api::summary_json({.command = "verify",
                                      .ok = report.faults.empty(),
                                      .numbers = {{"blocks", double(made_blocks(report))},
                                                  {"messages", double(report.messages)},
                                                  {"dropped_bodies", double(report.dropped_bodies)},
                                                  {"faults", double(report.faults.size())},
                                                  {"height", double(report.tip.height.value)}},
                                      .texts = {{"tip", to_hex(report.tip.hash.view())},
                                                {"work", chain::to_decimal(report.tip.work)}},
                                      .elapsed = seconds}));
}

/// Says how our chain stands to each of those that are named; the first that cannot be asked ends
/// it. Errors: as compare_with().
Result<ExitCode> compare(const Options& options, Context& context, const StoreDir& store) {
  ExitCode worst = ExitCode::ok;
  for (const std::string& named : options.against) {
    BMSG_TRY_ASSIGN(const auto found, compare_with(context, store, named));
    context.out.line(context.options.json ? json_of(found) : words_for(found));
    BMSG_TRY(context.out.flush());
    if (found.relation != Relation::apart || worst == ExitCode::data) continue;
    worst = found.is_settled ? ExitCode::data : ExitCode::no;
  }
  return worst;
}

Result<ExitCode> run(const Options& options, Context& context) {
  if (options.quick && options.full)
    return Error{Errc::bad_usage, "--quick and --full exclude each other"};
  if (!options.subset.empty() && !options.full)
    return Error{Errc::bad_usage, "--read-data-subset is for --full"};
  if (options.from > 0 && !options.full) return Error{Errc::bad_usage, "--from is for --full"};
  BMSG_TRY_ASSIGN(const auto store, context.store());
  const auto began = context.clock.steady();
  auto checked = check_store(options, context, store);
  if (!checked) {
    Error error = checked.error();
    if (error.code == Errc::corrupt && error.hint.empty())
      error.hint = "'bmsg repair --from-peer URL' makes the store sound again";
    return error;
  }
  node::VerifyReport& report = checked.value().report;
  const double seconds = std::chrono::duration<double>(context.clock.steady() - began).count();
  BMSG_TRY_ASSIGN(const auto forgotten, read_forgotten(checked.value()));
  if (!context.options.json) print(options, context, report, seconds);
  print_forgotten(options, context, forgotten);
  // What is damaged here says nothing about others.
  Result<ExitCode> outcome = report.faults.empty() ? ExitCode::ok : ExitCode::data;
  if (report.faults.empty()) outcome = compare(options, context, store);
  if (context.options.json) print_json(context, report, seconds);
  return outcome;
}

}  // namespace

void add_verify(Command app, Context& context) {
  const auto options = std::make_shared<Options>();
  Command verify =
      add_command(app, context, "verify", "Check the stored chain again", options, run);
  verify.add_flag("--quick", options->quick,
                  "Headers, links, work and the tip; this is the default");
  verify.add_flag("--full", options->full, "Every byte, body and index too");
  add_progress_option(verify, context);
  verify.add_flag("--signatures", options->signatures,
                  "Open own messages again; asks for the passphrase");
  verify
      .add_option("--read-data-subset", options->subset,
                  "With --full: bodies of the N-th of every T blocks, or of P% by chance")
      .type_name("N/T|P%");
  verify.add_flag("--explain", options->explain, "Print all faults, not the first alone");
  verify
      .add_option("--against", options->against,
                  "Compare with a peer, a note or a receipt; again for more")
      .type_name("PEER|FILE|BLOCK")
      .one_value_each();
  verify.add_option("--from", options->from, "With --full: bodies from this height on")
      .type_name("HEIGHT");
}

}  // namespace bmsg::cli
