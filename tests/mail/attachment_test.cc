#include "lib/mail/attachment.h"

#include <gtest/gtest.h>

#include <map>

#include "lib/chain/block_hash.h"
#include "lib/chain/message_rules.h"
#include "lib/crypto/sha512.h"
#include "tests/mail/support.h"

namespace bmsg::mail {
namespace {

// Computed by an independent model: a file of 262,145 bytes, i·7 mod 251, under the key 21…21.
constexpr std::string_view kFirstChunk =
    "19d8b2e0c3a721a389dad7f277ebfd41654dc74e1aaf226524a0e03f830f1865"
    "644cdeb391900f198b14b826a26670965b58ef2a14e57cb61930e1e993ba46d3";
constexpr std::string_view kSecondChunk =
    "de260a747bc664433868e53ccb00ec615000bcc0299117178c777aee305c435e"
    "1cf27bc1ff8d012f9d57557df3a181fea6b5e71dd679f8ea4baad0aae760bb5a";
constexpr std::string_view kIndex =
    "bcba3666dbeb7c15bfa604e8bbec200ee60e4ad50ff4362173c89b042afa280d"
    "61bb8dad916c053c9e629307ae52f8c772f7c8ce02d795406dcc48f12e90b1c7";
constexpr std::string_view kEmptyIndex =
    "1a9bcc6f5eb30ab0c638f8567e34c5c5007f6f702f75b5334fbe06a0ed9c00ed"
    "a4b4bbc58f0be2c694f97269496d1e9e8d79d9786c3a6e1112628d7d05f47009";
constexpr std::string_view kManifestHash =
    "4ae226a62aa68c9c86a482a8d5707f3f3f4f8048607b1be2f85384bd31a6ae45"
    "a7a0ab606f4198b599c0fb9261c079b5c750c427f161040e9e1dc536552edbe0";

class MemorySink final : public ChunkSink {
 public:
  Result<bool> has(const MessageId& id) override { return chunks.contains(id); }
  Result<Done> put(const Message& chunk, const MessageId& id) override {
    ++puts;
    chunks[id] = chunk;
    return done;
  }

