// StoreDir: the directory that holds one chain and one participant. Found, made, locked.

#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>

#include "lib/core/clock.h"
#include "lib/core/disk.h"
#include "lib/core/file_lock.h"
#include "lib/core/result.h"

namespace bmsg::cli {

/// Where things lie in a store. Source: bmsg-store(5).
class StoreDir {
 public:
  explicit StoreDir(std::filesystem::path root) : root_(std::move(root)) {}

  const std::filesystem::path& root() const { return root_; }
  std::filesystem::path format() const { return root_ / "format"; }
  std::filesystem::path genesis() const { return root_ / "genesis"; }
  /// There in a light store: found without opening anything, and if the database is lost.
  std::filesystem::path light() const { return root_ / "light"; }
  std::filesystem::path config() const { return root_ / "config.toml"; }
  std::filesystem::path chain() const { return root_ / "chain"; }
  std::filesystem::path mail() const { return root_ / "mail"; }
  std::filesystem::path witness() const { return root_ / "witness"; }
  std::filesystem::path keyring() const { return root_ / "keys" / "keyring"; }
  std::filesystem::path node_key() const { return root_ / "keys" / "node.key"; }
  std::filesystem::path endorser_key() const { return root_ / "keys" / "endorser.key"; }
  /// What that key has signed (lib/node/endorser_log.h).
  std::filesystem::path endorser_log() const { return root_ / "endorser.log"; }
  std::filesystem::path endorser_lock() const { return run() / "endorse.lock"; }
  /// The note of the checkpoint that was signed last.
  std::filesystem::path last_signed() const { return root_ / "signed-checkpoint"; }
  /// Which charters the endorser key has signed (cli/signed_charters.h).
  std::filesystem::path signed_charters() const { return root_ / "signed-charters"; }
  std::filesystem::path policies() const { return root_ / "policies.toml"; }
  std::filesystem::path contacts() const { return root_ / "contacts.jsonl"; }
  std::filesystem::path cards() const { return root_ / "cards"; }
  std::filesystem::path outbox() const { return root_ / "outbox"; }
  std::filesystem::path blobs() const { return root_ / "blobs"; }
  std::filesystem::path run() const { return root_ / "run"; }
  std::filesystem::path hooks() const { return root_ / "hooks"; }
  /// Held by whoever delivers to a reader (lib/mail/reader.h).
  std::filesystem::path reader_lock(const std::string& reader) const {
    return run() / ("reader." + reader);
  }
  std::filesystem::path ballast() const { return root_ / "ballast"; }
  std::filesystem::path chain_lock() const { return root_ / "chain.lock"; }
  std::filesystem::path mail_lock() const { return root_ / "mail.lock"; }
  std::filesystem::path config_lock() const { return root_ / "config.lock"; }

 private:
  std::filesystem::path root_;
};

/// The store that a command means: `named` (-C), BMSG_STORE, .bmsg here or above, the default.
/// Errors: Errc::not_found naming the places that were tried; Errc::denied if somebody else owns
///         it; Errc::bad_config if a newer bmsg made it.
Result<StoreDir> find_store(const std::string& named, const Disk& disk);

/// Where `init` without a directory makes one; empty if no variable names a home.
std::filesystem::path default_store();

/// Checks owner and format of a directory that is taken for a store.
Result<Done> check_store(const StoreDir& store, const Disk& disk);

/// `path` from the root on, without dots; as it is if the working directory is gone.
std::filesystem::path whole_path(const std::filesystem::path& path);

/// What the file `format` of a store of this version says.
inline constexpr std::string_view kStoreFormat = "bmsg-store 1\n";
inline constexpr unsigned kStoreFormatNumber = 1;

}  // namespace bmsg::cli
