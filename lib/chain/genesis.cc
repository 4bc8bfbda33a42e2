#include "lib/chain/genesis.h"

#include "lib/chain/merkle.h"

namespace bmsg::chain {

Header genesis_header(const ChainRules& chain) {
  const MerkleRoot empty = root_of({});
  return Header{.height = Height{0},
                .time = UnixSeconds{chain.rules.time},
                .bits = chain.rules.mode == Mode::pow ? chain.rules.floor : CompactTarget{0},
                .count = 0,
                // Not chain.tag: a charter changes the rules in force, never the first block.
                .rules = prefix_of<RulesTag>(chain.id),
                .previous = relabel<BlockHash>(chain.id),
                .root = empty,
                .past = empty,
                .nonce = 0};
}

}  // namespace bmsg::chain
