#include "lib/node/place_sum.h"

#include "lib/core/big_endian.h"
#include "lib/core/check.h"
#include "lib/crypto/sha512_batch.h"
#include "lib/node/bulk_reader.h"

namespace bmsg::node {
namespace {

constexpr std::size_t kPlaceBytes =
    PlaceSum::kKeyBytes + BulkReader::kIdBytes + sizeof(std::uint64_t) + sizeof(std::uint32_t);
constexpr std::size_t kBatch = 1024;

}  // namespace

void PlaceSum::add(const Digest& hash) {
  for (std::size_t i = 0; i < sums_.size(); ++i)
    sums_[i] += load_be<std::uint64_t>(hash.data() + i * sizeof(std::uint64_t));
  ++count_;
}

void PlaceSum::add(const PlaceSum& other) {
  for (std::size_t i = 0; i < sums_.size(); ++i) sums_[i] += other.sums_[i];
  count_ += other.count_;
}

void PlaceBatch::add(ByteView id, std::uint64_t block, std::uint32_t index, PlaceSum& sum) {
  check(id.size() == BulkReader::kIdBytes, "the start of an id of another length");
  append(places_, key_);
  append(places_, id);
  append_be(places_, block);
  append_be(places_, index);
  if (places_.size() == kBatch * kPlaceBytes) finish(sum);
}

void PlaceBatch::finish(PlaceSum& sum) {
  for (const Digest& hash : crypto::sha512_each(places_, kPlaceBytes)) sum.add(hash);
  places_.clear();
}

}  // namespace bmsg::node
