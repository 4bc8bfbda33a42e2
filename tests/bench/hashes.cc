// The hashing of bmsg beside OpenSSL's, as JSON Lines:
//
//   bench_hashes ROUNDS MILLISECONDS
//
// Each row is measured in ROUNDS turns of its two sides, MILLISECONDS each at least; a line gives
// the median rates. Both sides do the same work: that is looked at before anything is timed.

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "lib/chain/block_hash.h"
#include "lib/chain/header_rules.h"
#include "lib/chain/message_rules.h"
#include "lib/core/check.h"
#include "lib/core/clock.h"
#include "lib/core/codec.h"
#include "lib/crypto/search.h"
#include "lib/crypto/sha512.h"
#include "lib/mail/stamp.h"
#include "tests/support/chain_builder.h"

namespace bmsg {
namespace {

constexpr std::uint64_t kStep = 1 << 14;      // Nonces between two looks at the clock.
constexpr std::uint64_t kRare = ~0ULL >> 14;  // One nonce of 16,384 meets this limit.
constexpr std::size_t kNonceBytes = 8;

struct Effort {
  unsigned rounds = 0;
  std::chrono::milliseconds time;
};

/// Does some work; how many units it was.
using Work = std::function<std::uint64_t()>;

double seconds_since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(SystemClock().steady() - begin).count();
}

/// Units a second of one turn.
double rate_of(const Work& work, const Effort& effort) {
  const auto begin = SystemClock().steady();
  std::uint64_t units = 0;
  double took = 0;
  do {
    units += work();
    took = seconds_since(begin);
  } while (took < std::chrono::duration<double>(effort.time).count());
  return static_cast<double>(units) / took;
}

double median(std::vector<double> values) {
  std::ranges::nth_element(values, values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2));
  return values[values.size() / 2];
}

void measure(std::string_view name, const Effort& effort, const Work& ours, const Work& reference) {
  std::vector<double> our_rates;
  std::vector<double> its_rates;
  for (unsigned round = 0; round < effort.rounds; ++round) {
    its_rates.push_back(rate_of(reference, effort));
    our_rates.push_back(rate_of(ours, effort));
  }
  fmt::print("{{\"name\":\"{}\",\"ours\":{:.0f},\"reference\":{:.0f}}}\n", name, median(our_rates),
             median(its_rates));
  (void)std::fflush(stdout);  // Whoever reads it sees what is missing.
}

/// What a miner without our kernel does: the whole header for each nonce.
std::optional<std::uint64_t> find_plainly(ByteView prefix, std::uint64_t limit, std::uint64_t start,
                                          std::uint64_t count) {
  Bytes bytes(prefix.begin(), prefix.end());
  bytes.resize(prefix.size() + kNonceBytes);
  for (std::uint64_t nonce = start; nonce < start + count; ++nonce) {
    for (unsigned i = 0; i < kNonceBytes; ++i)
      bytes[prefix.size() + i] = static_cast<std::uint8_t>(nonce >> (56 - 8 * i));
    const Digest hash = crypto::sha512(bytes);
    std::uint64_t first = 0;
    for (unsigned i = 0; i < 8; ++i) first = first << 8 | hash.view()[i];
    if (first <= limit) return nonce;
  }
  return std::nullopt;
}

std::optional<std::uint64_t> find_by(const crypto::SearchKernel& kernel, ByteView prefix,
                                     std::uint64_t limit, std::uint64_t start,
                                     std::uint64_t count) {
  std::uint64_t nonce = 0;
  if (!kernel.find(crypto::search_block(prefix, limit), start, count, nonce)) return std::nullopt;
  return nonce;
}

/// The bytes of a header before its nonce.
Bytes header_prefix(const Header& header) {
  Bytes bytes = encode(header);
  bytes.resize(bytes.size() - kNonceBytes);
  return bytes;
}

/// Each build of the kernel that this machine runs, and two threads beside one.
void measure_search(const ChainBuilder& builder, const Effort& effort) {
  const Bytes prefix = header_prefix(builder.genesis());
  std::uint64_t start = 0;
  const Work plain = [&] {
    check(!find_plainly(prefix, 0, start += kStep, kStep), "a hash of 64 zero bits");
    return kStep;
  };
  const auto kernels = crypto::supported_search_kernels();
  for (unsigned i = 0; i < kernels.count; ++i) {
    const crypto::SearchKernel& kernel = kernels.list[i];
    for (const std::uint64_t from : {0ULL, 1ULL << 20, 1ULL << 40}) {
      check(find_by(kernel, prefix, kRare, from, kStep * 8) ==
                find_plainly(prefix, kRare, from, kStep * 8),
            "a kernel finds another nonce than a plain search");
    }
    measure(
        fmt::format("search {}", kernel.name), effort,
        [&] {
          check(!find_by(kernel, prefix, 0, start += kStep, kStep), "a hash of 64 zero bits");
          return kStep;
        },
        plain);
  }
  const auto search_many = [&](unsigned threads) {
    constexpr std::uint64_t kMany = 64 * kStep;
    std::vector<std::jthread> others;
    const crypto::Search search(prefix, 0);
    const auto part = [&search](std::uint64_t from) {
      check(!search.find(from, kMany), "a hash of 64 zero bits");
    };
    for (unsigned i = 1; i < threads; ++i) others.emplace_back(part, (i + 1) * kMany);
    part(0);
    others.clear();
    return threads * kMany;
  };
  measure(
      "search two threads", effort, [&] { return search_many(2); }, [&] { return search_many(1); });
}

