// bmsg bundle: sync by file, for stores that never meet on a network.

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "cli/branch_text.h"
#include "cli/bundle_source.h"
#include "cli/command.h"
#include "cli/hooks.h"
#include "cli/new_file.h"
#include "cli/plumbing.h"
#include "cli/progress.h"
#include "cli/refs.h"
#include "cli/session.h"
#include "cli/short_service.h"
#include "cli/text.h"
#include "cli/times.h"
#include "lib/api/json_objects.h"
#include "lib/core/hex.h"
#include "lib/core/try.h"
#include "lib/node/bundle.h"

namespace bmsg::cli {
namespace {

struct Options {
  std::string file;
  std::string since;
  bool pool = false;
  bool dry_run = false;
};

constexpr std::size_t kShortBytes = 4096;  // So much may wait for more to be written with it.

/// The lowest block of the best chain that is not older than `time`; above the tip if all are.
Result<Height> first_since(const node::ChainReader& chain, UnixSeconds time) {
  BMSG_TRY_ASSIGN(const auto tip, chain.tip());
  std::uint32_t low = 1;
  std::uint32_t high = tip.height.value + 1;
  while (low < high) {
    const std::uint32_t middle = low + (high - low) / 2;
    BMSG_TRY_ASSIGN(const auto found, chain.headers(Height{middle}, 1));
    if (!found.empty() && found.front().sealed.header.time < time) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return Height{low};
}

/// The height after a block, or after where its branch leaves the best chain: a peer's tip that we
/// know may lie on another.
Result<Height> first_after(const node::ChainReader& chain, node::StoredHeader block) {
  while (block.branch == node::Branch::side) {
    BMSG_TRY_ASSIGN(auto parent, chain.header(block.sealed.header.previous));
    if (!parent) return Error{Errc::corrupt, "the store lacks the parent of a block"};
    block = std::move(*parent);
  }
  return Height{block.sealed.header.height.value + 1};
}

Result<Height> first_block(const Context& context, const node::ChainReader& chain,
                           const std::string& since) {
  if (since.empty()) return Height{1};
  const bool is_hash = fixed_from_hex<BlockHash>(since).has_value();
  const auto is_digit = [](unsigned char c) { return std::isdigit(c) != 0; };
  const bool is_number = !is_hash && std::ranges::all_of(since, is_digit);
  if (!is_number && !is_hash && !names_block(since)) {
    BMSG_TRY_ASSIGN(const auto time, parse_time(since, context.clock.now()));
    return first_since(chain, time);
  }
  auto block = find_block(chain, since);
  if (block) return first_after(chain, std::move(block).value());
  const Errc code = block.error().code;
  if (!is_number || (code != Errc::not_found && code != Errc::bad_usage)) return block.error();
  BMSG_TRY_ASSIGN(const auto tip, chain.tip());  // A height that is still to come.
  return Height{tip.height.value + 1};
}

Result<Done> take_outbox(Context& context, const StoreDir& store) {
  BMSG_TRY_ASSIGN(const auto session, open_node(context, store));
  BMSG_TRY(session->service().take_outbox());
  return session->collect_cards();
}

/// Counts into the view what goes into the bundle.
Result<node::BundleContent> give(const Options& options, Context& context, const StoreDir& store,
                                 chain::WriteBytes write, api::SyncView& view) {
  if (options.pool) BMSG_TRY(take_outbox(context, store));
  BMSG_TRY_ASSIGN(const auto chain, open_chain(context, store));
  BMSG_TRY_ASSIGN(const auto first, first_block(context, *chain, options.since));
  BMSG_TRY_ASSIGN(const auto tip, chain->tip());
  Progress shown(context);
  chain::PackWriter pack(std::move(write));
  const std::uint64_t total = tip.height.value + std::uint64_t{1} - first.value;
  BMSG_TRY_ASSIGN(
      const auto content,
      node::write_bundle(*chain, first, options.pool ? node::WithPool::yes : node::WithPool::no,
                         context.clock.now(), pack, [&](const auto& so_far) {
                           shown.count_blocks("bundle", so_far.blocks, total);
                         }));
  view.pushed_blocks = content.blocks;
  view.pushed_messages = content.messages;
  view.pushed_bytes = pack.bytes();
  return content;
}

/// Whoever gets it is to hear of it here, before it is carried anywhere.
void warn_of_lacking(const Options& options, const Context& context,
                     const node::BundleContent& content) {
  context.out.warn(fmt::format(
      "{}: this store has dropped {} messages that have not expired, the first in block "
      "{}; who has no other source of them takes no block from there on",
      options.file, content.lacking, content.first_lacking->value));
}

Result<ExitCode> run_create(const Options& options, Context& context) {
  BMSG_TRY_ASSIGN(const auto store, context.store());
  BMSG_TRY(refuse_light(store, "for a bundle"));
  const auto began = context.clock.steady();
  api::SyncView view;
  view.peer = options.file;
  node::BundleContent content;
  if (options.file == "-") {
    BMSG_TRY(check_no_terminal(context));
    const auto print = [&](ByteView bytes) -> Result<Done> {
      context.out.raw(as_text(bytes));
      return bytes.size() < kShortBytes ? Result<Done>(done) : context.out.flush();
    };
    BMSG_TRY_ASSIGN(content, give(options, context, store, print, view));
    BMSG_TRY(context.out.flush());
  } else {
    NewFile file(context.disk, options.file);
    BMSG_TRY(file.open());
    const auto write = [&](ByteView bytes) { return file.write(bytes); };
    BMSG_TRY_ASSIGN(content, give(options, context, store, write, view));
    BMSG_TRY(file.publish());
  }
  context.out.note(fmt::format("{}: {} blocks, {} messages, {} bytes", options.file,
                               view.pushed_blocks, view.pushed_messages, view.pushed_bytes));
  if (content.lacking > 0) warn_of_lacking(options, context, content);
  const ExitCode outcome = content.lacking > 0 ? ExitCode::partial : ExitCode::ok;
  if (!context.options.json || options.file == "-") return outcome;
  const double elapsed = std::chrono::duration<double>(context.clock.steady() - began).count();
  context.out.line(api::sync_json(view));
  context.out.line(
      api::summary_json({.command = "bundle",
                         .ok = content.lacking == 0,
                         .numbers = {{"blocks", static_cast<double>(view.pushed_blocks)},
                                     {"messages", static_cast<double>(view.pushed_messages)},
                                     {"lacking", static_cast<double>(content.lacking)}},
                         .texts = {},
                         .elapsed = elapsed}));
  return outcome;
}

std::string source_name(const std::string& file) {
  return file == "-" ? std::string("standard input") : fmt::format("'{}'", file);
}

/// What is wrong with the bundle names it; what is wrong with the store does not.
Error about(const std::string& file, const Error& error) {
  return error.code == Errc::bad_input ? in_context(source_name(file), error) : error;
}

/// Says how far the reading is.
std::function<void(std::uint64_t)> told_to(Progress& shown, const BundleSource& source,
                                           const char* phase) {
  return [&shown, &source, phase](std::uint64_t bytes) {
    const std::string of = source.size() ? fmt::format(" of {}", *source.size() >> 20) : "";
    shown.update(fmt::format("{}: {}{} MiB", phase, bytes >> 20, of), {.phase = phase,
                                                                       .finished = bytes,
                                                                       .total = source.size(),
                                                                       .rate = 0,
                                                                       .expected = std::nullopt,
                                                                       .p95 = std::nullopt});
  };
}

/// A file is read to its end before anything is taken from it: one that was cut or changed changes
/// nothing. A pipe has no second time.
Result<Done> check_whole(Context& context, BundleSource& source, const chain::ChainRules& rules) {
  if (!source.size()) return done;
  Progress shown(context);
  node::BundleReader bundle(
      source.reader(told_to(shown, source, "check"), [] { return Result<Done>(done); }), rules);
  BMSG_TRY(node::check_bundle(bundle));
  return source.rewind();
}

/// Prints what would come.
Result<node::BundlePreview> preview(const Options& options, Context& context, const StoreDir& store,
                                    BundleSource& source, api::SyncView& view) {
  BMSG_TRY_ASSIGN(const auto rules, read_rules(context, store));
  BMSG_TRY(check_whole(context, source, rules));
  BMSG_TRY_ASSIGN(const auto chain, open_chain(context, store));
  Progress shown(context);
  node::BundleReader bundle(
      source.reader(told_to(shown, source, "check"), [] { return Result<Done>(done); }), rules);
  BMSG_TRY_ASSIGN(const auto seen, node::preview_bundle(bundle, *chain, context.clock.now()));
  view.pulled_blocks = seen.new_blocks;
  view.pulled_messages = seen.new_messages;
  view.pulled_bytes = bundle.bytes();
  if (context.options.json) return seen;
  const auto& content = bundle.content();
  context.out.line(content.first
                       ? fmt::format("bundle {}: blocks {} to {}", shown_line(options.file),
                                     content.first->value, content.last->value)
                       : fmt::format("bundle {}: no blocks", shown_line(options.file)));
  context.out.line(fmt::format("blocks {} new, {} known", seen.new_blocks, seen.known_blocks));
  if (seen.parent) {
    BMSG_TRY_ASSIGN(const auto tip, chain->tip());
    context.out.line(fmt::format("after {}{}",
                                 block_name(seen.parent->sealed.header.height, seen.parent->hash),
                                 seen.parent->hash == tip.hash ? "" : ", beside the best chain"));
  }
  context.out.line(
      fmt::format("messages {} new, {} known", seen.new_messages, seen.known_messages));
  return seen;
}

Error in_future(Height height) {
  return Error{Errc::try_again,
               fmt::format("block {} is dated in the future; apply it again when its time has come",
                           height.value)};
}

Result<Done> take(Context& context, const StoreDir& store, BundleSource& source,
                  node::BundleReport& report, api::SyncView& view) {
  BMSG_TRY_ASSIGN(const auto rules, read_rules(context, store));
  BMSG_TRY(check_whole(context, source, rules));
  Progress shown(context);
  ShortService local(context, store);
  node::BundleReader bundle(
      source.reader(told_to(shown, source, "apply"), [&] { return local.release(); }), rules);
  node::BundlePull pull(local, bundle, report);
  const auto taken = [&]() -> Result<Done> {
    for (;;) {
      BMSG_TRY_ASSIGN(const bool more, pull.step());
      if (!more) return done;
    }
  }();
  const auto released = local.release();
  view.pulled_blocks = report.new_blocks;
  view.pulled_messages = report.new_messages;
  view.pulled_bytes = bundle.bytes();
  if (report.reorg) view.reorg_depth = report.reorg->depth;
  return taken ? released : taken;
}

void warn(const Options& options, const Context& context, const node::BundleReport& report) {
  const auto say = [&](const std::string& text) {
    context.out.warn(fmt::format("{}: {}", options.file, text));
  };
  if (report.reorg && report.reorg->depth > 0) say(reorg_text(*report.reorg));
  if (report.stopped_by_policy) say(kNotFollowed);
  if (report.refused_messages > 0) {
    say(fmt::format("{} messages were refused, the first of them {}", report.refused_messages,
                    report.first_refusal));
  }
}

std::string summary_of(const node::BundleReport& report, const std::optional<std::string>& error,
                       double elapsed) {
  const auto number = [](std::uint64_t count) { return static_cast<double>(count); };
  return api::summary_json({.command = "bundle",
                            .ok = !error,
                            .numbers = {{"blocks", number(report.new_blocks)},
                                        {"blocks_known", number(report.known_blocks)},
                                        {"messages", number(report.new_messages)},
                                        {"messages_known", number(report.known_messages)},
                                        {"messages_refused", number(report.refused_messages)}},
                            .texts = {},
                            .elapsed = elapsed});
}

/// What is unfinished comes before what was refused: repeating tells that again.
Result<Done> unfinished(const node::BundleReport& report) {
  if (report.held) return in_future(*report.held);
  if (report.held_messages == 0) return done;
  return Error{Errc::try_again,
               fmt::format("{} messages are dated in the future; apply it again later",
                           report.held_messages)};
}

Result<ExitCode> run_dry(const Options& options, Context& context, const StoreDir& store,
                         BundleSource& source) {
  api::SyncView view;
  view.peer = options.file;
  const auto began = context.clock.steady();
  const auto seen = preview(options, context, store, source, view);
  if (!seen) return about(options.file, seen.error());
  if (seen.value().future) view.error = in_future(*seen.value().future).message;
  if (context.options.json) {
    node::BundleReport report;
    report.new_blocks = seen.value().new_blocks;
    report.known_blocks = seen.value().known_blocks;
    report.new_messages = seen.value().new_messages;
    report.known_messages = seen.value().known_messages;
    const double elapsed = std::chrono::duration<double>(context.clock.steady() - began).count();
    context.out.line(api::sync_json(view));
    context.out.line(summary_of(report, view.error, elapsed));
  }
  if (seen.value().future) return in_future(*seen.value().future);
  return ExitCode::ok;
}

Result<ExitCode> run_apply(const Options& options, Context& context) {
  BMSG_TRY_ASSIGN(const auto store, context.store());
  BMSG_TRY_ASSIGN(auto source, BundleSource::open(options.file));
  if (options.dry_run) return run_dry(options, context, store, source);
  const auto began = context.clock.steady();
  api::SyncView view;
  view.peer = options.file;
  node::BundleReport report;
  auto taken = take(context, store, source, report, view);
  if (taken) taken = unfinished(report);
  if (!taken) taken = about(options.file, taken.error());
  if (!taken) view.error = taken.error().message;
  warn(options, context, report);
  context.out.note(fmt::format("{}: +{} blocks, {} messages", options.file, report.new_blocks,
                               report.new_messages));
  const std::string told = api::sync_json(view);
  const double elapsed = std::chrono::duration<double>(context.clock.steady() - began).count();
  const std::string summary = summary_of(report, view.error, elapsed);
  if (context.options.json) {
    context.out.line(told);
    context.out.line(summary);
  }
  BMSG_TRY(context.out.flush());
  if (const auto& reorg = report.reorg; reorg && reorg->depth > 0)
    tell_hook(context, store, Hook::post_reorg,
              api::reorg_json({reorg->from, reorg->to, reorg->depth, reorg->returned}));
  tell_hook(context, store, Hook::post_sync, told + "\n" + summary);
  if (!taken) return taken.error();
  const bool partial = report.stopped_by_policy || report.refused_messages > 0;
  return partial ? ExitCode::partial : ExitCode::ok;
}

}  // namespace

void add_bundle(Command app, Context& context) {
  const auto options = std::make_shared<Options>();
  Command bundle = app.add_verb("bundle", "Sync by file, where there is no network");
  bundle.require_verb();
  Command create = add_command(bundle, context, "create", "Write blocks and messages for another",
                               options, run_create);
  create.add_option("file", options->file, "A new file, or - for output")
      .required()
      .type_name("FILE");
  create.add_option("--since", options->since, "Only blocks after this")
      .type_name("HEIGHT|HASH|TIME");
  create.add_flag("--pool", options->pool, "With the messages that wait for a block");
  Command apply =
      add_command(bundle, context, "apply", "Take in what create wrote", options, run_apply);
  apply.add_option("file", options->file, "A bundle, or - for input").required().type_name("FILE");
  apply.add_flag("--dry-run", options->dry_run, "Say what it would bring and store nothing");
}

}  // namespace bmsg::cli
