#include <algorithm>

#include "lib/chain/charter.h"
#include "lib/chain/charter_draft.h"
#include "lib/chain/checkpoint_note.h"
#include "lib/chain/evidence.h"
#include "lib/chain/pack.h"
#include "lib/chain/pack_stream.h"
#include "lib/chain/receipt.h"
#include "lib/chain/rules_text.h"
#include "tests/fuzz/target.h"

namespace bmsg::fuzz {
namespace {

bool rules_text(ByteView bytes) {
  return one_text(bytes, chain::parse_rules_text,
                  [](const chain::RulesText& rules) { return chain::print(rules); });
}

bool compact(ByteView bytes) {
  return one_encoding(bytes, chain::decode_compact,
                      [](const chain::CompactBlock& value) { return chain::encode(value); });
}

bool short_ids(ByteView bytes) {
  return one_encoding(bytes, chain::decode_short_ids, chain::encode_short_ids);
}

bool charter(ByteView bytes) {
  return one_encoding(bytes, chain::decode_charter,
                      [](const chain::Charter& value) { return chain::encode(value); });
}

bool charter_draft(ByteView bytes) {
  return one_text(bytes, chain::parse_charter_draft,
                  [](const chain::CharterDraft& value) { return chain::print(value); });
}

bool receipt(ByteView bytes) {
  if (const auto value = chain::parse_receipt(text_of(bytes)))
    (void)chain::check_receipt(value.value());
  return one_text(bytes, chain::parse_receipt,
                  [](const chain::Receipt& value) { return chain::print(value); });
}

bool evidence(ByteView bytes) {
  if (const auto value = chain::parse_evidence(text_of(bytes)))
    (void)chain::check_evidence(value.value());
  return one_text(bytes, chain::parse_evidence,
                  [](const chain::Evidence& value) { return chain::print(value); });
}

bool checkpoint_note(ByteView bytes) {
  if (const auto value = chain::parse_checkpoint_note(text_of(bytes)))
    (void)chain::signers_of(value.value());
  return one_text(bytes, chain::parse_checkpoint_note,
                  [](const chain::CheckpointNote& value) { return chain::print(value); });
}

/// A pack read whole and the same pack read in pieces: the same frames, or both refuse.
bool pack(ByteView bytes) {
  const auto whole = chain::split_pack(bytes, chain::EndFrame::required);
  ByteView left = bytes;
  chain::PackReader reader([&left](std::span<std::uint8_t> room) -> Result<std::size_t> {
    const std::size_t some = std::min({room.size(), left.size(), std::size_t{7}});
    std::ranges::copy(left.first(some), room.begin());
    left = left.subspan(some);
    return some;
  });
  std::vector<chain::Frame> frames;
  bool refused = false;
  while (true) {
    const auto next = reader.next();
    refused = !next;
    if (refused || !next.value()) break;
    frames.push_back(*next.value());
  }
  if (refused || !whole) {
    check(refused == !whole, "in pieces as whole: refused");
    return false;
  }
  // Of unknown types both keep nothing, or what has them is older than its reader.
  check(frames.size() == whole.value().size(), "in pieces as whole: as many frames");
  for (std::size_t i = 0; i < frames.size(); ++i) {
    check(frames[i].type == whole.value()[i].type, "the same types");
    check(frames[i].payload == whole.value()[i].payload, "the same payloads");
  }
  return true;
}

constexpr Target kTargets[] = {
    {"rules_text", rules_text},
    {"compact", compact},
    {"short_ids", short_ids},
    {"charter", charter},
    {"charter_draft", charter_draft},
    {"receipt", receipt},
    {"evidence", evidence},
    {"checkpoint_note", checkpoint_note},
    {"pack", pack},
};

}  // namespace

std::span<const Target> chain_targets() { return kTargets; }

}  // namespace bmsg::fuzz
