// The records that a chain begins with.

#include "lib/chain/merkle.h"
#include "storage/chain_change.h"
#include "storage/chain_records.h"
#include "storage/format.h"
#include "storage/schema.h"

namespace bmsg::storage {

void put_genesis(Batch& batch, std::string_view rules_text, const Header& genesis,
                 const BlockHash& hash, node::Keeps keeps) {
  put_format(batch, key(Kind::meta, "format"),
             keeps == node::Keeps::all ? kChainFormat : kLightChainFormat);
  batch.put(key(Kind::meta, "rules"), as_bytes(rules_text));
  const BlockRecord record{.no = 0, .total_work = {}, .bytes = 0, .sealed = {genesis, {}}};
  batch.put(key(Kind::main_block, hash.view()), encode(genesis.height));
  batch.put(key(Kind::height, genesis.height), encode(HeightRecord{hash, record}));
  batch.put(table_key(record.no, 0), begin_table(hash));
  batch.put(tree_key(0, 0), chain::leaf_hash(hash.view()).view());
  const node::Tip tip{.height = {}, .hash = hash, .work = {}, .time = genesis.time};
  batch.put(key(Kind::meta, "tip"), encode(tip));
  batch.put(key(Kind::meta, "next"), encode(Counters{}));
}

}  // namespace bmsg::storage
