#include "tests/support/swarm_node.h"

#include <fmt/format.h>

#include <algorithm>

#include "lib/chain/fork_choice.h"
#include "tests/support/chronicle.h"

namespace bmsg {

SwarmNode::SwarmNode(const ChainBuilder& builder, const Clock& clock, std::uint64_t seed,
                     Limits limits)
    : entropy(seed),
      builder_(builder),
      clock_(clock),
      limits_(limits),
      store_(builder.rules_text()),
      tip_(store_.tip().value()),
      main_(store_.records().main) {
  start();
}

void SwarmNode::begin_like(const SwarmNode& other) {
  store_.records() = other.store_.records();
  start();
  tip_ = tip();
  main_ = store_.records().main;
  blocks_ = store_.records().blocks.size();
}

void SwarmNode::start() {
  constexpr std::uint32_t kAnyDepth = 100'000;
  service_.reset();
  service_ =
      node::Node::make({.store = store_,
                        .chain = builder_.chain(),
                        .clock = clock_,
                        .entropy = entropy,
                        .outbox = nullptr,
                        .key = {},
                        .agent = "swarm",
                        .reorg = {.depth_max = kAnyDepth,
                                  .endorsed_depth_max = kAnyDepth,
                                  .side_bytes_max = limits_.side_bytes,
                                  .side_branch_bytes_max = 0},
                        .pool = {.all = limits_.pool_bytes, .of_giver = limits_.pool_bytes / 2}})
          .value();
}

std::size_t SwarmNode::count(const MessageId& id) const {
  const auto places = store_.places_of(id).value();
  const auto on_main = std::ranges::count(places, node::Branch::main, &node::MessagePlace::branch);
  return static_cast<std::size_t>(on_main) + (has_pooled(id) ? 1 : 0);
}

std::string SwarmNode::find_overflow() const {
  return bmsg::find_overflow(store_.records(), limits_.pool_bytes, limits_.side_bytes, "its");
}

std::string SwarmNode::find_fault(const node::Tip& tip) const {
  const bool is_better = chain::is_better({tip.work, tip.hash}, {tip_.work, tip_.hash});
  if (tip != tip_ && (tip.work < tip_.work || !is_better)) return "its tip became worse";
  for (std::size_t i = 0; i < own_.size(); ++i) {
    if (const auto times = count(own_[i]); times != 1)
      return fmt::format("its own message {} is there {} times", i, times);
  }
  return find_overflow();
}

SwarmNode::Seen SwarmNode::look() {
  Seen seen;
  const node::Tip tip = store_.tip().value();
  seen.fault = find_fault(tip);
  const auto& records = store_.records();
  if (tip != tip_) {
    const auto parting = std::ranges::mismatch(main_, records.main).in1;
    seen.reorg = static_cast<std::uint32_t>(main_.end() - parting);
    main_ = records.main;
  }
  tip_ = tip;
  seen.forgotten = blocks_ - std::min(blocks_, records.blocks.size());
  blocks_ = records.blocks.size();
  return seen;
}

}  // namespace bmsg
