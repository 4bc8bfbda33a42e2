// The objects `receipt` and `checkpoint` of bmsg-json(5).

#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lib/core/bytes.h"
#include "lib/core/ids.h"

namespace bmsg::api {

struct ReceiptView {
  struct Place {
    BlockHash hash;
    Height height;
  };
  /// What is in a message that was opened.
  struct Opened {
    std::optional<IdentityKey> from;
    std::string signature;
    std::string subject;
    std::string media_type;  // Empty: null.
    Bytes body;
  };
  ChainId chain;
  MessageId id;
  UnixSeconds time;  // Of the block.
  Place block;
  std::uint32_t index = 0;
  std::optional<Place> anchor;
  std::optional<Opened> opened;
  /// Of the store that was asked: "main", or "unknown" if it has no such block yet.
  std::optional<std::string> branch;
  std::uint32_t confirmations = 0;
  std::vector<IdentityKey> signers;  // Of the checkpoint that was given.
  std::string text;                  // The receipt; empty: null.
};
std::string receipt_json(const ReceiptView& view);

struct CheckpointView {
  ChainTag chain;
  std::uint32_t size = 0;
  MerkleRoot root;
  std::vector<IdentityKey> signers;
  std::string text;  // The note; empty: null.
};
std::string checkpoint_json(const CheckpointView& view);

/// A block that must lie on the best chain.
std::string pin_json(Height height, const BlockHash& hash);

}  // namespace bmsg::api
