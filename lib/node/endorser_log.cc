#include "lib/node/endorser_log.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "lib/core/hex.h"
#include "lib/core/limits.h"
#include "lib/core/try.h"
#include "lib/crypto/sha512.h"

namespace bmsg::node {
namespace {

constexpr std::size_t kLogBytesMax = 16u << 20;

/// Words of a line, one after the other.
class Words {
 public:
  explicit Words(std::string_view line) : left_(line) {}

  std::string_view next() {
    const auto word = left_.substr(0, left_.find(' '));
    left_.remove_prefix(std::min(left_.size(), word.size() + 1));
    return word;
  }

  std::optional<std::uint64_t> number() {
    const auto word = next();
    std::uint64_t number = 0;
    const auto [end, fault] = std::from_chars(word.data(), word.data() + word.size(), number);
    if (fault != std::errc() || fmt::to_string(number) != word) return std::nullopt;
    return number;
  }

  bool is_empty() const { return left_.empty(); }

 private:
  std::string_view left_;
};

std::optional<Endorsed> entry_of(std::string_view line) {
  Words words(line);
  const auto height = words.number();
  const auto parent = fixed_from_hex<BlockHash>(words.next());
  const auto generation = words.number();
  const auto clock = words.number();
  const auto hash = fixed_from_hex<BlockHash>(words.next());
  const bool is_whole = height && *height <= UINT32_MAX && parent && generation && clock && hash;
  if (!is_whole || !words.is_empty()) return std::nullopt;
  return Endorsed{Height{static_cast<std::uint32_t>(*height)}, *parent, *generation, *clock, *hash};
}

/// The first line. Without the sum of those behind it, a bit that flips in a number could make it
/// sign a second block where it signed one.
std::string first_line(std::string_view behind) {
  constexpr std::size_t kSumBytes = 8;
  const Digest hash = crypto::sha512(as_bytes(behind));
  return fmt::format("bmsg-endorser-log 2 {}\n", to_hex(hash.view().first(kSumBytes)));
}

}  // namespace

std::string EndorserLog::print() const {
  std::string text = fmt::format("key {}\nsince {}\n", to_hex(key_.view()), since_.value);
  for (const Endorsed& one : entries_) {
    text += fmt::format("{} {} {} {} {}\n", one.height.value, to_hex(one.parent.view()),
                        one.generation, one.clock_generation, to_hex(one.hash.view()));
  }
  return first_line(text) + text;
}

/// False unless it is what print() writes of this key.
bool EndorserLog::parse(std::string_view text) {
  std::vector<std::string_view> lines;
  for (std::string_view left = text; !left.empty();) {
    const std::size_t end = left.find('\n');
    if (end == std::string_view::npos) return false;
    lines.push_back(left.substr(0, end));
    left.remove_prefix(end + 1);
  }
  if (lines.size() < 3) return false;
  // Version 1 had no sum; the next entry replaces it.
  const std::string_view behind = text.substr(lines[0].size() + 1);
  const bool is_whole = text.starts_with(first_line(behind));
  if (!is_whole && lines[0] != "bmsg-endorser-log 1") return false;
  if (lines[1] != fmt::format("key {}", to_hex(key_.view()))) return false;
  Words since(lines[2]);
  if (since.next() != "since") return false;
  const auto seconds = since.number();
  if (!seconds || !since.is_empty()) return false;
  since_ = UnixSeconds{*seconds};
  for (std::size_t i = 3; i < lines.size(); ++i) {
    const auto entry = entry_of(lines[i]);
    if (!entry) return false;
    entries_.push_back(*entry);
  }
  return true;
}

bool EndorserLog::is_whole(const EndorserKey& key, std::string_view text) {
  return EndorserLog(nullptr, {}, key).parse(text);
}

Result<EndorserLog> EndorserLog::open(Disk& disk, std::filesystem::path file,
                                      const EndorserKey& key, UnixSeconds now) {
  EndorserLog log(&disk, std::move(file), key);
  auto bytes = disk.read(log.file_, kLogBytesMax);
  if (!bytes && bytes.error().code != Errc::corrupt) return bytes.error();
  if (bytes && bytes.value() && log.parse(as_text(*bytes.value()))) return log;
  log.entries_.clear();
  log.is_new_ = true;
  BMSG_TRY(log.distrust(now));
  return log;
}

Result<Done> EndorserLog::begin(Disk& disk, const std::filesystem::path& file,
                                const EndorserKey& key) {
  const EndorserLog log(&disk, file, key);
  return disk.replace(file, as_bytes(log.print()));
}

Result<Done> EndorserLog::distrust(UnixSeconds now) {
  const UnixSeconds latest{now.value + static_cast<std::uint64_t>(kTimeAheadMax.count())};
  since_ = std::max(since_, latest);
  return disk_->replace(file_, as_bytes(print()));
}

bool EndorserLog::allows(const Endorsed& wanted, UnixSeconds began) const {
  std::uint32_t highest = 0;
  for (const Endorsed& one : entries_) {
    highest = std::max(highest, one.height.value);
    if (one.parent != wanted.parent || one.hash == wanted.hash) continue;
    if (one.generation == wanted.generation) return false;
    if (one.clock_generation == wanted.clock_generation) return false;
  }
  if (wanted.height.value + kEndorsedHeights <= highest) return false;
  const bool was_signed =
      std::ranges::find(entries_, wanted.hash, &Endorsed::hash) != entries_.end();
  return was_signed || since_.value == 0 || began > since_;
}

Result<Done> EndorserLog::add(const Endorsed& signed_now) {
  // It may be left of somebody who died, or failed, before its name was durable.
  if (std::ranges::find(entries_, signed_now) != entries_.end())
    return disk_->sync_directory(file_.parent_path());
  std::vector<Endorsed> before = entries_;
  entries_.push_back(signed_now);
  std::erase_if(entries_, [&](const Endorsed& one) {
    return one.height.value + kEndorsedHeights <= signed_now.height.value;
  });
  auto written = disk_->replace(file_, as_bytes(print()));
  if (!written) entries_ = std::move(before);
  return written;
}

}  // namespace bmsg::node
