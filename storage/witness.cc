#include "storage/witness.h"

#include <fmt/format.h>

#include <charconv>

#include "lib/chain/fork_choice.h"
#include "lib/core/hex.h"
#include "lib/core/try.h"

namespace bmsg::storage {
namespace {

constexpr std::size_t kWitnessBytesMax = 2 * kWitnessSlotBytes;

/// Source: ISO 3309, as zlib and PNG use it; "123456789" gives cbf43926.
std::uint32_t crc32(std::string_view text) {
  std::uint32_t crc = 0xffffffff;
  for (const char letter : text) {
    crc ^= static_cast<std::uint8_t>(letter);
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ ((crc & 1) != 0 ? 0xedb88320 : 0);
  }
  return ~crc;
}

Error behind(const node::Tip& tip, const Witness& witness) {
  const auto short_hash = [](const BlockHash& hash) { return to_hex(hash.view().first(8)); };
  return Error{
      Errc::corrupt,
      fmt::format("the store is behind its witness: it ends at height {} ({}…), the witness says "
                  "{} ({}…); blocks were lost or an old copy was put back. 'bmsg repair' fetches "
                  "them again; after a restore on purpose, 'bmsg witness set' accepts it",
                  tip.height.value, short_hash(tip.hash), witness.height.value,
                  short_hash(witness.hash))};
}

Error is_malformed() {
  return Error{Errc::corrupt, "the witness is malformed; 'bmsg witness set' writes a new one"};
}

/// The next word of `text`, which loses it and the space or line end behind it.
std::string_view take_word(std::string_view& text, char end) {
  const std::size_t length = text.find(end);
  if (length == std::string_view::npos) return {};
  const std::string_view word = text.substr(0, length);
  text.remove_prefix(length + 1);
  return word;
}

}  // namespace

Witness witness_of(const node::Tip& tip) { return {tip.height, tip.hash, tip.work}; }

std::string print(const Witness& witness) {
  const std::string line = fmt::format("{} {} {}", witness.height.value,
                                       to_hex(witness.hash.view()), to_hex(witness.work.view()));
  return fmt::format("{} {:08x}\n", line, crc32(line));
}

Result<Witness> parse_witness(std::string_view text) {
  std::string_view left = text;
  Witness witness;
  const std::string_view height = take_word(left, ' ');
  (void)std::from_chars(height.data(), height.data() + height.size(),
                        witness.height.value);  // What did not parse is found by printing it again.
  witness.hash = fixed_from_hex<BlockHash>(take_word(left, ' ')).value_or(BlockHash());
  witness.work = fixed_from_hex<Work>(take_word(left, ' ')).value_or(Work());
  if (print(witness) == text) return witness;
  return is_malformed();
}

namespace {

bool is_better(const Witness& a, const Witness& b) {
  return chain::is_better({a.work, a.hash}, {b.work, b.hash});
}

/// The line, filled with spaces before its end.
std::string slot_of(const Witness& witness) {
  std::string slot = print(witness);
  slot.insert(slot.size() - 1, kWitnessSlotBytes - slot.size(), ' ');
  return slot;
}

}  // namespace

Result<std::optional<WitnessFile>> read_witness_file(const Disk& disk,
                                                     const std::filesystem::path& file) {
  BMSG_TRY_ASSIGN(const auto bytes, disk.read(file, kWitnessBytesMax));
  if (!bytes) return std::optional<WitnessFile>();
  BMSG_TRY_ASSIGN(const auto parsed, parse_witness_file(as_text(*bytes)));
  return std::optional(parsed);
}

Result<WitnessFile> parse_witness_file(std::string_view text) {
  if (text.size() < kWitnessSlotBytes) {
    BMSG_TRY_ASSIGN(const Witness line, parse_witness(text));
    return WitnessFile{line, {}};
  }
  std::optional<WitnessFile> found;
  bool is_spoiled = false;
  for (std::size_t slot = 0; slot * kWitnessSlotBytes < text.size(); ++slot) {
    const std::string_view line = text.substr(slot * kWitnessSlotBytes, kWitnessSlotBytes);
    const auto witness =
        parse_witness(fmt::format("{}\n", line.substr(0, line.find_last_not_of(" \n") + 1)));
    if (!witness || slot_of(witness.value()) != line) {
      is_spoiled = true;
    } else if (!found || is_better(witness.value(), found->newest)) {
      found = {witness.value(), slot};
    }
  }
  if (found) {
    found->is_spoiled = is_spoiled;
    found->has_both_slots = text.size() > kWitnessSlotBytes;
    return *found;
  }
  return is_malformed();
}

Result<std::optional<Witness>> read_witness(const Disk& disk, const std::filesystem::path& file) {
  BMSG_TRY_ASSIGN(const auto found, read_witness_file(disk, file));
  return found ? std::optional(found->newest) : std::nullopt;
}

Result<Done> write_witness(Disk& disk, const std::filesystem::path& file, const Witness& witness) {
  return disk.replace(file, as_bytes(slot_of(witness)));
}

Result<Done> advance_witness(Disk& disk, const std::filesystem::path& file,
                             const Witness& witness) {
  BMSG_TRY_ASSIGN(const auto before, read_witness_file(disk, file));
  if (!before || !before->slot || !is_better(witness, before->newest))
    return write_witness(disk, file, witness);
  // Whoever made the file may have died, or failed, before its name was durable.
  if (!before->has_both_slots) BMSG_TRY(disk.sync_directory(file.parent_path()));
  return disk.overwrite(file, (1 - *before->slot) * kWitnessSlotBytes, as_bytes(slot_of(witness)));
}

Result<Done> compare(const node::Tip& tip, const std::optional<Witness>& witness) {
  if (!witness) {
    if (tip.height.value == 0) return done;
    return Error{Errc::corrupt, "the witness is missing, so lost blocks would not be noticed",
                 "compare the tip with a peer's, then write a new one: 'bmsg witness set "
                 "HEIGHT:HASH'"};
  }
  if (witness_of(tip) == *witness) return done;
  if (chain::is_better({tip.work, tip.hash}, {witness->work, witness->hash})) return done;
  return behind(tip, *witness);
}

Result<Done> compare_file(const node::Tip& tip, const std::optional<WitnessFile>& file) {
  BMSG_TRY(compare(tip, file ? std::optional(file->newest) : std::nullopt));
  if (file && file->is_spoiled && witness_of(tip) == file->newest) return is_malformed();
  return done;
}

}  // namespace bmsg::storage
