// bmsg mirror: the settled part of the chain as files that any web server can offer.

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "cli/command.h"
#include "cli/mirror_tree.h"
#include "cli/session.h"
#include "lib/api/aligned_ranges.h"
#include "lib/api/json_objects.h"
#include "lib/api/wire_json.h"
#include "lib/core/codec.h"
#include "lib/core/try.h"

namespace bmsg::cli {
namespace {

struct Options {
  std::string directory;
  bool remove = false;  // --delete
};

class Mirror {
 public:
  Mirror(const node::ChainReader& chain, const chain::ChainRules& rules, MirrorTree& tree)
      : chain_(chain), rules_(rules), tree_(tree) {}

  /// What `info` names is there before it says so, and nothing that it named goes before it is
  /// replaced.
  Result<Done> run(const node::ReorgPolicy& policy) {
    BMSG_TRY_ASSIGN(const auto text, chain_.rules_text());
    BMSG_TRY(write_genesis(as_bytes(text)));
    BMSG_TRY_ASSIGN(const std::uint32_t end, find_end(policy));
    for (std::uint32_t first = 0; first < end; first += api::kAlignedBlocks)
      BMSG_TRY(write_blocks(Height{first}));
    for (std::uint32_t first = 0; end - first >= api::kAlignedHeaders;
         first += api::kAlignedHeaders)
      BMSG_TRY(write_headers(Height{first}));
    return write_info(Height{end > 0 ? end - 1 : 0});
  }

  const std::set<std::string>& paths() const { return paths_; }
  Height tip() const { return tip_; }

 private:
  /// The height after the last whole range of blocks that no reorganisation reaches.
  Result<std::uint32_t> find_end(const node::ReorgPolicy& policy) const {
    constexpr std::uint32_t kStep = api::kAlignedBlocks;
    BMSG_TRY_ASSIGN(const auto tip, chain_.tip());
    for (std::uint32_t end = tip.height.value / kStep * kStep; end > 0; end -= kStep) {
      BMSG_TRY_ASSIGN(const auto last, header_at(Height{end - 1}));
      if (node::is_settled(last.sealed.header, tip, rules_.rules.mode, policy)) return end;
    }
    return 0;
  }

  Result<node::StoredHeader> header_at(Height height) const {
    BMSG_TRY_ASSIGN(auto headers, headers_from(height, 1));
    return std::move(headers.front());
  }

  Result<std::vector<node::StoredHeader>> headers_from(Height first, std::uint32_t count) const {
    BMSG_TRY_ASSIGN(auto headers, chain_.headers(first, count));
    if (headers.size() == count) return headers;
    return Error{Errc::corrupt, fmt::format("the store lacks a block after {}", first.value)};
  }

  Result<Done> write_genesis(ByteView text) {
    paths_.insert("genesis");
    BMSG_TRY_ASSIGN(const auto there, tree_.read("genesis", kRulesTextBytesMax));
    if (!there) return tree_.write("genesis", text);
    if (std::ranges::equal(*there, text)) return done;
    return Error{Errc::bad_input,
                 fmt::format("'{}' is the mirror of another chain", tree_.place().string()),
                 "choose another directory"};
  }

  /// A file that is a whole range of our chain is left alone: its last header stands for all before
  /// it, and bodies that went since may stay there.
  Result<bool> is_there(const std::string& path, Height first, std::uint32_t count) {
    paths_.insert(path);
    BMSG_TRY_ASSIGN(const auto last, header_at(Height{first.value + count - 1}));
    return tree_.ends_with(path, count, encode(last.sealed.header));
  }

  Result<Done> write_blocks(Height first) {
    const std::string path = api::blocks_path(first, api::kAlignedBlocks);
    BMSG_TRY_ASSIGN(const bool there, is_there(path, first, api::kAlignedBlocks));
    if (there) return done;
    BMSG_TRY_ASSIGN(const auto headers, headers_from(first, api::kAlignedBlocks));
    std::vector<Block> blocks;
    for (const node::StoredHeader& header : headers) {
      BMSG_TRY_ASSIGN(auto block, chain_.block(header.hash, Bodies::with));
      if (!block)
        return Error{Errc::corrupt,
                     fmt::format("the store lacks block {}", header.sealed.header.height.value)};
      blocks.push_back(std::move(*block));
    }
    return tree_.write(path, api::pack_blocks(blocks, api::Cut::never));
  }

