// Batch: changes in the order in which they came, and an index over their keys.

#include <rocksdb/db.h>
#include <rocksdb/write_batch.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "lib/core/check.h"
#include "storage/database.h"
#include "storage/rocks_status.h"
#include "storage/slices.h"

namespace bmsg::storage {
namespace {

constexpr std::size_t kSlotsMin = 64;

/// Bytes of a length as RocksDB writes it before a value: seven bits in each.
std::size_t length_bytes(std::size_t length) {
  std::size_t bytes = 1;
  while (length >= 0x80) {
    length >>= 7;
    ++bytes;
  }
  return bytes;
}

}  // namespace

Batch::Batch(rocksdb::DB* db, std::unique_ptr<rocksdb::WriteBatch> changes)
    : db_(db), changes_(std::move(changes)), slots_(kSlotsMin) {}
Batch::Batch(Batch&&) noexcept = default;
Batch::~Batch() = default;

ByteView Batch::bytes_at(std::size_t at, std::size_t size) const {
  return as_bytes(std::string_view(changes_->Data()).substr(at, size));
}

/// Where the key stands, or the free slot where it belongs.
std::size_t Batch::slot_of(ByteView key) const {
  const std::size_t mask = slots_.size() - 1;
  std::size_t slot = std::hash<std::string_view>()(as_text(key)) & mask;
  while (slots_[slot] != 0) {
    const Written& there = written_[slots_[slot] - 1];
    if (std::ranges::equal(bytes_at(there.key_at, there.key_bytes), key)) break;
    slot = (slot + 1) & mask;
  }
  return slot;
}

const Batch::Written* Batch::find(ByteView key) const {
  const std::uint32_t number = slots_[slot_of(key)];
  return number == 0 ? nullptr : &written_[number - 1];
}

void Batch::note(Written written) {
  const ByteView key = bytes_at(written.key_at, written.key_bytes);
  if (const std::size_t slot = slot_of(key); slots_[slot] != 0) {
    written_[slots_[slot] - 1] = written;
    return;
  }
  written_.push_back(written);
  if (2 * written_.size() > slots_.size()) {
    slots_.assign(2 * slots_.size(), 0);
    for (std::uint32_t i = 0; i + 1 < written_.size(); ++i)
      slots_[slot_of(bytes_at(written_[i].key_at, written_[i].key_bytes))] = i + 1;
  }
  slots_[slot_of(key)] = static_cast<std::uint32_t>(written_.size());
}

// RocksDB appends each change to one string, its key and then its value last: what was written
// lies there, and need not be kept twice.
void Batch::put(ByteView key, ByteView value) {
  put_unread(key, value);
  const std::size_t value_at = changes_->GetDataSize() - value.size();
  note({.key_at = value_at - length_bytes(value.size()) - key.size(),
        .key_bytes = key.size(),
        .value_at = value_at,
        .value_bytes = value.size()});
}

void Batch::put_unread(ByteView key, ByteView value) {
  const auto status = changes_->Put(slice(key), slice(value));
  check(status.ok(), "a batch that takes no more");
}

void Batch::erase(ByteView key) {
  const auto status = changes_->Delete(slice(key));
  check(status.ok(), "a batch that takes no more");
  note({.key_at = changes_->GetDataSize() - key.size(),
        .key_bytes = key.size(),
        .value_at = {},
        .value_bytes = 0});
}

std::optional<Bytes> Batch::get_new(ByteView key) const {
  const Written* written = find(key);
  if (written == nullptr || !written->value_at) return std::nullopt;
  return to_bytes(bytes_at(*written->value_at, written->value_bytes));
}

Result<std::optional<Bytes>> Batch::get(ByteView key) const {
  if (find(key) != nullptr) return get_new(key);
  rocksdb::PinnableSlice value;
  const auto status =
      db_->Get(rocksdb::ReadOptions(), db_->DefaultColumnFamily(), slice(key), &value);
  return answer_of(status, value);
}

std::size_t Batch::bytes() const { return changes_->GetDataSize(); }

}  // namespace bmsg::storage