/// Stamps of messages of 500 bytes that live for 30 days. A unit is a message, always the same ones
/// on both sides: what a stamp costs is luck.
void measure_stamps(const Effort& effort) {
  constexpr std::uint32_t kMessages = 16;
  const ChainBuilder builder(easy_rules_text("stamp", "4"));
  std::vector<MessageHead> heads;
  for (std::uint32_t i = 0; i < kMessages; ++i) {
    MessageHead head = builder.public_message(fmt::format("{:0500}", i), {kEasyGenesisTime}).head;
    check(head.ttl == 30 * 86400, "a message that lives as long as the row says");
    heads.push_back(head);
  }
  const auto limit_of = [&](const MessageHead& head) {
    return chain::stamp_limit(chain::stamp_needed(builder.chain(), head));
  };
  const auto plain = [&](const MessageHead& head) {
    return find_plainly(chain::id_of(head).view(), limit_of(head), 0, ~0ULL);
  };
  check(mail::find_stamp(heads[0], builder.chain(), 1, {}) == plain(heads[0]),
        "a stamp is another than a plain search finds");
  measure(
      "stamps", effort,
      [&] {
        for (const MessageHead& head : heads) (void)mail::find_stamp(head, builder.chain(), 1, {});
        return kMessages;
      },
      [&] {
        for (const MessageHead& head : heads) (void)plain(head);
        return kMessages;
      });
}

/// Headers against their rules, one after the other and with their hashes made together; the limit
/// is one hash of each.
void measure_headers(const Effort& effort) {
  constexpr std::size_t kHeaders = 2000;
  ChainBuilder builder;
  std::vector<SealedHeader> headers;
  std::vector<Bytes> encoded;
  std::vector<chain::HeaderContext> contexts;
  const Header genesis = builder.genesis();
  headers.reserve(kHeaders);  // Each stands beside its parent, as those do that come over the wire.
  for (const Block& block : builder.blocks(genesis, kHeaders)) {
    const Header& parent = headers.empty() ? genesis : headers.back().header;
    const chain::HeaderContext known = builder.context_after(parent);
    contexts.push_back({known.chain, parent, known.parent_hash, known.past, {}, {}});
    headers.push_back({block.header, block.seal});
    encoded.push_back(encode(block.header));
  }
  const Work plain = [&] {
    for (const Bytes& bytes : encoded) (void)crypto::sha512(bytes);
    return kHeaders;
  };
  const auto judge = [&](std::size_t i) {
    check(!chain::find_violation(headers[i], contexts[i]), "a valid header breaks a rule");
  };
  measure(
      "headers one by one", effort,
      [&] {
        for (std::size_t i = 0; i < kHeaders; ++i) {
          contexts[i].hash.reset();
          judge(i);
        }
        return kHeaders;
      },
      plain);
  std::vector<Header> bare;
  for (const SealedHeader& header : headers) bare.push_back(header.header);
  measure(
      "headers batched", effort,
      [&] {
        const std::vector<BlockHash> hashes = chain::hashes_of(bare);
        for (std::size_t i = 0; i < kHeaders; ++i) {
          contexts[i].hash = hashes[i];
          judge(i);
        }
        return kHeaders;
      },
      plain);
}

int run(int count, char** words) {
  Effort effort;
  const auto number = [&](int at) {
    const std::string_view word = words[at];
    unsigned value = 0;
    std::from_chars(word.data(), word.data() + word.size(), value);
    return value;
  };
  if (count == 3) effort = {number(1), std::chrono::milliseconds(number(2))};
  if (effort.rounds == 0 || effort.time.count() == 0) {
    std::fputs("bench_hashes ROUNDS MILLISECONDS\n", stderr);
    return 64;
  }
  measure_search(ChainBuilder(), effort);
  measure_stamps(effort);
  measure_headers(effort);
  return 0;
}

}  // namespace
}  // namespace bmsg

int main(int count, char** words) { return bmsg::run(count, words); }
