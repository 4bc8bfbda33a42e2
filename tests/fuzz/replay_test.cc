#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <random>
#include <set>

#include <gtest/gtest.h>

#include "tests/fuzz/every_target.h"
#include "tests/fuzz/seeds.h"
#include "tests/support/seed.h"

namespace bmsg::fuzz {
namespace {

const std::filesystem::path kCorpus = std::filesystem::path(BMSG_SOURCE_DIR) / "tests/corpus";

Bytes read_file(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// What lies in tests/corpus for a decoder.
std::vector<Bytes> corpus_of(std::string_view target) {
  std::vector<std::filesystem::path> files;
  std::error_code none;
  for (const auto& entry : std::filesystem::directory_iterator(kCorpus / target, none))
    files.push_back(entry.path());
  std::ranges::sort(files);
  std::vector<Bytes> out;
  for (const auto& file : files) out.push_back(read_file(file));
  return out;
}

/// One change of those that find most: a bit, a byte, a number, a piece out, in or from elsewhere.
Bytes changed(Bytes bytes, const Bytes& other, std::mt19937_64& random) {
  const auto below = [&random](std::size_t end) { return end == 0 ? 0 : random() % end; };
  const std::size_t at = below(bytes.size());
  const std::size_t some = std::min<std::size_t>(1 + below(16), bytes.size() - at);
  const auto where = bytes.begin() + static_cast<std::ptrdiff_t>(at);
  switch (random() % 7) {
    case 0:
      if (!bytes.empty()) bytes[at] ^= static_cast<std::uint8_t>(1u << random() % 8);
      break;
    case 1:
      if (!bytes.empty()) bytes[at] = static_cast<std::uint8_t>(random());
      break;
    case 2:
      std::fill_n(where, some, random() % 2 ? std::uint8_t{0xff} : std::uint8_t{0});
      break;
    case 3:
      bytes.erase(where, where + static_cast<std::ptrdiff_t>(some));
      break;
    case 4:
      bytes.insert(where, 1 + below(8), static_cast<std::uint8_t>(random()));
      break;
    case 5:
      bytes.resize(at);
      break;
    default: {
      const std::size_t from = below(other.size());
      const std::size_t size = std::min<std::size_t>(1 + below(64), other.size() - from);
      const auto begin = other.begin() + static_cast<std::ptrdiff_t>(from);
      bytes.insert(where, begin, begin + static_cast<std::ptrdiff_t>(size));
    }
  }
  return bytes;
}

TEST(Corpus, HasForEachDecoderWhatItAccepts) {
  std::set<std::string> names;
  for (const Target& target : every_target()) {
    EXPECT_TRUE(names.insert(std::string(target.name)).second) << target.name << " is there twice";
    const std::vector<Bytes> corpus = corpus_of(target.name);
    EXPECT_TRUE(std::ranges::any_of(corpus, target.run)) << target.name;
  }
  for (const auto& entry : std::filesystem::directory_iterator(kCorpus))
    EXPECT_TRUE(names.contains(entry.path().filename())) << entry.path() << " is nobody's";
}

TEST(Corpus, HasWhatOurWritersWrite) {
  std::map<std::string_view, Target> targets;
  for (const Target& target : every_target()) targets[target.name] = target;
  for (const auto& seeds : {chain_seeds(), mail_seeds(), store_seeds(), text_seeds()}) {
    for (const Seed& seed : seeds) {
      EXPECT_TRUE(targets.at(seed.target).run(seed.bytes)) << seed.target;
      const auto corpus = corpus_of(seed.target);
      EXPECT_NE(std::ranges::find(corpus, seed.bytes), corpus.end())
          << seed.target << ": tests/fuzz/corpus.sh writes it";
    }
  }
}

/// A short form of ./dev fuzz, without what leads libFuzzer to the branches that nobody took.
TEST(Corpus, ChangedAtRandomIsTakenOrRefused) {
  std::mt19937_64 random = seeded_numbers();
  constexpr int kTurns = 1000;
  for (const Target& target : every_target()) {
    const std::vector<Bytes> corpus = corpus_of(target.name);
    ASSERT_FALSE(corpus.empty()) << target.name;
    int accepted = 0;
    for (int turn = 0; turn < kTurns; ++turn) {
      Bytes bytes = corpus[random() % corpus.size()];
      for (auto changes = 1 + random() % 3; changes > 0; --changes)
        bytes = changed(std::move(bytes), corpus[random() % corpus.size()], random);
      accepted += target.run(bytes) ? 1 : 0;
    }
    EXPECT_LT(accepted, kTurns) << target.name << " refuses nothing";
  }
}

}  // namespace
}  // namespace bmsg::fuzz
