#include "cli/fetch_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>
#include <unordered_map>

#include "cli/peering.h"
#include "cli/progress.h"
#include "cli/text.h"
#include "lib/api/gossip.h"
#include "lib/api/peer_places.h"
#include "lib/chain/block_hash.h"
#include "lib/chain/message_rules.h"
#include "lib/core/try.h"
#include "lib/node/chunk_queue.h"

namespace bmsg::cli {
namespace {

constexpr std::size_t kPeersMax = 8;
/// A peer that says "later" is asked again after so long, then twice as long, and so on.
constexpr std::chrono::milliseconds kWaitMin{250};
constexpr std::chrono::milliseconds kWaitMax{10'000};
constexpr unsigned kTriesMax = 12;  // In a row: a minute and a half.

}  // namespace

/// Some chunks, and the threads that get them, one for each peer.
class FileFetcher::Download {
 public:
  Download(FileFetcher& files, std::vector<MessageId> wanted)
      : files_(files),
        queue_(files.context_.clock, std::move(wanted)),
        asking_(files.peers_.size()) {
    for (std::size_t i = 0; i < queue_.wanted().size(); ++i) numbers_[queue_.wanted()[i]] = i;
    given_.resize(files.peers_.size());
    transports_.resize(files.peers_.size());
    for (std::size_t peer = 0; peer < files.peers_.size(); ++peer) {
      threads_.emplace_back([this, peer](const std::stop_token& stop) { run(peer, stop); });
    }
    ends_.emplace(files.context_.inner.stop, [this] { end(); });
  }

  ~Download() {
    ends_.reset();
    end();
    threads_.clear();
    for (std::size_t i = 0; i < given_.size(); ++i) {
      if (given_[i] > 0)
        files_.context_.out.note(fmt::format("{}: {} chunks", files_.peers_[i].url, given_[i]));
    }
  }

  bool wants(const MessageId& id) const { return numbers_.contains(id); }

  /// Waits until it is in the store.
  Result<Done> await(const MessageId& id) {
    const std::size_t number = numbers_.at(id);
    while (!queue_.is_arrived(number)) {
      const bool all_said = asking_ == 0;  // Before the look: whoever says so later has joined.
      if (all_said && queue_.is_hopeless(number)) return nobody_has();
      queue_.wait();
    }
    return done;
  }

 private:
  void end() {
    for (std::jthread& thread : threads_) thread.request_stop();
    const std::lock_guard lock(mutex_);
    for (api::HttpTransport* transport : transports_) {
      if (transport != nullptr) transport->cancel();
    }
  }

  Error nobody_has() {
    if (files_.context_.inner.stop.stop_requested())
      return {Errc::try_again, "stopped while peers were asked; what came is kept"};
    const std::lock_guard lock(mutex_);
    if (failure_ && api::is_our_failure(failure_->code)) return *failure_;
    const std::string why =
        files_.peers_.empty()
            ? "this store has no peers to ask"
            : fmt::format("none of {} peers gives it{}", files_.peers_.size(),
                          failure_ ? " (" + shown_line(failure_->message) + ")" : "");
    return Error{Errc::not_found, "a chunk of the file is not here, and " + why,
                 "peers keep files within their blob_quota; try again when the sender's node or "
                 "one that keeps it can be reached"};
  }

  void run(std::size_t peer, const std::stop_token& stop) {
    Asked asked(asking_);
    auto result = give(peer, stop, asked);
    queue_.leave(peer);
    if (result) return;
    const std::lock_guard lock(mutex_);
    if (!failure_ || api::is_our_failure(result.error().code)) failure_ = result.error();
  }

  /// Counts a peer as one that has not said yet what it holds.
  class Asked {
   public:
    explicit Asked(std::atomic<std::size_t>& asking) : asking_(asking) {}
    ~Asked() { answered(); }
    Asked(const Asked&) = delete;
    Asked& operator=(const Asked&) = delete;
    void answered() {
      if (!std::exchange(said_, true)) --asking_;
    }

   private:
    std::atomic<std::size_t>& asking_;
    bool said_ = false;
  };

