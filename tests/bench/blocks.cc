// A block joins the chain from a warm pool, durably, beside a RocksDB batch of the same bytes that
// is synced once for each block. One JSON line of medians:
//
//   bench_blocks DIRECTORY BLOCKS MESSAGES_PER_BLOCK
//   bench_blocks stages DIRECTORY BUNDLE
//   bench_blocks compact CHAIN
//
// DIRECTORY must not be there; databases are left in it. The second form takes a bundle's blocks in
// as a first sync does, and says what each stage costs for each message, in microseconds of all
// cores: decoding, hashing and judging, keeping (with another hash, and all that is written), and
// closing the store. The third rewrites a chain's database without what was deleted.

#include <fmt/format.h>
#include <rocksdb/db.h>
#include <rocksdb/write_batch.h>

#include <time.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "lib/chain/block_digests.h"
#include "lib/chain/block_hash.h"
#include "lib/chain/block_rules.h"
#include "lib/chain/pack.h"
#include "lib/core/check.h"
#include "lib/core/codec.h"
#include "lib/core/limits.h"
#include "lib/crypto/random.h"
#include "lib/node/node.h"
#include "storage/rocks_store.h"
#include "tests/support/chain_builder.h"

namespace bmsg {
namespace {

constexpr std::size_t kTextBytes = 500;

/// The whole bench goes on or ends.
template <class T>
T must(Result<T> result) {
  if (!result) std::fprintf(stderr, "bench_blocks: %s\n", result.error().message.c_str());
  check(bool(result), "the bench cannot go on");
  return std::move(result).value();
}

double seconds_since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(SystemClock().steady() - begin).count();
}

double median(std::vector<double> values) {
  std::ranges::nth_element(values, values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2));
  return values[values.size() / 2];
}

/// What somebody would write who only wants the bytes kept: a value for the block and one for each
/// message, in one synced batch.
class Reference {
 public:
  explicit Reference(const std::filesystem::path& directory) {
    rocksdb::Options options;
    options.create_if_missing = true;
    options.compression = rocksdb::kNoCompression;
    rocksdb::DB* opened = nullptr;
    check(rocksdb::DB::Open(options, directory.string(), &opened).ok(), "no reference database");
    database_.reset(opened);
  }

  double keep(const BlockHash& hash, const Block& block, const std::vector<MessageId>& ids) {
    const auto begin = SystemClock().steady();
    rocksdb::WriteBatch batch;
    const auto put = [&batch](ByteView key, const Bytes& value) {
      check(batch.Put(std::string(as_text(key)), std::string(as_text(value))).ok(), "no batch");
    };
    put(hash.view(), encode(block.header));
    for (std::size_t i = 0; i < ids.size(); ++i) put(ids[i].view(), encode(block.messages[i]));
    rocksdb::WriteOptions options;
    options.sync = true;
    check(database_->Write(options, &batch).ok(), "no write");
    return seconds_since(begin);
  }

 private:
  std::unique_ptr<rocksdb::DB> database_;
};

void run(const std::filesystem::path& directory, std::size_t blocks, std::size_t per_block) {
  std::filesystem::create_directories(directory);
  const SystemClock clock;
  SystemDisk disk;
  crypto::SystemEntropy entropy;
  const std::uint64_t start = clock.now().value - (blocks + 2) * 600;
  ChainBuilder builder(easy_rules_text("time", std::to_string(start)));
  const auto store = must(storage::RocksStore::create(
      directory / "chain", builder.rules_text(),
      {.disk = disk, .witness = directory / "witness", .witness_beside = true}));
  const auto node = must(node::Node::make({.store = *store,
                                           .chain = builder.chain(),
                                           .clock = clock,
                                           .entropy = entropy,
                                           .agent = "bench"}));
  Reference reference(directory / "reference");

  std::vector<double> ours;
  std::vector<double> its;
  Header parent = builder.genesis();
  for (std::size_t height = 1; height <= blocks; ++height) {
    std::vector<Message> messages;
    for (std::size_t i = 0; i < per_block; ++i) {
      messages.push_back(builder.public_message(fmt::format("{:0{}} {}", height, kTextBytes, i),
                                                {parent.time.value + 600}));
    }
    const Block block = builder.block(parent, messages);
    for (const auto& outcome : must(node->submit_messages(messages, node::Origin::peer)))
      check(outcome.verdict == node::Verdict::accepted, "the pool takes no message");
    const auto begin = SystemClock().steady();
    const auto outcome = must(node->submit_block(block));
    const double took = seconds_since(begin);
    check(outcome.verdict == node::Verdict::accepted, "the block was not connected");
    ours.push_back(took);
    its.push_back(reference.keep(chain::hash_of(block.header), block, chain::ids_of(block)));
    parent = block.header;
  }
  const auto tip = must(store->tip());
  check(tip.height.value == blocks, "the chain is shorter than what was given");
  const auto rate = [&](double seconds) { return static_cast<double>(per_block) / seconds; };
  fmt::print("{{\"ours\":{:.0f},\"reference\":{:.0f}}}\n", rate(median(ours)), rate(median(its)));
}

