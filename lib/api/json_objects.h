// The objects of bmsg-json(5): one shape for each, whatever the command. One line of ASCII each.

#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lib/core/bytes.h"
#include "lib/core/header.h"
#include "lib/core/ids.h"
#include "lib/core/message.h"
#include "lib/node/peer.h"

namespace bmsg::api {

// Each struct holds what one object says; each function writes it. Text may be untrusted.
// Source: bmsg-json(5).

struct ErrorView {
  int code = 0;
  std::string name;
  std::string message;
  std::string hint;  // Empty: null.
};
std::string error_json(const ErrorView& view);

struct StoreView {
  std::string path;
  std::string chain;
  ChainId chain_id;
  std::string mode;
  Height height;
  std::optional<IdentityKey> address;
  std::optional<std::string> fingerprint;
};
std::string store_json(const StoreView& view);

struct IdentityView {
  std::string name;
  IdentityKey address;
  std::string fingerprint;
  bool encrypted = false;
  std::uint8_t device = 0;
  std::vector<std::uint8_t> devices;      // All that have a card which holds, ascending.
  std::optional<std::uint64_t> card_seq;  // Absent: no card.
  std::string card_state;
  UnixSeconds card_expires;
  std::uint64_t epoch = 0;  // Seconds, as the next one.
  std::uint64_t grace = 0;
  std::uint8_t inbox_bits = 0;
  bool revoked = false;
  std::vector<std::string> successors;  // That were proposed.
};
std::string identity_json(const IdentityView& view);

/// One device of an identity of ours.
struct DeviceView {
  std::uint8_t device = 0;
  bool here = false;                      // This store's.
  bool revoked = false;                   // Retired, or its identity has ended.
  std::optional<std::uint64_t> card_seq;  // Absent: no card.
  UnixSeconds card_expires;
};
std::string device_json(const DeviceView& view);

/// Something that happened to the keys of an identity, as the chain tells it.
struct KeyEventView {
  std::string event;  // "device", "card", "retired", "revocation" or "succession".
  MessageId id;
  UnixSeconds time;              // As the message's head says.
  std::optional<Height> height;  // Absent: in no block yet.
  std::optional<std::uint8_t> device;
  std::optional<std::uint64_t> seq;
  UnixSeconds expires;                   // Of a card.
  std::optional<std::string> successor;  // An address.
};
std::string key_event_json(const KeyEventView& view);

struct ContactView {
  std::string name;
  std::string kind;
  std::optional<std::string> address;
  std::string trust;
  std::string fingerprint;  // Empty: null.
  std::string card;
  std::size_t devices = 0;
  std::optional<std::uint8_t> inbox_bits = {};  // Of the card that asks for most; absent: no card.
  std::string ack;
  UnixSeconds added;
  std::optional<std::string> note;
  std::optional<std::vector<std::string>> members;  // Of a group, and of a room that we keep.
  std::optional<std::uint32_t> epoch = {};          // Of a room whose secret we have.
  struct Alarm {
    std::uint32_t epoch = 0;
    MessageId message;
  };
  std::vector<Alarm> alarms = {};
  std::vector<std::string> successors;  // Addresses that were proposed.
};
std::string contact_json(const ContactView& view);

struct QueuedView {
  MessageId id;
  std::vector<std::string> to;
  std::uint64_t size = 0;
  std::string state;
  std::uint64_t relayed_to = 0;
  std::optional<Height> height;
  std::uint32_t confirmations = 0;
  std::uint64_t stamp_ms = 0;
  std::optional<std::string> key;
  std::optional<std::string> reason;
  UnixSeconds since;
};
std::string queued_json(const QueuedView& view);

/// What waiting for a message came to, for one recipient.
struct SentView {
  MessageId id;
  std::optional<std::string> to;  // Absent: a public message.
  std::string asked;
  std::string state;
  bool ok = false;
  int code = 0;
  std::optional<std::string> reason;
};
std::string sent_json(const SentView& view);

/// A file of a message. What is wrong with what the sender says of it stands in `fault`.
struct AttachmentView {
  std::string name;  // As the sender says; untrusted.
  std::string safe_name;
  std::uint64_t size = 0;
  std::optional<Digest> hash;
  std::optional<std::string> path;  // Where it was written.
  std::optional<std::string> fault;
};

/// How many of those whom a policy lists stand for a message.
struct ApprovalsView {
  struct Signer {
    std::string address;
    std::optional<std::string> name;  // Our word for them.
    std::optional<MessageId> id;      // Of the approval; absent: the author of the message.
    std::string note;                 // Empty: null.
  };
  bool pending = true;
  std::uint32_t have = 0;
  std::uint32_t needed = 0;
  std::vector<Signer> by;
};

struct MessageView {
  struct Place {
    BlockHash hash;
    Height height;
  };
  MessageId id;
  UnixSeconds time;
  UnixSeconds expires;
  bool outgoing = false;
  bool open = false;  // Public.
  std::string kind;
  std::optional<std::string> from;
  std::optional<std::string> from_name;
  std::vector<std::string> to;
  std::optional<std::string> room;
  std::optional<Topic> topic;
  std::optional<std::string> subject;
  std::optional<std::string> media_type;
  std::optional<Bytes> body;  // Absent: not asked for.
  std::uint64_t size = 0;
  std::vector<AttachmentView> attachments;
  std::optional<MessageId> reply_to;
  std::string thread;  // Hex.
  std::optional<std::uint64_t> seq;
  std::vector<std::string> flags;
  std::vector<std::string> marks;
  std::optional<ApprovalsView> approvals;  // Absent: no policy governs it.
  std::string trust;
  std::string signature;
  std::optional<Place> block;
  std::uint32_t confirmations = 0;
};
std::string message_json(const MessageView& view);

/// A message whose flags were changed, and what they are now.
std::string marked_json(const MessageId& id, const std::set<std::string>& flags);

struct ObjectView {
  MessageId id;
  MessageHead head;
  std::uint64_t nonce = 0;
  bool have_body = false;
};
std::string object_json(const ObjectView& view);

struct BlockView {
  BlockHash hash;
  Header header;
  Work work;
  Work total_work;
  std::uint64_t messages = 0;
  std::vector<MessageId> ids;  // Empty: not asked for.
  std::uint64_t size = 0;
  std::uint64_t seals = 0;
  std::string branch;
};
std::string block_json(const BlockView& view);

/// Blocks that left the best chain.
struct ReorgView {
  BlockHash from;
  BlockHash to;
  std::uint32_t depth = 0;
  std::vector<MessageId> disconnected;
};
std::string reorg_json(const ReorgView& view);

/// A better branch that was kept and not followed.
struct ForkView {
  BlockHash tip;
  Height height;
  Height base;                // The last block in common.
  std::uint32_t depth = 0;    // Blocks of ours that following it would take off.
  std::uint64_t returns = 0;  // Messages of those that it does not have.
  UnixSeconds time;           // Of its tip.
  Work total_work;
};
std::string fork_json(const ForkView& view);

/// Nothing else to say, and still there.
std::string heartbeat_json(UnixSeconds time, Height height);

/// "ok", "backoff", "banned" or "never": what a peer is to us now.
std::string_view peer_state(const node::Peer& peer, UnixSeconds now);
/// "config", "invite", "learned", "lan" or "dht": where it is known from.
std::string_view peer_source(const node::Peer& peer);
/// Whether its url is that of a tree of files and not of a node.
bool is_mirror(const node::Peer& peer);
std::string peer_json(const node::Peer& peer, UnixSeconds now);

struct AttentionView {
  std::string name;
  std::string text;
  std::string next;  // Empty: null.
};
/// Of a chain of endorsers: how many must sign, of how many, and who does.
struct EndorsersView {
  std::uint32_t needed = 0;
  std::uint32_t of = 0;
  std::uint32_t present = 0;
  std::uint32_t late = 0;
};

struct StateView {
  std::string path;
  std::string chain;
  ChainId chain_id;
  std::string mode;
  Height height;
  BlockHash tip;
  std::uint64_t tip_age = 0;  // Seconds.
  Work total_work;
  Height verified;
  std::uint64_t pool_messages = 0;
  std::uint64_t pool_bytes = 0;
  std::vector<std::pair<std::string, std::uint64_t>> outbox;  // By state.
  std::optional<std::uint64_t> unread;
  std::uint64_t peers_ok = 0;
  std::uint64_t peers_bad = 0;
  std::uint64_t peers_unproven = 0;  // Learned, and never reached.
  std::optional<int> serve_pid;
  std::uint64_t free_bytes = 0;
  std::uint64_t blobs_own = 0;  // Bytes of chunks of files.
  std::uint64_t blobs_kept = 0;
  std::uint64_t blob_quota = 0;
  bool light = false;
  std::optional<EndorsersView> endorsers;  // Absent: blocks are mined.
  std::vector<AttentionView> attention;
};
std::string state_json(const StateView& view);

struct StatusView {
  std::string phase;
  std::uint64_t finished = 0;
  std::optional<std::uint64_t> total;
  double rate = 0;
  double elapsed = 0;  // Seconds.
  std::optional<double> expected;
  std::optional<double> p95;
};
std::string status_json(const StatusView& view);

/// Counters in the order given.
struct SummaryView {
  std::string command;
  bool ok = true;
  std::vector<std::pair<std::string, double>> numbers;
  std::vector<std::pair<std::string, std::string>> texts;
  double elapsed = 0;
};
std::string summary_json(const SummaryView& view);

/// A message that was forgotten; without `when`: that would be.
struct ForgottenView {
  MessageId id;
  std::string_view rule;
  std::optional<UnixSeconds> when;
  std::optional<std::uint64_t> bytes;  // Of its body, where that is known.
};
std::string forgotten_json(const ForgottenView& view);

struct SyncView {
  std::string peer;
  std::uint64_t pulled_blocks = 0;
  std::uint64_t pushed_blocks = 0;
  std::uint64_t pulled_messages = 0;
  std::uint64_t pushed_messages = 0;
  std::uint64_t pulled_bytes = 0;
  std::uint64_t pushed_bytes = 0;
  std::uint32_t reorg_depth = 0;
  std::optional<std::string> error;
};
std::string sync_json(const SyncView& view);

struct FaultView {
  std::string kind;
  Height height;
  BlockHash hash;
  std::string detail;
};
std::string fault_json(const FaultView& view);

/// What a reference or some bytes are: `kind` is "block" or "message".
std::string id_json(std::string_view kind, const std::string& id);

std::string setting_json(const std::string& key, const std::string& value,
                         const std::string& origin);
std::string version_json(const std::vector<std::pair<std::string, std::string>>& versions);

}  // namespace bmsg::api