  Result<Done> give(std::size_t peer, const std::stop_token& stop, Asked& asked) {
    const node::Peer& known = files_.peers_[peer];
    BMSG_TRY_ASSIGN(auto transport,
                    api::HttpTransport::open(known.url, api::reach_of(known, files_.reach_)));
    const InUse in_use(*this, peer, *transport);
    if (stop.stop_requested()) return done;  // Before anybody could cancel it.
    unsigned tries = 0;
    for (;;) {
      const auto joined = join(peer, *transport, stop);
      if (joined) break;
      const bool is_later = joined.error().code == Errc::try_again && tries < kTriesMax;
      if (!is_later || stop.stop_requested()) return joined;
      wait_before(++tries, stop);
    }
    asked.answered();
    tries = 0;
    while (!stop.stop_requested() && queue_.is_needed(peer)) {
      const auto claimed = queue_.claim(peer);
      if (claimed.empty()) {
        queue_.wait();
        continue;
      }
      const auto got = ask(peer, *transport, claimed);
      queue_.unclaim(peer);
      if (!got && (got.error().code != Errc::try_again || tries == kTriesMax)) return got;
      tries = got ? 0 : tries + 1;
      if (tries > 0) wait_before(tries, stop);
    }
    return done;
  }

  void wait_before(unsigned tries, const std::stop_token& stop) {
    const auto until =
        files_.context_.clock.steady() + std::min(kWaitMax, kWaitMin * (1u << (tries - 1)));
    while (!stop.stop_requested() && files_.context_.clock.steady() < until) queue_.wait();
  }

  /// Says what the peer holds of all that is wanted.
  Result<Done> join(std::size_t peer, api::HttpTransport& transport, const std::stop_token& stop) {
    std::vector<bool> holds;
    const auto& wanted = queue_.wanted();
    for (std::size_t at = 0; at < wanted.size() && !stop.stop_requested();) {
      const std::size_t end = std::min<std::size_t>(wanted.size(), at + kShortIdsPerRequest);
      std::vector<ShortId> ids;
      for (; at < end; ++at) ids.push_back(prefix_of<ShortId>(wanted[at]));
      BMSG_TRY_ASSIGN(const auto some, transport.have(ids));
      holds.insert(holds.end(), some.begin(), some.end());
    }
    queue_.join(peer, holds);
    return done;
  }

  /// Whoever gives what was not asked for, or other bytes than the id stands for, is asked no more.
  Result<Done> ask(std::size_t peer, api::HttpTransport& transport,
                   const std::vector<std::size_t>& claimed) {
    std::vector<ShortId> ids;
    for (const std::size_t number : claimed)
      ids.push_back(prefix_of<ShortId>(queue_.wanted()[number]));
    BMSG_TRY_ASSIGN(const auto chunks, transport.messages(ids));
    std::vector<std::size_t> came;
    for (const Message& chunk : chunks) {
      const MessageId id = chain::id_of(chunk.head);
      const auto number = numbers_.find(id);
      const bool is_good = number != numbers_.end() && chunk.body &&
                           !chain::find_body_violation(chunk) &&
                           std::ranges::find(claimed, number->second) != claimed.end();
      if (!is_good)
        return Error{Errc::protocol,
                     files_.peers_[peer].url + ": gives a chunk that is not the one"};
      BMSG_TRY(files_.blobs_->directory().put(node::Shelf::fetched, chunk, id));
      came.push_back(number->second);
      queue_.note_arrived(number->second);
      ++given_[peer];
    }
    for (const std::size_t number : claimed) {
      if (std::ranges::find(came, number) == came.end()) queue_.note_absent(peer, number);
    }
    return done;
  }

  /// Lets the destructor end a request that runs.
  class InUse {
   public:
    InUse(Download& download, std::size_t peer, api::HttpTransport& transport)
        : place_(download.transports_[peer]), mutex_(download.mutex_) {
      const std::lock_guard lock(mutex_);
      place_ = &transport;
    }
    ~InUse() {
      const std::lock_guard lock(mutex_);
      place_ = nullptr;
    }
    InUse(const InUse&) = delete;
    InUse& operator=(const InUse&) = delete;

   private:
    api::HttpTransport*& place_;
    std::mutex& mutex_;
  };

