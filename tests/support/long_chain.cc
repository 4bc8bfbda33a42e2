// A chain that is long and cheap, as a bundle: what mining would take hours for, since no block may
// be dated ahead of the clock.
//
//   long_chain BLOCKS MESSAGES_PER_BLOCK WAITING [TEXT_BYTES | foreign] >BUNDLE
//
// The newest block is as old as an interval; WAITING messages of now come after the blocks. Texts
// of the blocks are filled up with noise to TEXT_BYTES. "foreign": what the blocks hold looks like
// short letters sealed to somebody else.

#include <fmt/format.h>

#include <charconv>
#include <cstdio>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "lib/chain/pack_stream.h"
#include "lib/core/clock.h"
#include "lib/core/codec.h"
#include "lib/core/try.h"
#include "tests/support/chain_builder.h"

namespace bmsg {
namespace {

constexpr std::uint32_t kInterval = 600;  // Of easy_rules_text().
constexpr std::size_t kEncapsulatedBytes = 32;
constexpr std::size_t kLetterBytes = 304;  // 256 of text, and what sealing adds.

std::optional<std::size_t> number(std::string_view word) {
  std::size_t read = 0;
  const auto parsed = std::from_chars(word.data(), word.data() + word.size(), read);
  if (parsed.ec != std::errc() || parsed.ptr != word.data() + word.size()) return std::nullopt;
  return read;
}

Result<Done> to_stdout(ByteView bytes) {
  const bool all = std::fwrite(bytes.data(), 1, bytes.size(), stdout) == bytes.size();
  return all ? Result<Done>(done) : Error{Errc::io, "cannot write"};
}

/// Noise, so that no file system and no database makes it smaller; the same in each run.
std::string filled(std::string text, std::size_t bytes, std::mt19937_64& noise) {
  while (text.size() < bytes) text.push_back(static_cast<char>('!' + noise() % 94));
  return text;
}

Bytes noise_of(std::size_t bytes, std::mt19937_64& noise) {
  Bytes made(bytes);
  for (std::uint8_t& byte : made) byte = static_cast<std::uint8_t>(noise());
  return made;
}

/// Without the key nobody can tell noise from a letter: one slot, and a text of up to 256 bytes.
Message foreign_letter(const ChainBuilder& builder, UnixSeconds time, std::mt19937_64& noise) {
  Message message = builder.public_message({}, time);
  message.head.suite = Suite::sealed;
  message.head.key_section = noise_of(kEncapsulatedBytes + kSlotBytes, noise);
  builder.set_body(message, noise_of(kLetterBytes, noise));
  return message;
}

Result<Done> write(std::size_t blocks, std::size_t per_block, std::size_t waiting,
                   std::optional<std::size_t> text_bytes) {
  std::mt19937_64 noise(1);
  const UnixSeconds now = SystemClock().now();
  ChainBuilder builder(
      easy_rules_text("time", std::to_string(now.value - (blocks + 1) * kInterval)));
  chain::PackWriter pack(to_stdout);
  BMSG_TRY(pack.begin());
  BMSG_TRY(pack.add(chain::FrameType::genesis, as_bytes(builder.rules_text())));
  Header parent = builder.genesis();
  for (std::size_t height = 1; height <= blocks; ++height) {
    const UnixSeconds time{parent.time.value + kInterval};
    std::vector<Message> messages;
    for (std::size_t i = 0; i < per_block; ++i) {
      messages.push_back(
          text_bytes
              ? builder.public_message(
                    filled(fmt::format("honest {} of {}", i, height), *text_bytes, noise), time)
              : foreign_letter(builder, time, noise));
    }
    const Block block = builder.block(parent, std::move(messages), time);
    BMSG_TRY(pack.add(chain::FrameType::block, encode(block)));
    parent = block.header;
  }
  for (std::size_t i = 0; i < waiting; ++i) {
    const Message message = builder.public_message(fmt::format("waiting {}", i), now);
    BMSG_TRY(pack.add(chain::FrameType::message, encode(message)));
  }
  return pack.finish();
}

int run(int count, char** words) {
  const bool is_whole = count == 4 || count == 5;
  const auto blocks = is_whole ? number(words[1]) : std::nullopt;
  const auto per_block = is_whole ? number(words[2]) : std::nullopt;
  const auto waiting = is_whole ? number(words[3]) : std::nullopt;
  const bool is_foreign = count == 5 && std::string_view(words[4]) == "foreign";
  const auto text_bytes = count == 5 ? number(words[4]) : std::size_t{0};
  if (!blocks || !per_block || !waiting || (!text_bytes && !is_foreign)) {
    std::fputs("long_chain BLOCKS MESSAGES_PER_BLOCK WAITING [TEXT_BYTES | foreign] >BUNDLE\n",
               stderr);
    return 64;
  }
  const auto written = write(*blocks, *per_block, *waiting, text_bytes);
  if (!written) std::fprintf(stderr, "long_chain: %s\n", written.error().message.c_str());
  return written ? 0 : 74;
}

}  // namespace
}  // namespace bmsg

int main(int count, char** words) { return bmsg::run(count, words); }
