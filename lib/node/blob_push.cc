#include "lib/node/blob_push.h"

#include <fmt/format.h>

#include <algorithm>

#include "lib/chain/pack.h"
#include "lib/core/codec.h"
#include "lib/core/try.h"

namespace bmsg::node {
namespace {

/// In one request: one of the largest, which a slow line still carries in the time for a request.
constexpr std::size_t kPackBytes = 1u << 18;

/// Those that the peer lacks, of up to as many as one may ask about.
Result<std::vector<Blob>> lacking(Transport& peer, std::span<const Blob> some) {
  std::vector<ShortId> ids;
  for (const Blob& blob : some) ids.push_back(prefix_of<ShortId>(blob.id));
  BMSG_TRY_ASSIGN(const auto held, peer.have(ids));
  std::vector<Blob> lacks;
  for (std::size_t i = 0; i < some.size(); ++i) {
    if (i < held.size() && !held[i]) lacks.push_back(some[i]);
  }
  return lacks;
}

/// Chunks on their way in one request.
struct Parcel {
  Bytes pack = chain::begin_pack();
  std::size_t count = 0;
};

/// Sends it; false: the peer wants no more.
Result<bool> send(Transport& peer, Parcel& parcel, std::uint64_t& given) {
  if (parcel.count == 0) return true;
  BMSG_TRY_ASSIGN(const auto lines, peer.put(parcel.pack));
  parcel = Parcel();
  const auto taken = static_cast<std::uint64_t>(std::ranges::count_if(
      lines, [](const PutLine& line) { return line.verdict == Verdict::accepted; }));
  given += taken;
  return taken > 0;
}

}  // namespace

Result<std::uint64_t> push_blobs(const BlobDirectory& blobs, Transport& peer, const NodeInfo& info,
                                 const std::function<bool()>& is_over) {
  std::uint64_t given = 0;
  std::uint64_t room = info.blob_room;
  if (room == 0 || info.read_only || !peer.is_live()) return given;
  BMSG_TRY_ASSIGN(const auto own, blobs.list(Shelf::own));
  Parcel parcel;
  for (std::span<const Blob> left = own; !left.empty();) {
    const std::size_t count = std::min<std::size_t>(left.size(), kShortIdsPerRequest);
    if (is_over()) return given;
    BMSG_TRY_ASSIGN(const auto lacks, lacking(peer, left.first(count)));
    left = left.subspan(count);
    for (const Blob& blob : lacks) {
      if (cost_of(blob) > room) continue;
      BMSG_TRY_ASSIGN(const auto chunk, blobs.offered(prefix_of<ShortId>(blob.id)));
      if (!chunk) continue;
      const bool is_full = parcel.pack.size() + blob.bytes > kPackBytes + kChunkMessageBytesMax / 2;
      if (is_full || parcel.count == kChunksPerPut) {
        if (is_over()) return given;
        BMSG_TRY_ASSIGN(const bool goes_on, send(peer, parcel, given));
        if (!goes_on) return given;
      }
      chain::append_frame(parcel.pack, chain::FrameType::message, encode(*chunk));
      ++parcel.count;
      room -= cost_of(blob);
    }
  }
  if (!is_over()) BMSG_TRY(send(peer, parcel, given));
  return given;
}

void give_blobs(const BlobDirectory* blobs, Transport& peer, const SyncReport& exchange,
                const std::function<bool()>& is_over, Log& log) {
  if (blobs == nullptr) return;
  const auto given = push_blobs(*blobs, peer, exchange.peer, is_over);
  if (!given && !is_over())
    log.write(LogLevel::info, fmt::format("{}: {}", peer.name(), given.error().message));
  if (given && given.value() > 0)
    log.write(LogLevel::info, fmt::format("{}: {} chunks out", peer.name(), given.value()));
}

}  // namespace bmsg::node
