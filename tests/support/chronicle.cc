#include "tests/support/chronicle.h"

#include <fmt/format.h>

#include <cstdlib>
#include <iostream>
#include <map>
#include <utility>

#include "lib/core/limits.h"

namespace bmsg {
namespace {

constexpr std::size_t kEventsKept = 60;

}  // namespace

Chronicle::Chronicle(const char* shown_by) : is_shown_(std::getenv(shown_by) != nullptr) {}

void Chronicle::note(std::string line) {
  line = fmt::format("{} {}\n", event_, line);
  for (const char c : line) {
    digest_ ^= static_cast<std::uint8_t>(c);
    digest_ *= 1099511628211ULL;
  }
  if (is_shown_) std::cout << line;
  events_.push_back(std::move(line));
  if (events_.size() > kEventsKept) events_.pop_front();
}

void Chronicle::expect(bool holds, const std::string& what) {
  if (holds || is_broken()) return;
  failure_ = fmt::format("event {}: {}", event_, what);
}

std::string Chronicle::last_events() const {
  std::string text;
  for (const std::string& line : events_) text += line;
  return text;
}

std::string find_overflow(const node::MemoryStore::Records& records, std::uint64_t pool_bytes,
                          std::uint64_t side_bytes, const std::string& whose) {
  std::uint64_t pool = 0;
  for (const auto& [arrival, one] : records.pool) pool += one.message.head.encoded_bytes();
  if (pool > pool_bytes) return fmt::format("{} pool has {} bytes", whose, pool);
  std::uint64_t side = 0;
  std::map<BlockHash, std::size_t> children;
  for (const auto& [hash, record] : records.blocks) {
    if (record.header.branch == node::Branch::main) continue;
    side += record.header.bytes + kHeaderBytes;
    ++children[record.header.sealed.header.previous];
  }
  // Beyond the limit there is one branch alone, of the block that came in last.
  std::size_t heads = 0;
  for (const auto& [parent, count] : children)
    heads += records.blocks.at(parent).header.branch == node::Branch::main ? count : count - 1;
  if (side > side_bytes && heads > 1)
    return fmt::format("{} bytes in {} branches lie beside {} chain", side, heads, whose);
  return "";
}

}  // namespace bmsg
