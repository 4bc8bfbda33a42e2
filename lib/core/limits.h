// Every maximum in the system, with its unit in the name and its reason beside it.

#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace bmsg {

// Consensus (bmsg-format(5)). Changing one makes another protocol.
inline constexpr std::size_t kHeaderBytes = 256;
inline constexpr std::size_t kHeadBytesFixed = 96;  // A head without its key section.
inline constexpr std::size_t kNonceBytes = 8;
inline constexpr std::uint32_t kMessageBytesMin = 4096;  // Least value of the rule maxmessage.
inline constexpr std::uint32_t kMessageBytesMax = 65536;
inline constexpr std::uint32_t kBlockBytesMax = 4194304;
inline constexpr std::uint32_t kChunkMessageBytesMax = 262264;  // Suite 3: one 256 KiB chunk.
inline constexpr std::size_t kEndorsersMax = 64;
inline constexpr std::size_t kMembersMax = 512;
inline constexpr std::size_t kSlotsMax = 64;   // Recipients of one sealed message.
inline constexpr std::size_t kSlotBytes = 48;  // A sealed 32-byte content key.
inline constexpr std::chrono::seconds kTimeAheadMax{120};
inline constexpr std::size_t kRulesTextBytesMax = 65536;  // 512 members and 64 endorsers fit.

// Packs and sync (bmsg-protocol(7)).
inline constexpr std::size_t kFrameBytesMax = 8u << 20;
inline constexpr std::uint32_t kHeadersPerRequest = 2000;
inline constexpr std::uint32_t kBlocksPerRequest = 16;
inline constexpr std::size_t kShortIdsPerRequest = 1024;
inline constexpr std::size_t kPutBytesMax = 8u << 20;

// Policy of a node; another may choose otherwise.
inline constexpr std::uint32_t kCardBytesMax = 1024;  // A card's body; most have a fifth of it.
inline constexpr std::size_t kPoolBytesMax = 64u << 20;
inline constexpr std::uint32_t kReorgDepthMax = 72;       // Blocks; deeper ones ask a person.
inline constexpr std::uint64_t kReorgSecondsMax = 86400;  // Whichever of the two is deeper.
inline constexpr std::size_t kSideBlockBytesMax = 64u << 20;
inline constexpr std::size_t kProposalBytesMax = 64u << 20;  // Of all proposals.
inline constexpr std::size_t kProposalsPerEndorser = 2;      // That has the least index of a seal.

}  // namespace bmsg
