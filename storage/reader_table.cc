#include "storage/reader_table.h"

#include <rocksdb/slice.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <new>
#include <thread>
#include <utility>
#include <vector>

namespace bmsg::storage {
namespace {

using Compare = rocksdb::MemTableRep::KeyComparator;
using Entries = std::vector<const char*>;

/// Threads: one. What it walks over stays as it is.
class Walk : public rocksdb::MemTableRep::Iterator {
 public:
  Walk(const Entries& entries, const Compare& compare)
      : entries_(entries), compare_(compare), at_(entries.size()) {}

  bool Valid() const override { return at_ < entries_.size(); }
  const char* key() const override { return entries_[at_]; }
  void Next() override { ++at_; }
  void Prev() override { at_ = at_ == 0 ? entries_.size() : at_ - 1; }
  void Seek(const rocksdb::Slice& key, const char*) override {
    const auto found = std::ranges::partition_point(
        entries_, [&](const char* entry) { return compare_(entry, key) < 0; });
    at_ = static_cast<std::size_t>(found - entries_.begin());
  }
  void SeekForPrev(const rocksdb::Slice& key, const char*) override {
    const auto behind = std::ranges::partition_point(
        entries_, [&](const char* entry) { return compare_(entry, key) <= 0; });
    at_ = static_cast<std::size_t>(behind - entries_.begin());
    Prev();
  }
  void SeekToFirst() override { at_ = 0; }
  void SeekToLast() override {
    at_ = entries_.size();
    Prev();
  }

 private:
  const Entries& entries_;
  const Compare& compare_;
  std::size_t at_;  // The number of them: nowhere.
};

/// Room for walks that RocksDB ends without giving back their memory, which it takes for a part of
/// memory of its own. That of one that ended serves the next of the same thread: another could
/// begin there before this one has quite ended.
class Walks {
 public:
  rocksdb::MemTableRep::Iterator* begin(const Entries& entries, const Compare& compare);

 private:
  class Lent;
  struct Room;
  Room& free_room();
  void give_back(Room& room);

  std::mutex mutex_;
  std::deque<Room> rooms_;
  Room* free_ = nullptr;  // The first of them.
};

class Walks::Lent final : public Walk {
 public:
  Lent(const Entries& entries, const Compare& compare, Walks& owner, Room& room)
      : Walk(entries, compare), owner_(owner), room_(room) {}
  ~Lent() override { owner_.give_back(room_); }

 private:
  Walks& owner_;
  Room& room_;
};

struct Walks::Room {
  alignas(Lent) std::byte bytes[sizeof(Lent)];
  std::thread::id user;
  Room* next = nullptr;
};

/// With the lock.
Walks::Room& Walks::free_room() {
  for (Room** at = &free_; *at != nullptr; at = &(*at)->next) {
    Room& room = **at;
    if (room.user != std::this_thread::get_id()) continue;
    *at = room.next;
    return room;
  }
  return rooms_.emplace_back();
}

void Walks::give_back(Room& room) {
  const std::lock_guard lock(mutex_);
  room.user = std::this_thread::get_id();
  room.next = std::exchange(free_, &room);
}

rocksdb::MemTableRep::Iterator* Walks::begin(const Entries& entries, const Compare& compare) {
  const std::lock_guard lock(mutex_);
  Room& room = free_room();
  return new (room.bytes) Lent(entries, compare, *this, room);
}

/// For one look at one key. RocksDB forgets it where it lies: it never ends, or is deleted where
/// nothing is given back, and the next look of the same thread begins in its place.
class Look final : public Walk {
 public:
  using Walk::Walk;
  static void operator delete(void*) noexcept {}
};

class ReaderTable final : public rocksdb::MemTableRep {
 public:
  ReaderTable(const Compare& compare, rocksdb::Allocator* allocator)
      : MemTableRep(allocator), compare_(compare) {}

  void Insert(rocksdb::KeyHandle handle) override {
    entries_.push_back(static_cast<const char*>(handle));
    is_sorted_ = false;
  }

  bool Contains(const char* key) const override {
    sort();
    return std::ranges::binary_search(
        entries_, key, [this](const char* a, const char* b) { return is_before(a, b); });
  }

  std::size_t ApproximateMemoryUsage() override { return entries_.capacity() * sizeof(char*); }

  Iterator* GetIterator(rocksdb::Arena* arena) override {
    sort();
    if (arena == nullptr) return std::make_unique<Walk>(entries_, compare_).release();
    return walks_.begin(entries_, compare_);
  }

  /// Without an arena it is RocksDB's Get() that asks.
  Iterator* GetDynamicPrefixIterator(rocksdb::Arena* arena) override {
    if (arena != nullptr) return GetIterator(arena);
    sort();
    const std::lock_guard lock(mutex_);
    return new (looks_[std::this_thread::get_id()].bytes) Look(entries_, compare_);
  }

 private:
  struct LookRoom {
    alignas(Look) std::byte bytes[sizeof(Look)];
  };

  bool is_before(const char* a, const char* b) const { return compare_(a, b) < 0; }

  void sort() const {
    if (is_sorted_) return;
    const std::lock_guard lock(mutex_);
    if (is_sorted_) return;
    std::ranges::sort(entries_, [this](const char* a, const char* b) { return is_before(a, b); });
    is_sorted_ = true;
  }

  const Compare& compare_;
  mutable std::mutex mutex_;  // Of sorting, and of the rooms.
  mutable std::atomic<bool> is_sorted_ = true;
  mutable Entries entries_;
  Walks walks_;
  std::map<std::thread::id, LookRoom> looks_;
};

}  // namespace

rocksdb::MemTableRep* ReaderTableFactory::CreateMemTableRep(
    const rocksdb::MemTableRep::KeyComparator& compare, rocksdb::Allocator* allocator,
    const rocksdb::SliceTransform*, rocksdb::Logger*) {
  return std::make_unique<ReaderTable>(compare, allocator).release();
}

}  // namespace bmsg::storage