/// Time on all cores so far, of all threads.
double cpu_seconds() {
  timespec spent{};
  check(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &spent) == 0, "no clock of the process");
  return static_cast<double>(spent.tv_sec) + static_cast<double>(spent.tv_nsec) / 1e9;
}

/// Adds the CPU time of `work` to a sum.
template <class Work>
auto timed(double& sum, Work work) {
  const double begin = cpu_seconds();
  auto made = work();
  sum += cpu_seconds() - begin;
  return made;
}

void stages(const std::filesystem::path& directory, const std::filesystem::path& bundle) {
  std::filesystem::create_directories(directory);
  const SystemClock clock;
  SystemDisk disk;
  crypto::SystemEntropy entropy;
  const auto bytes = must(disk.read(bundle, SIZE_MAX));
  const auto frames = must(chain::view_pack(*bytes, chain::EndFrame::required));
  const std::string rules_text = to_string(frames.front().payload);
  const auto rules = must(chain::parse_chain_rules(rules_text));
  auto store = must(storage::RocksStore::create(
      directory / "chain", rules_text,
      {.disk = disk, .witness = directory / "witness", .witness_beside = true}));
  auto node = must(node::Node::make(
      {.store = *store, .chain = rules, .clock = clock, .entropy = entropy, .agent = "bench"}));
  double decode = 0;
  double judge = 0;
  double keep = 0;
  double close = 0;
  std::size_t messages = 0;
  const auto nowhere = [](const MessageId&) { return false; };
  for (std::size_t at = 1; at < frames.size();) {
    std::vector<Block> blocks;
    for (; blocks.size() < kBlocksPerRequest && at < frames.size(); ++at) {
      check(frames[at].type == chain::FrameType::block, "something else than blocks");
      blocks.push_back(timed(decode, [&] { return must(decode_block(frames[at].payload)); }));
      messages += blocks.back().messages.size();
    }
    timed(judge, [&] {
      const auto digests = chain::digests_of(blocks);
      for (std::size_t i = 0; i < blocks.size(); ++i)
        check(!chain::find_violation(blocks[i], digests[i], rules, nowhere), "a bad block");
      return true;
    });
    const auto outcomes = timed(keep, [&] { return must(node->submit_blocks(blocks)); });
    check(outcomes.size() == blocks.size(), "a block was not connected");
  }
  timed(close, [&] {
    node.reset();
    store.reset();
    return true;
  });
  const auto each = [&](double seconds) { return seconds * 1e6 / static_cast<double>(messages); };
  fmt::print("{{\"decode\":{:.2f},\"judge\":{:.2f},\"keep\":{:.2f},\"close\":{:.2f}}}\n",
             each(decode), each(judge), each(keep - judge), each(close));
}

void compact(const std::filesystem::path& chain) {
  SystemDisk disk;
  must(must(storage::RocksStore::open(chain, {.disk = disk}))->compact());
}

std::size_t number(std::string_view word) {
  std::size_t value = 0;
  std::from_chars(word.data(), word.data() + word.size(), value);
  return value;
}

}  // namespace
}  // namespace bmsg

int main(int count, char** words) {
  if (count == 3 && std::string_view(words[1]) == "compact") {
    bmsg::compact(words[2]);
    return 0;
  }
  if (count == 4 && std::string_view(words[1]) == "stages" && !std::filesystem::exists(words[2])) {
    bmsg::stages(words[2], words[3]);
    return 0;
  }
  const bool whole = count == 4 && bmsg::number(words[2]) > 0 && bmsg::number(words[3]) > 0;
  if (!whole || std::filesystem::exists(words[1])) {
    std::fputs(
        "bench_blocks DIRECTORY BLOCKS MESSAGES_PER_BLOCK | stages DIRECTORY BUNDLE | "
        "compact CHAIN\n",
        stderr);
    return 64;
  }
  bmsg::run(words[1], bmsg::number(words[2]), bmsg::number(words[3]));
  return 0;
}