  Result<Done> write_headers(Height first) {
    const std::string path = api::headers_path(first, api::kAlignedHeaders);
    BMSG_TRY_ASSIGN(const bool there, is_there(path, first, api::kAlignedHeaders));
    if (there) return done;
    BMSG_TRY_ASSIGN(const auto stored, headers_from(first, api::kAlignedHeaders));
    std::vector<SealedHeader> headers;
    for (const node::StoredHeader& one : stored) headers.push_back(one.sealed);
    return tree_.write(path, api::pack_headers(headers));
  }

  /// The same for the same chain, whoever writes it and when: it has no clock, no key and no pool.
  Result<Done> write_info(Height tip) {
    paths_.insert("info");
    tip_ = tip;
    BMSG_TRY_ASSIGN(const auto last, header_at(tip));
    const UnixSeconds time = last.sealed.header.time;
    const std::string text = api::print_info({.chain = rules_.id,
                                              .name = rules_.rules.name,
                                              .mode = rules_.rules.mode,
                                              .tip = {tip, last.hash, last.total_work, time},
                                              .now = time,
                                              .pool_messages = 0,
                                              .pool_bytes = 0,
                                              .node = {},
                                              .agent = agent_name()});
    BMSG_TRY_ASSIGN(const auto there, tree_.read("info", api::kInfoBytesMax));
    if (there && std::ranges::equal(*there, as_bytes(text))) return done;
    return tree_.write("info", as_bytes(text));
  }

  const node::ChainReader& chain_;
  const chain::ChainRules& rules_;
  MirrorTree& tree_;
  std::set<std::string> paths_;  // Of all files that belong there.
  Height tip_;
};

Result<ExitCode> run(const Options& options, Context& context) {
  BMSG_TRY_ASSIGN(const auto store, context.store());
  BMSG_TRY(refuse_light(store, "for a mirror"));
  const auto began = context.clock.steady();
  BMSG_TRY_ASSIGN(const auto rules, read_rules(context, store));
  BMSG_TRY_ASSIGN(const auto policy, reorg_policy(context, store));
  BMSG_TRY_ASSIGN(const auto patience, context.lock_patience(&store));
  BMSG_TRY_ASSIGN(const auto chain, open_chain(context, store));
  BMSG_TRY_ASSIGN(auto tree, MirrorTree::open(options.directory, patience, context.clock));
  Mirror mirror(*chain, rules, tree);
  BMSG_TRY(mirror.run(policy));
  std::uint64_t removed = 0;
  if (options.remove) {
    BMSG_TRY_ASSIGN(removed, tree.remove_others(mirror.paths()));
  }
  api::SummaryView summary{.command = "mirror",
                           .numbers = {{"files", double(tree.files_written())},
                                       {"bytes", double(tree.bytes_written())},
                                       {"removed", double(removed)},
                                       {"height", double(mirror.tip().value)}},
                           .texts = {}};
  summary.elapsed = std::chrono::duration<double>(context.clock.steady() - began).count();
  if (context.options.json) {
    context.out.line(api::summary_json(summary));
    return ExitCode::ok;
  }
  context.out.line(fmt::format("{} files, {} bytes", tree.files_written(), tree.bytes_written()));
  if (options.remove) context.out.line(fmt::format("{} removed", removed));
  return ExitCode::ok;
}

}  // namespace

void add_mirror(Command app, Context& context) {
  const auto options = std::make_shared<Options>();
  Command mirror = add_command(app, context, "mirror", "Write the chain as files for a web server",
                               options, run);
  mirror.add_option("dir", options->directory, "Where; made if it is not there")
      .required()
      .type_name("DIR");
  mirror.add_flag("--delete", options->remove, "Remove what does not belong there");
}

}  // namespace bmsg::cli