  std::map<MessageId, Message> chunks;
  int puts = 0;
};

/// The example's chain, where chunks need no stamp.
const chain::ChainRules& unstamped() {
  static const chain::ChainRules chain = [] {
    auto made = example_chain();
    made.rules.blobstamp = 0;
    return made;
  }();
  return chain;
}

SealOptions day(const chain::ChainRules& chain = unstamped()) {
  return {.head = {.chain = chain, .time = golden::kMessageTime, .ttl = 86400}};
}

Bytes sevens(std::size_t size) {
  Bytes bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::uint8_t>(i * 7 % 251);
  return bytes;
}

/// Gives `bytes` in pieces of whatever is asked.
ReadPiece reading(const Bytes& bytes, std::size_t& at) {
  return [&](std::span<std::uint8_t> out) -> Result<std::size_t> {
    const std::size_t got = std::min(out.size(), bytes.size() - at);
    std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(at), got, out.begin());
    at += got;
    return got;
  };
}

Manifest sealed(const Bytes& file, MemorySink& sink, const SealOptions& options = day()) {
  std::size_t at = 0;
  return seal_file(secret(0x21), "seven.bin", reading(file, at), sink, options, {}).value();
}

Result<Bytes> opened(const Manifest& manifest, const MemorySink& sink) {
  const auto index = sink.chunks.find(manifest.index);
  if (index == sink.chunks.end()) return Error{Errc::not_found, "no index"};
  const auto ids = open_index(manifest, index->second);
  if (!ids) return ids.error();
  Bytes file;
  const auto find = [&](const MessageId& id) -> Result<Message> { return sink.chunks.at(id); };
  const auto take = [&](ByteView piece) -> Result<Done> {
    append(file, piece);
    return done;
  };
  const auto all = open_file(manifest, ids.value(), find, take);
  if (!all) return all.error();
  return file;
}

TEST(Attachment, IsByteForByteWhatTheModelComputed) {
  MemorySink sink;
  const Manifest manifest = sealed(sevens(262'145), sink);
  EXPECT_EQ(sink.chunks.size(), 3u);
  EXPECT_TRUE(sink.chunks.contains(golden::fixed<MessageId>(kFirstChunk)));
  EXPECT_TRUE(sink.chunks.contains(golden::fixed<MessageId>(kSecondChunk)));
  EXPECT_EQ(manifest.index, golden::fixed<MessageId>(kIndex));
  EXPECT_EQ(crypto::sha512(encode(manifest)), golden::fixed<Digest>(kManifestHash));
}

TEST(Attachment, EmptyFileHasAnIndexAndNoChunk) {
  MemorySink sink;
  const Manifest manifest = sealed({}, sink);
  EXPECT_EQ(manifest.size, 0u);
  EXPECT_EQ(manifest.index, golden::fixed<MessageId>(kEmptyIndex));
  EXPECT_EQ(sink.chunks.size(), 1u);
  EXPECT_EQ(opened(manifest, sink).value(), Bytes());
}

TEST(Attachment, ComesBackWholeOnBothSidesOfEachChunksEnd) {
  for (const std::size_t size : {1u, 256u, 257u, 262'143u, 262'144u, 262'145u, 524'288u}) {
    MemorySink sink;
    const Bytes file = sevens(size);
    const Manifest manifest = sealed(file, sink);
    EXPECT_EQ(manifest.size, size);
    EXPECT_EQ(sink.chunks.size(), chunks_of(size) + 1) << size;
    EXPECT_EQ(opened(manifest, sink).value(), file) << size;
    for (const auto& [id, chunk] : sink.chunks)
      EXPECT_LE(chunk.head.encoded_bytes(), kChunkMessageBytesMax);
  }
}

TEST(Attachment, ChunksKeepTheRulesOfMessages) {
  MemorySink sink;
  auto options = day(example_chain());
  options.head.ttl = 60;
  (void)sealed(sevens(300), sink, options);
  for (const auto& [id, chunk] : sink.chunks) {
    const UnixSeconds then{golden::kMessageTime};
    EXPECT_FALSE(chain::find_violation(chunk, id, then, example_chain()));
    Bytes body = *chunk.body;
    body[0] ^= 1;
    const Message other{.head = chunk.head, .nonce = chunk.nonce, .body = body};
    EXPECT_EQ(chain::find_violation(other, id, then, example_chain())->rule, chain::Rule::body);
  }
}

TEST(Attachment, TellsBeforehandWhatStampsItTakes) {
  const auto head = day(example_chain()).head;
  // 262,264 bytes for a day, and an index of 376.
  EXPECT_EQ(stamps_needed(head, 262'144), 262'264u + 376u);
  EXPECT_EQ(stamps_needed(head, 262'145), 262'264u + 376u + 376u);
  EXPECT_EQ(stamps_needed(head, 0), 376u);
  EXPECT_EQ(stamps_needed(day().head, 262'144), 0u);
}

TEST(Attachment, DoesNotStampAgainWhatIsThere) {
  MemorySink sink;
  (void)sealed(sevens(300'000), sink);
  const int before = sink.puts;
  (void)sealed(sevens(300'000), sink);
  EXPECT_EQ(sink.puts, before);
}

TEST(Attachment, FindsOutWhoeverChangesOneBitOfAChunk) {
  MemorySink sink;
  const Manifest manifest = sealed(sevens(300'000), sink);
  for (auto& [id, chunk] : sink.chunks) {
    (*chunk.body)[chunk.body->size() / 2] ^= 1;
    EXPECT_EQ(opened(manifest, sink).error().code, Errc::corrupt);
    (*chunk.body)[chunk.body->size() / 2] ^= 1;
  }
  EXPECT_TRUE(opened(manifest, sink));
}

TEST(Attachment, FindsOutASenderWhoseManifestLies) {
  MemorySink sink;
  const auto fault_of = [&](const std::function<void(Manifest&)>& lie) {
    Manifest manifest = sealed(sevens(300'000), sink);
    lie(manifest);
    const auto file = opened(manifest, sink);
    return file ? std::optional<Errc>() : std::optional(file.error().code);
  };
  EXPECT_EQ(fault_of([](Manifest&) {}), std::nullopt);
  EXPECT_EQ(fault_of([](Manifest& m) { m.hash = Digest::filled(1); }), Errc::corrupt);
  EXPECT_EQ(fault_of([](Manifest& m) { m.key = secret(0x22); }), Errc::corrupt);
  EXPECT_EQ(fault_of([](Manifest& m) { m.size -= 1; }), Errc::corrupt);
  EXPECT_EQ(fault_of([](Manifest& m) { m.size += kChunkBytes; }), Errc::corrupt);
  EXPECT_EQ(fault_of([&](Manifest& m) { m.index = sink.chunks.begin()->first; }), Errc::corrupt);
}

TEST(Attachment, RefusesPaddingThatIsNotZero) {
  const auto head = day().head;
  const Bytes piece = sevens(10);
  Bytes padded = piece;
  padded.resize(256);
  padded.back() = 1;
  const Message honest = seal_chunk(secret(1), 0, piece, head);
  const Message other = seal_chunk(secret(1), 0, padded, head);
  ASSERT_EQ(honest.body->size(), other.body->size());
  EXPECT_TRUE(open_chunk(secret(1), 0, *honest.body, 10));
  EXPECT_EQ(open_chunk(secret(1), 0, *other.body, 10).error().code, Errc::corrupt);
  EXPECT_FALSE(open_chunk(secret(1), 1, *honest.body, 10)) << "the key of another chunk";
}

TEST(Attachment, EndsAtOneGibibyte) {
  // The sink has everything, so that nothing is kept; the chunks are not the point here.
  class Endless final : public ChunkSink {
   public:
    Result<bool> has(const MessageId&) override { return true; }
    Result<Done> put(const Message&, const MessageId&) override { return done; }
  } sink;
  std::uint64_t left = 0;
  const auto read = [&](std::span<std::uint8_t> out) -> Result<std::size_t> {
    // As if of a sparse file: no byte of it is looked at but by the hash.
    const auto got = static_cast<std::size_t>(std::min<std::uint64_t>(left, out.size()));
    left -= got;
    return got;
  };
  EXPECT_EQ(chunks_of(kFileBytesMax), kChunksMax);
  EXPECT_EQ(kChunksMax * MessageId::kSize, kChunkBytes) << "the ids fill one chunk";
  left = 3 * kChunkBytes;
  EXPECT_TRUE(seal_file(secret(1), "x", read, sink, day(), {}));
  Manifest manifest{.size = kFileBytesMax,
                    .key = secret(1),
                    .hash = {},
                    .index = {},
                    .name = std::string(kFileNameBytesMax, 'x')};
  EXPECT_TRUE(decode_manifest(encode(manifest)));
  manifest.size += 1;
  EXPECT_EQ(decode_manifest(encode(manifest)).error().code, Errc::bad_input);
  manifest.size = 0;
  manifest.name += 'x';
  EXPECT_EQ(decode_manifest(encode(manifest)).error().code, Errc::bad_input);
}

TEST(Manifest, DecodesWhatWasEncodedAndNoTruncation) {
  MemorySink sink;
  const Manifest manifest = sealed(sevens(10), sink);
  const Bytes bytes = encode(manifest);
  const auto read = decode_manifest(bytes).value();
  EXPECT_EQ(encode(read), bytes);
  EXPECT_EQ(read.name, "seven.bin");
  for (std::size_t size = 0; size < bytes.size() - manifest.name.size(); ++size)
    EXPECT_FALSE(decode_manifest(ByteView(bytes).first(size))) << size;
  Bytes other = bytes;
  other.back() = 0xff;
  EXPECT_EQ(decode_manifest(other).error().code, Errc::bad_input) << "no UTF-8";
}

}  // namespace
}  // namespace bmsg::mail