  FileFetcher& files_;
  node::ChunkQueue queue_;
  std::unordered_map<MessageId, std::size_t, FixedBytesHash> numbers_;
  std::atomic<std::size_t> asking_;
  std::vector<std::uint64_t> given_;  // By each peer; read when its thread has ended.
  std::mutex mutex_;                  // Of the two that follow.
  std::vector<api::HttpTransport*> transports_;
  std::optional<Error> failure_;
  std::vector<std::jthread> threads_;                              // They use the others.
  std::optional<std::stop_callback<std::function<void()>>> ends_;  // Last: it ends the threads.
};

std::string file_title(const mail::Manifest& manifest) {
  return fmt::format("'{}'", shown_line(manifest.name));
}

Result<std::unique_ptr<FileFetcher>> FileFetcher::open(Context& context, const StoreDir& store) {
  std::unique_ptr<FileFetcher> files(new FileFetcher(context, store));
  BMSG_TRY_ASSIGN(files->blobs_, open_blobs(context, store));
  return files;
}

/// Once, and only where something is missing here.
Result<Done> FileFetcher::find_peers() {
  if (knows_peers_) return done;
  BMSG_TRY_ASSIGN(peers_, peers_to_call(context_, store_));
  if (peers_.size() > kPeersMax) peers_.resize(kPeersMax);
  BMSG_TRY_ASSIGN(reach_, transport_options(context_, store_));
  knows_peers_ = true;
  return done;
}

Result<std::vector<MessageId>> FileFetcher::ids_of(const mail::Manifest& manifest) {
  node::BlobDirectory& here = blobs_->directory();
  BMSG_TRY_ASSIGN(auto index, here.find(manifest.index));
  if (!index) {
    BMSG_TRY(find_peers());
    Download download(*this, {manifest.index});
    BMSG_TRY(download.await(manifest.index));
    BMSG_TRY_ASSIGN(index, here.find(manifest.index));
  }
  if (!index) return Error{Errc::io, "a chunk that was just fetched is not there"};
  return mail::open_index(manifest, *index);
}

Result<Done> FileFetcher::fetch(const mail::Manifest& manifest, const mail::TakePiece& take) {
  node::BlobDirectory& here = blobs_->directory();
  BMSG_TRY_ASSIGN(const auto ids, ids_of(manifest));
  std::vector<MessageId> missing;
  for (const MessageId& id : ids) {
    BMSG_TRY_ASSIGN(const bool is_here, here.has(id));
    if (!is_here) missing.push_back(id);
  }
  std::optional<Download> download;
  if (!missing.empty()) {
    BMSG_TRY(find_peers());
    context_.out.note(fmt::format("{}: {} of {} chunks are here", file_title(manifest),
                                  ids.size() - missing.size(), ids.size()));
    download.emplace(*this, std::move(missing));
  }
  Progress shown(context_);
  std::uint64_t finished = 0;
  const auto find = [&](const MessageId& id) -> Result<Message> {
    if (download && download->wants(id)) BMSG_TRY(download->await(id));
    BMSG_TRY_ASSIGN(auto chunk, here.find(id));
    if (!chunk) {  // Damaged here: once more.
      BMSG_TRY(find_peers());
      Download again(*this, {id});
      BMSG_TRY(again.await(id));
      BMSG_TRY_ASSIGN(chunk, here.find(id));
    }
    if (!chunk) return Error{Errc::io, "a chunk that was just fetched is not there"};
    shown.update(fmt::format("{}: {} of {} chunks", file_title(manifest), finished, ids.size()),
                 {.phase = "fetch",
                  .finished = finished,
                  .total = ids.size(),
                  .rate = 0,
                  .expected = std::nullopt,
                  .p95 = std::nullopt});
    ++finished;
    return std::move(*chunk);
  };
  const auto opened = mail::open_file(manifest, ids, find, take);
  download.reset();
  const bool is_over = opened || opened.error().code == Errc::corrupt;
  if (is_over) {
    auto all = ids;
    all.push_back(manifest.index);
    BMSG_TRY(here.release(all));
  }
  return opened;
}

}  // namespace bmsg::cli
