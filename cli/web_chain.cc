#include "cli/web_chain.h"

#include <fmt/format.h>

#include <array>
#include <charconv>

#include "cli/block_range.h"
#include "cli/block_view.h"
#include "cli/branch_graph.h"
#include "cli/chained_view.h"
#include "cli/refs.h"
#include "cli/session.h"
#include "lib/api/json_objects.h"
#include "lib/api/web_json.h"
#include "lib/chain/block_hash.h"
#include "lib/core/hex.h"
#include "lib/core/try.h"

namespace bmsg::cli {
namespace {

using Desk = WebDesk&;
using Question = const WebQuestion&;

constexpr std::size_t kBlocksMax = 100;      // Of one answer.
constexpr std::size_t kSideBlocksMax = 200;  // The same.
constexpr std::size_t kMessagesMax = 2000;   // Of one block that are listed.
constexpr std::size_t kWaitingMax = 200;

/// What most of these questions look into.
struct Sight {
  chain::ChainRules rules;
  std::unique_ptr<node::ChainReader> chain;
  node::Tip tip;
  UnixSeconds now;

  ChainedTo to() const { return {*chain, rules, tip.height, now}; }
};

Result<Sight> look_into(Desk desk) {
  BMSG_TRY_ASSIGN(auto rules, read_rules(desk.context(), desk.store()));
  BMSG_TRY_ASSIGN(auto chain, open_chain(desk.context(), desk.store()));
  BMSG_TRY_ASSIGN(const auto tip, chain->tip());
  return Sight{std::move(rules), std::move(chain), tip, desk.context().clock.now()};
}

void add_line(std::string& lines, std::string_view object) { lines.append(object).append("\n"); }

/// The newest, or those below a height.
Result<std::string> blocks(Desk desk, Question question) {
  BMSG_TRY_ASSIGN(const auto sight, look_into(desk));
  BMSG_TRY_ASSIGN(auto range, block_range(*sight.chain, ""));
  if (const auto below = question.query.find("below"); below != question.query.end()) {
    const std::string& text = below->second;
    std::uint32_t height = 0;
    const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), height);
    if (fault != std::errc() || end != text.data() + text.size())
      return Error{Errc::bad_input, "'below' is a height"};
    if (height == 0) return std::string();
    range.last = std::min(range.last, height - 1);
  }
  std::string lines;
  std::size_t shown = 0;
  BMSG_TRY(visit_headers(*sight.chain, range, Order::newest_first, [&](const auto& stored) {
    add_line(lines, api::block_json(block_view(stored)));
    return Result<bool>(++shown < kBlocksMax);
  }));
  return lines;
}

/// Blocks beside the best chain, each branch from its end down.
Result<std::string> branches(Desk desk, Question) {
  BMSG_TRY_ASSIGN(const auto sight, look_into(desk));
  BMSG_TRY_ASSIGN(const auto all, side_branches(*sight.chain));
  std::string lines;
  std::size_t shown = 0;
  for (const SideBranch& branch : all) {
    for (const node::StoredHeader& stored : branch.blocks) {
      if (++shown > kSideBlocksMax) return lines;
      add_line(lines, api::block_json(block_view(stored)));
    }
  }
  return lines;
}

/// The block, its header's bytes, and each of its messages.
Result<std::string> block(Desk desk, Question question) {
  BMSG_TRY_ASSIGN(const auto ref, question.at("ref"));
  BMSG_TRY_ASSIGN(const auto sight, look_into(desk));
  BMSG_TRY_ASSIGN(const auto stored, find_block(*sight.chain, ref));
  std::string lines = api::block_json(block_view(stored)) + "\n";
  add_line(lines, api::header_json(stored.hash, stored.sealed));
  BMSG_TRY_ASSIGN(const auto whole, sight.chain->block(stored.hash, Bodies::with));
  if (!whole) return lines;
  for (std::uint32_t index = 0; index < whole->messages.size() && index < kMessagesMax; ++index) {
    const Message& message = whole->messages[index];
    const node::MessagePlace place{stored.hash, stored.sealed.header.height, index, stored.branch};
    BMSG_TRY_ASSIGN(const auto view,
                    chained_view(sight.to(), chain::id_of(message.head), message, place));
    add_line(lines, api::chained_json(view));
  }
  return lines;
}

Result<api::ChainedView> chained_named(const Sight& sight, const std::string& ref) {
  BMSG_TRY_ASSIGN(const auto id, find_message(*sight.chain, nullptr, ref));
  BMSG_TRY_ASSIGN(auto view, find_chained(sight.to(), id));
  if (view) return std::move(*view);
  return Error{Errc::not_found, fmt::format("no message '{}' in the chain or its pool", ref),
               "'bmsg sync' may bring more"};
}

Result<std::string> chained(Desk desk, Question question) {
  BMSG_TRY_ASSIGN(const auto ref, question.at("ref"));
  BMSG_TRY_ASSIGN(const auto sight, look_into(desk));
  BMSG_TRY_ASSIGN(const auto view, chained_named(sight, ref));
  return api::chained_json(view) + "\n";
}

/// What a word names: a block by height or hash, or a message by the beginning of its id.
Result<std::string> find(Desk desk, Question question) {
  BMSG_TRY_ASSIGN(const auto ref, question.at("ref"));
  BMSG_TRY_ASSIGN(const auto sight, look_into(desk));
  const auto hash = fixed_from_hex<BlockHash>(ref);
  BMSG_TRY_ASSIGN(const auto at_hash, hash ? sight.chain->header(*hash)
                                           : Result<std::optional<node::StoredHeader>>(
                                                 std::optional<node::StoredHeader>()));
  if (at_hash || (!hash && names_block(ref))) {
    BMSG_TRY_ASSIGN(const auto stored, find_block(*sight.chain, ref));
    return api::id_json("block", to_hex(stored.hash.view())) + "\n";
  }
  BMSG_TRY_ASSIGN(const auto view, chained_named(sight, ref));
  return api::id_json("message", to_hex(view.id.view())) + "\n";
}

Result<std::string> pool(Desk desk, Question) {
  BMSG_TRY_ASSIGN(const auto sight, look_into(desk));
  BMSG_TRY_ASSIGN(const auto waiting, sight.chain->pool(0));
  std::string lines;
  for (std::size_t i = 0; i < waiting.size() && i < kWaitingMax; ++i)
    add_line(lines, api::chained_json(pooled_view(sight.to(), waiting[i])));
  return lines;
}

Result<std::string> receipt(Desk desk, Question question) {
  BMSG_TRY_ASSIGN(const auto id, question.at("id"));
  // Other names of messages are looked for in the mail, which opens the keys.
  if (!fixed_from_hex<MessageId>(id))
    return Error{Errc::bad_input, "a message is named by all 128 digits of its id"};
  return desk.run({.words = {"receipt", "--", id}, .parts = {}});
}

constexpr std::array kCalls = {
    WebCall{"/api/blocks", WebEffect::looks, blocks},
    WebCall{"/api/branches", WebEffect::looks, branches},
    WebCall{"/api/block", WebEffect::looks, block},
    WebCall{"/api/chained", WebEffect::looks, chained},
    WebCall{"/api/find", WebEffect::looks, find},
    WebCall{"/api/pool", WebEffect::looks, pool},
    WebCall{"/api/receipt", WebEffect::looks, receipt},
};

}  // namespace

std::span<const WebCall> chain_calls() { return kCalls; }

}  // namespace bmsg::cli
