#include "storage/endorsed_records.h"

#include "lib/chain/block_hash.h"
#include "lib/core/codec.h"
#include "lib/core/try.h"
#include "storage/rocks_store.h"
#include "storage/schema.h"

namespace bmsg::storage {
namespace {

using Next = View::Next;

Result<node::Proposal> proposal_of(const BlockHash& hash, ByteView value) {
  auto block = decode_block(value);
  if (!block || chain::hash_of(block.value().header) != hash) return malformed("proposal");
  return node::Proposal{hash, std::move(block).value()};
}

/// Visits what lies under each hash of a kind.
template <class Visit>
Result<Done> each_hash(const View& view, Kind kind, Visit visit) {
  return view.scan(key(kind), [&](ByteView at, ByteView value) -> Result<Next> {
    BMSG_TRY_ASSIGN(const auto hash, decode_fixed<BlockHash>(at.subspan(1)));
    BMSG_TRY(visit(hash, value));
    return Next::go_on;
  });
}

}  // namespace

Result<Done> put_endorsed(Batch& batch, const node::EndorsedChange& change) {
  for (const BlockHash& hash : change.withdraw) batch.erase(key(Kind::proposal, hash.view()));
  for (const node::Proposal& one : change.propose)
    batch.put(key(Kind::proposal, one.hash.view()), encode(one.block));
  for (const node::StoredCharter& one : change.charters)
    batch.put(key(Kind::charter, one.block.view()), as_bytes(one.rules_text));
  for (const chain::Evidence& one : change.evidence) {
    BMSG_TRY_ASSIGN(const auto endorser, chain::check_evidence(one));
    const Bytes at = key(Kind::evidence, endorser.view());
    BMSG_TRY_ASSIGN(const auto first, batch.get(at));
    if (!first) batch.put(at, as_bytes(chain::print(one)));
  }
  return done;
}

Result<std::vector<node::Proposal>> RocksStore::proposals() const {
  std::vector<node::Proposal> all;
  const View view = database_->view();
  BMSG_TRY(each_hash(view, Kind::proposal, [&](const auto& hash, ByteView value) -> Result<Done> {
    BMSG_TRY_ASSIGN(auto one, proposal_of(hash, value));
    all.push_back(std::move(one));
    return done;
  }));
  return all;
}

Result<std::optional<node::Proposal>> RocksStore::proposal(const BlockHash& hash) const {
  BMSG_TRY_ASSIGN(const auto value, database_->view().get(key(Kind::proposal, hash.view())));
  if (!value) return std::optional<node::Proposal>();
  BMSG_TRY_ASSIGN(auto one, proposal_of(hash, *value));
  return std::optional(std::move(one));
}

Result<std::vector<node::StoredCharter>> RocksStore::charters() const {
  std::vector<node::StoredCharter> all;
  const View view = database_->view();
  BMSG_TRY(each_hash(view, Kind::charter, [&](const auto& hash, ByteView value) -> Result<Done> {
    all.push_back({hash, std::string(as_text(value))});
    return done;
  }));
  return all;
}

Result<std::vector<chain::Evidence>> RocksStore::evidence() const {
  std::vector<chain::Evidence> all;
  const View view = database_->view();
  BMSG_TRY(view.scan(key(Kind::evidence), [&](ByteView, ByteView value) -> Result<Next> {
    auto one = chain::parse_evidence(as_text(value));
    if (!one) return malformed("evidence");
    all.push_back(std::move(one).value());
    return Next::go_on;
  }));
  return all;
}

}  // namespace bmsg::storage
