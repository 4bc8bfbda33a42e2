#include "lib/mail/upload.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "lib/chain/message_rules.h"
#include "lib/core/big_endian.h"
#include "lib/core/codec.h"
#include "lib/core/hex.h"
#include "lib/core/try.h"
#include "lib/crypto/kdf.h"
#include "lib/crypto/random.h"
#include "lib/mail/summary.h"

namespace bmsg::mail {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPrefix = "upload-";
constexpr std::string_view kState = "state-";  // Then the expiry of the chunks.
constexpr std::string_view kLock = "lock";
constexpr std::size_t kNameBytes = 16;
constexpr std::size_t kStateBytesMax = 1024;
constexpr std::uint32_t kMinute = 60;
/// So much of the time for which others keep it may have passed before one begins anew.
constexpr std::uint64_t kPartPassedMax = 10;

std::string state_name(std::uint64_t expiry) { return fmt::format("{}{:09x}", kState, expiry); }

std::optional<std::uint64_t> expiry_in(std::string_view name) {
  if (!name.starts_with(kState)) return std::nullopt;
  const std::string_view digits = name.substr(kState.size());
  std::uint64_t expiry = 0;
  const auto [end, failed] =
      std::from_chars(digits.data(), digits.data() + digits.size(), expiry, 16);
  if (failed != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return expiry;
}

/// All but the lock, which goes last.
Result<Done> clear(Disk& disk, const fs::path& directory) {
  BMSG_TRY_ASSIGN(const auto names, disk.list(directory));
  for (const std::string& name : names) {
    if (name != kLock) BMSG_TRY(disk.remove(directory / name));
  }
  return done;
}

Result<Done> remove_whole(Disk& disk, const fs::path& directory) {
  BMSG_TRY(clear(disk, directory));
  BMSG_TRY(disk.remove(directory / kLock));
  std::error_code busy;  // Somebody begins the same upload: then it stays.
  fs::remove(directory, busy);
  return done;
}

fs::path directory_of(const UploadContext& context, const KnownFile& file) {
  Bytes text = to_bytes("bmsg1 upload");
  append(text, file.hash.view());
  append_be(text, file.size);
  append_be(text, context.ttl);
  const auto name = crypto::hmac(crypto::Hash::sha512, context.mailbox_key->view(), text);
  return context.blobs.path() / (std::string(kPrefix) + to_hex(name.view().first(kNameBytes)));
}

}  // namespace

Result<Upload> Upload::begin(const UploadContext& context) {
  Bytes name(kNameBytes);
  BMSG_TRY(context.entropy.fill(name));
  const fs::path directory = context.blobs.path() / (std::string(kPrefix) + to_hex(name));
  BMSG_TRY(context.blobs.disk().make_directory(directory));
  BMSG_TRY_ASSIGN(auto lock, FileLock::try_take(directory / kLock, "send"));
  if (!lock) return Error{Errc::locked, "an upload that just began is in use"};
  Upload upload(context.blobs, directory, std::move(*lock));
  BMSG_TRY(upload.write_state(context, nullptr));
  return upload;
}

Result<Upload> Upload::resume(const UploadContext& context, const KnownFile& file) {
  if (context.mailbox_key == nullptr) return begin(context);
  const fs::path directory = directory_of(context, file);
  BMSG_TRY(context.blobs.disk().make_directory(directory));
  BMSG_TRY_ASSIGN(auto lock, FileLock::try_take(directory / kLock, "send"));
  if (!lock) return begin(context);  // Another sends the same file: each for itself.
  Upload upload(context.blobs, directory, std::move(*lock));
  const auto bound = relabel<MessageId>(file.hash);
  BMSG_TRY_ASSIGN(const bool goes_on, upload.read_state(context, bound));
  if (!goes_on) BMSG_TRY(upload.write_state(context, &bound));
  return upload;
}

/// Whether there is something to go on with.
Result<bool> Upload::read_state(const UploadContext& context, const MessageId& bound) {
  Disk& disk = blobs_->disk();
  BMSG_TRY_ASSIGN(const auto names, disk.list(directory_));
  const auto state = std::ranges::find_if(
      names, [](const std::string& name) { return expiry_in(name).has_value(); });
  if (state == names.end()) return false;
  BMSG_TRY_ASSIGN(const auto sealed, disk.read(directory_ / *state, kStateBytesMax));
  if (!sealed) return false;
  const auto plain = open_note(*context.mailbox_key, bound, *sealed);
  if (!plain || plain.value().size() != kFileKeyBytes + sizeof time_) return false;
  key_ = crypto::SecretBytes::from(plain.value().view().first(kFileKeyBytes));
  time_ = load_be<std::uint32_t>(plain.value().view().data() + kFileKeyBytes);
  const std::uint64_t passed =
      context.now.value - std::min<std::uint64_t>(time_, context.now.value);
  if (passed > context.ttl / kPartPassedMax || time_ > context.now.value) return false;
  for (const std::string& name : names) {
    if (const auto blob = node::blob_named(name)) chunks_.emplace(blob->id, *blob);
  }
  found_ = chunks_.size();
  return true;
}

/// Begins with a key of its own; what lay here goes.
Result<Done> Upload::write_state(const UploadContext& context, const MessageId* bound) {
  Disk& disk = blobs_->disk();
  BMSG_TRY(clear(disk, directory_));
  chunks_.clear();
  used_.clear();
  BMSG_TRY_ASSIGN(key_, crypto::random_secret(context.entropy, kFileKeyBytes));
  time_ = static_cast<std::uint32_t>(context.now.value - context.now.value % kMinute);
  if (bound == nullptr) return done;
  Bytes plain;
  plain.reserve(kFileKeyBytes + sizeof time_);  // A buffer that grows leaves the key behind.
  append(plain, key_.view());
  append_be(plain, time_);
  const auto sealed = seal_note(*context.mailbox_key, *bound, plain, context.entropy);
  crypto::wipe(plain);
  if (!sealed) return sealed.error();
  return disk.replace(directory_ / state_name(std::uint64_t{time_} + context.ttl), sealed.value());
}

Result<bool> Upload::has(const MessageId& id) {
  node::Blob blob;
  {
    const std::lock_guard lock(*mutex_);
    const auto at = chunks_.find(id);
    if (at == chunks_.end()) return false;
    blob = at->second;
  }
  const fs::path file = directory_ / node::file_name_of(blob);
  BMSG_TRY_ASSIGN(const auto bytes, blobs_->disk().read(file, kChunkMessageBytesMax));
  // A kill may have left the beginning of one.
  const auto chunk = bytes ? decode_message(*bytes) : Error{Errc::not_found, "gone"};
  const bool is_whole = chunk && !chain::find_body_violation(chunk.value());
  // Or the whole of one that was not made durable: nothing is written, but all of it is synced.
  if (is_whole) BMSG_TRY(blobs_->disk().overwrite(file, 0, {}));
  if (!is_whole) BMSG_TRY(blobs_->disk().remove(file));
  const std::lock_guard lock(*mutex_);
  if (is_whole) {
    used_.insert(blob);
  } else {
    chunks_.erase(id);
  }
  return is_whole;
}

Result<Done> Upload::put(const Message& chunk, const MessageId& id) {
  const node::Blob blob = node::blob_of(chunk, id);
  BMSG_TRY(blobs_->disk().create(directory_ / node::file_name_of(blob), encode(chunk)));
  const std::lock_guard lock(*mutex_);
  chunks_.emplace(id, blob);
  used_.insert(blob);
  return done;
}

/// A chunk that a changed file has left here is sealed under the same key as the one in its place:
/// both together would open both.
Result<Done> Upload::finish() {
  BMSG_TRY(blobs_->disk().sync_directory(directory_));
  BMSG_TRY(blobs_->adopt(directory_, {used_.begin(), used_.end()}));
  return remove_whole(blobs_->disk(), directory_);
}

Result<Done> Upload::abandon() { return remove_whole(blobs_->disk(), directory_); }

Result<Done> sweep_uploads(Disk& disk, const fs::path& blobs, UnixSeconds now) {
  BMSG_TRY_ASSIGN(const auto names, disk.list(blobs));
  for (const std::string& name : names) {
    const fs::path directory = blobs / name;
    std::error_code gone;
    if (!name.starts_with(kPrefix) || !fs::exists(directory / kLock, gone)) continue;
    BMSG_TRY_ASSIGN(const auto lock, FileLock::try_take(directory / kLock, "sweep"));
    if (!lock) continue;  // At work.
    BMSG_TRY_ASSIGN(const auto files, disk.list(directory));
    const bool may_go_on = std::ranges::any_of(files, [&](const std::string& file) {
      const auto expiry = expiry_in(file);
      return expiry && *expiry > now.value;
    });
    if (!may_go_on) BMSG_TRY(remove_whole(disk, directory));
  }
  return done;
}

}  // namespace bmsg::mail
