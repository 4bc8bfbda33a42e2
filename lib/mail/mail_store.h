// MailStore: the private index of one participant: what is mine, where readers stand, flags.

#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "lib/core/bytes.h"
#include "lib/core/ids.h"
#include "lib/core/result.h"

namespace bmsg::mail {

/// One message that is mine. What a thief of the disk may see is in the clear; the rest is sealed
/// under the mailbox key (mailbox.h gives it its shape).
struct MailEntry {
  MessageId id;
  std::uint64_t order = 0;  // Counts up in the order of finding; given by the store when 0.
  UnixSeconds time;         // Of the message's head.
  Bytes sealed;             // Nonce 12, then AES-256-GCM with the id as aad.
};

/// Flags by name: "unread", "flagged", "archived". Local, never on the chain.
using Flags = std::set<std::string>;

/// How far the chain and the pool have been searched for mail.
struct ScanPosition {
  Height height;
  BlockHash hash;                  // Of the block at that height when it was scanned.
  std::uint64_t pool_arrival = 0;  // Pool messages below this arrival have been scanned.
  Digest keys;                     // H over the public keys that were tried; others start over.

  bool operator==(const ScanPosition&) const = default;
};

/// What changes together.
struct MailChange {
  std::vector<MailEntry> put = {};  // New, or replacing the entry with the same id.
  std::map<MessageId, Flags> flags = {};
  std::optional<ScanPosition> position = {};
  std::vector<MessageId> remove = {};                       // With their flags; last of all.
  std::map<std::string, std::optional<Bytes>> values = {};  // Small named records; nullopt removes.
};

/// Reading the index.
/// Threads: any, beside one writer.
/// Errors:  Errc::io, Errc::corrupt.
class MailReader {
 public:
  virtual ~MailReader() = default;

  virtual Result<std::optional<MailEntry>> entry(const MessageId& id) const = 0;
  /// Newest first by (time, order), at most `max`, older than `before` (pass nullopt to begin).
  struct Place {
    UnixSeconds time;
    std::uint64_t order = 0;
  };
  virtual Result<std::vector<MailEntry>> newest(std::optional<Place> before,
                                                std::size_t max) const = 0;
  virtual Result<std::uint64_t> count() const = 0;
  virtual Result<Flags> flags(const MessageId& id) const = 0;
  virtual Result<std::vector<MessageId>> with_flag(const std::string& flag) const = 0;
  virtual Result<std::vector<MessageId>> ids_with_prefix(ByteView prefix,
                                                         std::size_t max) const = 0;
  virtual Result<std::optional<ScanPosition>> position() const = 0;
  virtual Result<std::optional<Bytes>> value(const std::string& name) const = 0;
  /// Values whose names begin with `prefix`, by name.
  virtual Result<std::map<std::string, Bytes>> values(const std::string& prefix) const = 0;
};

/// Changing the index. The caller holds the store's mail lock, for one batch at a time.
class MailStore : public MailReader {
 public:
  /// One synced batch.
  virtual Result<Done> apply(const MailChange& change) = 0;
};

}  // namespace bmsg::mail
