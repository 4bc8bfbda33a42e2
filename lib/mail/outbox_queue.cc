// How messages come into the outbox.

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <mutex>

#include "lib/chain/block_hash.h"
#include "lib/core/thread.h"
#include "lib/core/try.h"
#include "lib/mail/outbox.h"

namespace bmsg::mail {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kPackedMin = 4;       // Fewer have files of their own from the beginning.
constexpr std::size_t kFilesPerThread = 8;  // For fewer, one waits as long as many.
constexpr std::size_t kThreadsMax = 15;

std::string name_of_file(const OutboxFile& file) {
  return outbox_name(file.since, chain::id_of(file.message.head));
}

/// Of a file in tmp that is to move on. cancel() puts its file there under the name alone: a crash
/// may leave that, or bring it back, and it must not be sent.
std::optional<MessageId> staged_id(std::string_view name) {
  if (name.size() <= kOutboxNameBytes) return std::nullopt;
  const auto parsed = parse_outbox_name(name.substr(0, kOutboxNameBytes));
  return parsed ? std::optional(parsed->id) : std::nullopt;
}

}  // namespace

std::vector<Outbox::Coming> Outbox::coming(const std::vector<OutboxFile>& files) const {
  const fs::path fresh = place_path(OutboxPlace::fresh);
  std::vector<Coming> all;
  if (files.size() >= kPackedMin && files.size() <= kPackFilesMax) {
    EncodedPack pack = encode_pack(files);
    if (pack.bytes.size() <= kPackBytesMax) {
      all.push_back({temporary_path(pack.name), fresh / pack.name, std::move(pack.bytes)});
      return all;
    }
  }
  for (const OutboxFile& file : files) {
    const std::string name = name_of_file(file);
    all.push_back({temporary_path(name), fresh / name, encode(file)});
  }
  return all;
}

Result<Done> Outbox::queue(const std::vector<OutboxFile>& files) {
  if (files.empty()) return done;
  BMSG_TRY(prepare());
  std::vector<fs::path> made;
  auto published = publish(coming(files), place_path(OutboxPlace::fresh), made);
  if (published) return published;
  for (const fs::path& file : made) {
    // The disk fails already; what stays in tmp is swept, what stays in new may be sent although
    // its id was not told.
    (void)disk_.remove(file);
  }
  return published;
}

/// Many at once wait for the disk together: what it makes durable for one, it does for all.
Result<Done> Outbox::make_all(const std::vector<Coming>& files) {
  std::atomic<std::size_t> next = 0;
  std::mutex mutex;
  std::optional<Error> failed;
  const auto work = [&](const std::stop_token&) {
    for (std::size_t i = next++; i < files.size(); i = next++) {
      auto written = disk_.remove(files[i].made);  // A leftover of ours, from a disk that failed.
      if (written) written = disk_.create(files[i].made, files[i].bytes);
      if (written) continue;
      const std::lock_guard lock(mutex);
      failed = written.error();
      next = files.size();
    }
  };
  std::vector<std::jthread> others;
  const std::size_t wanted = std::min(files.size() / kFilesPerThread, kThreadsMax);
  while (others.size() < wanted && start_thread(others, work)) {
  }
  work({});
  others.clear();  // Joins.
  return failed ? Result<Done>(*failed) : done;
}

Result<Done> Outbox::publish(const std::vector<Coming>& files, const fs::path& directory,
                             std::vector<fs::path>& made) {
  for (const Coming& file : files) made.push_back(file.made);
  BMSG_TRY(make_all(files));
  // Only now may a node see any of them.
  for (std::size_t i = 0; i < files.size(); ++i) {
    // The very same message of an earlier call is not ours to take back if this one fails.
    BMSG_TRY_ASSIGN(const auto there, disk_.read(files[i].target, kPackBytesMax));
    BMSG_TRY(disk_.rename(files[i].made, files[i].target));
    if (!there) made[i] = files[i].target;
  }
  return disk_.sync_directory(directory);
}

Result<Done> Outbox::stage(const std::vector<OutboxFile>& files) {
  BMSG_TRY(prepare());
  for (const OutboxFile& file : files) {
    const fs::path made = temporary_path(name_of_file(file));
    BMSG_TRY(disk_.remove(made));  // A leftover of ours, from a disk that failed.
    const auto written = disk_.create(made, encode(file));
    if (written) continue;
    (void)unstage(files);  // The disk fails already; what stays is swept.
    return written;
  }
  return disk_.sync_directory(directory_ / "tmp");
}

Result<Done> Outbox::unstage(const std::vector<OutboxFile>& files) {
  for (const OutboxFile& file : files) {
    BMSG_TRY(disk_.remove(temporary_path(name_of_file(file))));
  }
  return done;
}

Result<std::set<MessageId>> Outbox::staged() const {
  std::set<MessageId> found;
  BMSG_TRY_ASSIGN(const auto names, disk_.list(directory_ / "tmp"));
  for (const std::string& name : names) {
    if (const auto id = staged_id(name)) found.insert(*id);
  }
  return found;
}

Result<Done> Outbox::finish(const std::vector<MessageId>& ids) {
  return move_staged(ids, place_path(OutboxPlace::fresh));
}

Result<Done> Outbox::stage_held(const std::string& name, ByteView file) {
  BMSG_TRY(prepare());
  const fs::path made = temporary_path(name);
  BMSG_TRY(disk_.remove(made));  // A leftover of ours, from a disk that failed.
  if (const auto written = disk_.create(made, file); !written) {
    (void)disk_.remove(made);  // The disk fails already; what stays is swept.
    return written;
  }
  return disk_.sync_directory(directory_ / "tmp");
}

Result<Done> Outbox::unstage_held(const std::string& name) {
  return disk_.remove(temporary_path(name));
}

Result<Done> Outbox::finish_held(const MessageId& id) {
  return move_staged({id}, directory_ / "held");
}

Result<Done> Outbox::move_staged(const std::vector<MessageId>& ids, const fs::path& target) {
  if (ids.empty()) return done;
  BMSG_TRY(disk_.make_directory(target));  // A backup holds no empty ones.
  BMSG_TRY_ASSIGN(const auto names, disk_.list(directory_ / "tmp"));
  for (const std::string& name : names) {
    const auto id = staged_id(name);
    if (!id || std::ranges::find(ids, *id) == ids.end()) continue;
    const std::string own = name.substr(0, kOutboxNameBytes);
    BMSG_TRY(move(directory_ / "tmp" / name, target / own));
  }
  return disk_.sync_directory(target);
}

fs::path Outbox::temporary_path(const std::string& name) const {
  return directory_ / "tmp" / fmt::format("{}.{}", name, ::getpid());
}

}  // namespace bmsg::mail
