// Invite: the bmsg:// URI that brings somebody to a chain. Text only: no lookup, no socket, no key.

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/core/bytes.h"
#include "lib/core/ids.h"
#include "lib/core/result.h"

namespace bmsg::api {

inline constexpr std::uint16_t kInvitePort = 5512;      // Where none is named.
inline constexpr std::size_t kInviteBytesMax = 4096;    // A mail, a chat and a shell all take it.
inline constexpr std::uint32_t kCheckpointShallow = 6;  // Blocks over it, on a chain that is young.

/// The last half of a block's hash: the first begins with zeros, which say little.
using BlockTail = FixedBytes<32, struct BlockTailTag>;

BlockTail tail_of(const BlockHash& hash);

/// What members of a chain meet by in a hash table; it opens their records there.
/// Source: bmsg-protocol(7), "Hash table".
using DiscoverySecret = FixedBytes<32, struct DiscoverySecretTag>;

/// A room as an invite carries it; mail::room_in() reads it.
/// Shape: room id 16, epoch 4, secret 32, keeper's identity key 32.
using InviteRoom = FixedBytes<84, struct InviteRoomTag>;

/// Where a node is.
/// Shape: as in net::Address.
struct InviteHost {
  std::string host;
  std::uint16_t port = kInvitePort;

  bool operator==(const InviteHost&) const = default;
};

/// A block that the inviter vouches for.
struct InviteCheckpoint {
  Height height;
  BlockTail tail;

  bool operator==(const InviteCheckpoint&) const = default;
};

/// What an invite says. Everything behind the chain may be absent.
struct Invite {
  InviteHost at;
  ChainId chain;
  std::optional<NodeKey> node;
  std::optional<InviteCheckpoint> checkpoint;
  std::optional<Bytes> card;  // The encoded message of a card; not checked here.
  std::optional<InviteRoom> room;
  std::optional<DiscoverySecret> dht;

  bool operator==(const Invite&) const = default;
};

/// True for what is meant to be an invite, good or not.
bool looks_like_invite(std::string_view text);

/// "bmsg://HOST:PORT/CHAIN?node=NODEKEY&cp=HEIGHT.ID32#card=CARD&room=SECRET&dht=SECRET".
std::string print_invite(const Invite& invite);

/// Strict: one text for each value, but that the usual port may be left out and that what is not
/// known here is skipped, if it is well formed.
/// Errors: Errc::bad_input, naming the part; nothing else of the text is repeated.
/// Source: bmsg-protocol(7), "Invites".
Result<Invite> parse_invite(std::string_view text);

/// "HOST", "HOST:PORT", IPv6 in brackets, in any spelling.
/// Errors: Errc::bad_input.
Result<InviteHost> parse_invite_host(std::string_view text);

/// "HOST:PORT", as parse_invite_host() reads it.
std::string print_invite_host(const InviteHost& at);

/// How to reach the node, the best way first: https, then plain http where nobody listens in.
std::vector<std::string> urls_of(const InviteHost& at);

/// The block to vouch for on a chain that ends at `tip` and is so young that policy lets all of it
/// go: one that is unlikely to, else the first.
Height checkpoint_height(Height tip);

}  // namespace bmsg::api
