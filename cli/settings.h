// Settings: what configuration files, the environment and -c say, and where each value is from.

#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "lib/core/disk.h"
#include "lib/core/result.h"

namespace bmsg::cli {

/// A key that configuration may name.
struct KnownSetting {
  const char* key;
  const char* value;   // When nothing says otherwise.
  const char* values;  // "duration", "number", "size", words with | between them, or "": any text.
  const char* says;
  bool counts_in_store = true;  // Whether the file of a store may say it: stores come from others.
};

/// All of them, in the order of bmsg-config(5).
const std::vector<KnownSetting>& known_settings();

/// Errors: Errc::bad_config for a key that no bmsg knows; `origin` says where it stands.
Result<Done> check_known(const std::string& key, const std::string& origin);

/// Whether the file of a store may say what this is. A key that is unknown may stand anywhere.
bool counts_in_store(const std::string& key);

/// Values by key, later sources over earlier ones.
class Settings {
 public:
  struct Value {
    std::string text;
    std::string origin;  // "default", a file, "BMSG_…" or "-c".
  };

  /// Reads a file if it is there. Errors: Errc::bad_config naming file and key.
  Result<Done> add_file(const std::filesystem::path& file, const Disk& disk);
  /// The same of a store: what does not count there is left out.
  Result<Done> add_store_file(const std::filesystem::path& file, const Disk& disk);
  /// The text of such a file; `origin` says where it stands. Errors: as add_file().
  Result<Done> add_text(const std::string& text, const std::string& origin);
  /// "key=value" from -c.
  Result<Done> add_assignment(const std::string& assignment);
  void add(const std::string& key, const std::string& text, const std::string& origin);

  /// The value of a known key.
  const std::string& text(const std::string& key) const;
  Result<std::uint64_t> seconds(const std::string& key) const;
  Result<std::uint64_t> number(const std::string& key) const;
  Result<std::uint64_t> size(const std::string& key) const;
  const std::map<std::string, Value>& all() const { return values_; }
  /// Only what some source said.
  std::optional<Value> said(const std::string& key) const;

 private:
  std::map<std::string, Value> values_;
};

/// Whether a known setting may have this value. Errors: Errc::bad_usage, naming what it may be.
Result<Done> check_value(const std::string& key, const std::string& text);

/// Whether a file can hold it. Errors: Errc::bad_usage: a quote, or a control character.
Result<Done> check_writable(const std::string& key, const std::string& text);

/// The text of a file with one key set or removed; other lines stay as they are.
std::string edited(const std::string& file_text, const std::string& key,
                   const std::optional<std::string>& value);

/// True if the user's own file, and no other, accepts a store of somebody else: safe.store names
/// it, or is "*".
bool is_declared_safe(const std::filesystem::path& store, const Disk& disk);

/// /etc/xdg/bmsg/config.toml and its like.
std::filesystem::path system_config_file();
/// The user's; empty if no variable names a home.
std::filesystem::path user_config_file();
/// ~/.config and its like, which all programs share; empty as above.
std::filesystem::path user_config_directory();
/// For those that need one: Errc::bad_config.
Error no_home();

/// "4096", "64K", "512M", "10G" in bytes. Errors: Errc::bad_usage.
Result<std::uint64_t> parse_size(const std::string& text);

/// "90", "30s", "15m", "12h", "7d", "1y" in seconds. Errors: Errc::bad_usage.
Result<std::uint64_t> parse_duration(const std::string& text);

}  // namespace bmsg::cli
