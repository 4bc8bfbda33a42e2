// Objects of bmsg-json(5) that only the page of `bmsg web` is given.

#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/core/header.h"
#include "lib/core/ids.h"
#include "lib/core/message.h"

namespace bmsg::api {

/// What a command said beside its results.
std::string remark_json(std::string_view text);

/// An own address as a QR code; true is dark.
struct CodeView {
  std::string text;
  std::optional<std::string> card;  // The newest card, if there is one.
  std::vector<std::vector<bool>> modules;
};
std::string code_json(const CodeView& view);

/// A header as it is hashed, and the seal beside it.
std::string header_json(const BlockHash& hash, const SealedHeader& sealed);

/// A message as the chain has it, for whoever looks at the chain.
struct ChainedView {
  /// What was written for everybody.
  struct Open {
    std::optional<IdentityKey> from;
    std::string signature;
    std::string subject;
    std::string media_type;  // Empty: null.
    Bytes body;
  };
  MessageId id;
  std::string state;  // "pending", "confirmed", "buried", "expired", "forgotten" or "absent".
  MessageHead head;
  std::optional<std::uint32_t> index;  // In its block.
  std::optional<Height> height;
  std::optional<BlockHash> block;
  std::uint32_t confirmations = 0;
  std::optional<UnixSeconds> dropped;  // When it was forgotten here.
  std::optional<Open> open;
};
std::string chained_json(const ChainedView& view);

}  // namespace bmsg::api
