#include "lib/chain/charter.h"
#include "lib/chain/pack.h"
#include "lib/core/codec.h"
#include "lib/core/tar.h"
#include "tests/fuzz/seeds.h"
#include "tests/support/chain_builder.h"

namespace bmsg::fuzz {
namespace {

Block full_block(ChainBuilder& builder) {
  const UnixSeconds now{kEasyGenesisTime + 600};
  return builder.block(builder.genesis(), {builder.public_message("one", now),
                                           builder.public_message("another", now)});
}

Bytes pack_of(const ChainBuilder& builder, const Block& block) {
  Bytes pack = chain::begin_pack();
  chain::append_frame(pack, chain::FrameType::genesis, to_bytes(builder.rules_text()));
  chain::append_frame(pack, chain::FrameType::header,
                      encode(SealedHeader{block.header, block.seal}));
  chain::append_frame(pack, chain::FrameType::block, encode(block));
  chain::append_frame(pack, chain::FrameType::message, encode(block.messages[0]));
  chain::end_pack(pack);
  return pack;
}

void add_blocks(std::vector<Seed>& out, ChainBuilder builder) {
  const Block block = full_block(builder);
  out.push_back({"header", encode(block.header)});
  out.push_back({"sealed_header", encode(SealedHeader{block.header, block.seal})});
  out.push_back({"message_head", encode(block.messages[0].head)});
  out.push_back({"message", encode(block.messages[0])});
  out.push_back({"block", encode(block)});
  out.push_back({"block", encode(builder.block(block.header))});
  const chain::CompactBlock compact = chain::compact_of(block);
  out.push_back({"compact", chain::encode(compact)});
  std::vector<ShortId> ids;
  for (const auto& entry : compact.entries) ids.push_back(entry.id);
  out.push_back({"short_ids", chain::encode_short_ids(ids)});
  out.push_back({"pack", pack_of(builder, block)});
  out.push_back({"rules_text", to_bytes(builder.rules_text())});
}

}  // namespace

std::vector<Seed> chain_seeds() {
  std::vector<Seed> out;
  add_blocks(out, ChainBuilder(pow_rules_text()));
  add_blocks(out, ChainBuilder(endorse_rules_text(3, 4)));
  const std::string rules = endorse_rules_text(2, 3);
  out.push_back({"charter", chain::encode(chain::Charter{.votes = {}, .rules_text = rules})});
  out.push_back({"tar_block", tar_header({.path = "outbox/new/a", .size = 9}, 1'767'225'600)});
  out.push_back({"tar_block", Bytes(kTarBlockBytes)});
  const std::string path = "path=" + std::string(120, 'a') + "\n";
  out.push_back({"tar_path", to_bytes(std::to_string(path.size() + 4) + " " + path)});
  // A block, then two on another branch: one is made, given, waits, comes in a row, begins anew.
  out.push_back({"calls", {0, 0, 1, 1, 1, 0, 0, 2, 0, 2, 4, 2, 2, 4, 5, 9, 3, 2, 2, 5, 1, 1}});
  return out;
}

}  // namespace bmsg::fuzz
