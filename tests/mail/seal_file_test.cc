// Files that several threads seal.

#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <mutex>

#include "lib/mail/attachment.h"
#include "tests/mail/support.h"

namespace bmsg::mail {
namespace {

constexpr std::size_t kChunks = 40;

/// Keeps what it is given, and fails or waits as the test wants.
class SharedSink final : public ChunkSink {
 public:
  Result<bool> has(const MessageId& id) override {
    const std::lock_guard lock(mutex_);
    return chunks.contains(id);
  }
  Result<Done> put(const Message& chunk, const MessageId& id) override {
    const std::lock_guard lock(mutex_);
    if (puts++ >= fails_after) return Error{Errc::io, "no space left"};
    chunks[id] = chunk;
    return done;
  }

  std::map<MessageId, Message> chunks;
  std::size_t puts = 0;
  std::size_t fails_after = SIZE_MAX;

 private:
  std::mutex mutex_;
};

SealOptions day(unsigned threads, ToldChunk told = {}) {
  static const chain::ChainRules chain = [] {
    auto made = example_chain();
    made.rules.blobstamp = 0;
    return made;
  }();
  return {.head = {.chain = chain, .time = golden::kMessageTime, .ttl = 86400},
          .threads = threads,
          .told = std::move(told)};
}

/// A file of so many bytes, of which no two chunks are the same.
class Source {
 public:
  explicit Source(std::size_t size) : size_(size) {}

  Result<std::size_t> operator()(std::span<std::uint8_t> out) {
    ++reads;
    const std::size_t got = std::min(out.size(), size_ - at_);
    for (std::size_t i = 0; i < got; ++i) out[i] = static_cast<std::uint8_t>((at_ + i) * 7 % 251);
    at_ += got;
    return got;
  }

  std::size_t reads = 0;

 private:
  std::size_t size_;
  std::size_t at_ = 0;
};

Result<Manifest> sealed(Source& source, ChunkSink& sink, const SealOptions& options) {
  const auto read = [&](std::span<std::uint8_t> out) { return source(out); };
  return seal_file(secret(0x21), "seven.bin", read, sink, options, {});
}

TEST(SealFile, MakesTheSameWithSeveralThreadsAsWithOne) {
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, kChunkBytes, kChunkBytes + 1,
                                 2 * kChunkBytes, kChunks * kChunkBytes - 1}) {
    SharedSink alone;
    SharedSink together;
    Source one(size);
    Source other(size);
    std::vector<std::uint64_t> told;
    const auto tell = [&](std::uint64_t number) { told.push_back(number); };
    const auto expected = sealed(one, alone, day(1));
    const auto got = sealed(other, together, day(4, tell));
    ASSERT_TRUE(got);
    EXPECT_EQ(encode(got.value()), encode(expected.value())) << size;
    EXPECT_EQ(together.chunks, alone.chunks) << size;
    ASSERT_EQ(told.size(), chunks_of(size));
    for (std::size_t i = 0; i < told.size(); ++i) EXPECT_EQ(told[i], i + 1);
  }
}

TEST(SealFile, SkipsWhatIsThereWithSeveralThreads) {
  SharedSink sink;
  Source first(kChunks * kChunkBytes);
  Source second(kChunks * kChunkBytes);
  ASSERT_TRUE(sealed(first, sink, day(4)));
  const std::size_t puts = sink.puts;
  EXPECT_EQ(puts, kChunks + 1);
  sink.chunks.erase(sink.chunks.begin());
  ASSERT_TRUE(sealed(second, sink, day(4)));
  EXPECT_EQ(sink.puts, puts + 1);
}

TEST(SealFile, EndsWithTheErrorOfASinkAndReadsNoFurther) {
  for (const std::size_t fails_after : {0u, 1u, 7u}) {
    SharedSink sink;
    sink.fails_after = fails_after;
    Source source(1000 * kChunkBytes);
    const auto got = sealed(source, sink, day(4));
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().code, Errc::io);
    EXPECT_LT(source.reads, 100u);
  }
  SharedSink sink;
  sink.fails_after = kChunks;  // The index alone.
  Source source(kChunks * kChunkBytes);
  EXPECT_EQ(sealed(source, sink, day(4)).error().code, Errc::io);
}

TEST(SealFile, EndsWithTheErrorOfWhatItReads) {
  SharedSink sink;
  Source source(1000 * kChunkBytes);
  const auto read = [&](std::span<std::uint8_t> out) -> Result<std::size_t> {
    if (source.reads == 9) return Error{Errc::io, "the pipe broke"};
    return source(out);
  };
  const auto got = seal_file(secret(0x21), "x", read, sink, day(4), {});
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().message, "the pipe broke");
  EXPECT_LE(sink.puts, 9u);
}

}  // namespace
}  // namespace bmsg::mail
