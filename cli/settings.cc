#include "cli/settings.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <sstream>

#include <CLI/CLI.hpp>

#include "cli/environment.h"
#include "cli/report.h"
#include "lib/core/try.h"

namespace bmsg::cli {
namespace {

constexpr std::size_t kConfigBytesMax = 1 << 20;

const KnownSetting* find_known(const std::string& key) {
  const auto& known = known_settings();
  const auto at = std::ranges::find_if(known, [&](const auto& one) { return key == one.key; });
  return at == known.end() ? nullptr : &*at;
}

std::string quoted(const std::string& value) {
  const bool plain =
      !value.empty() && std::ranges::all_of(value, [](char c) { return c >= '0' && c <= '9'; });
  return plain || value == "true" || value == "false" ? value : "\"" + value + "\"";
}

/// Up to a mark of a comment outside quotes. The parser knows no such, and cuts in a text too.
std::string without_comment(const std::string& line) {
  const auto value = line.find_first_not_of(" \t", std::min(line.find('='), line.size() - 1) + 1);
  std::size_t from = 0;
  if (value != std::string::npos && line.find('#') > value &&
      (line[value] == '"' || line[value] == '\'')) {
    const auto end = line.find(line[value], value + 1);
    from = end == std::string::npos ? 0 : end;
  }
  return line.substr(0, line.find('#', from));
}

std::string without_comments(const std::string& text) {
  std::string out;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) out += without_comment(line) + "\n";
  return out;
}

std::string key_of(std::string_view line) {
  const auto equals = line.find('=');
  if (equals == std::string_view::npos) return {};
  std::string key(line.substr(0, equals));
  std::erase_if(key, [](char c) { return c == ' ' || c == '\t' || c == '"'; });
  return key;
}

/// Names with a dot between each two.
bool is_key(std::string_view text) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '.';
  };
  return !text.empty() && std::ranges::all_of(text, fits) && text.front() != '.' &&
         text.back() != '.' && text.find("..") == std::string_view::npos;
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r";
  const auto from = text.find_first_not_of(kBlank);
  if (from == std::string_view::npos) return {};
  return text.substr(from, text.find_last_not_of(kBlank) - from + 1);
}

/// One word, or a text in quotes.
bool is_value(std::string_view text) {
  if (text.empty()) return false;
  const char quote = text.front();
  if (quote != '"' && quote != '\'')
    return text.find_first_of(" \t\r\"'[]{},=") == std::string_view::npos;
  return text.size() > 1 && text.find(quote, 1) == text.size() - 1;
}

/// A line without its comment. What the parser of TOML would also take, edited() would not find.
bool is_line(std::string_view line) {
  line = trimmed(line);
  if (line.empty()) return true;
  if (line.front() == '[') return line.back() == ']' && is_key(line.substr(1, line.size() - 2));
  const auto equals = line.find('=');
  return equals != std::string_view::npos && is_key(trimmed(line.substr(0, equals))) &&
         is_value(trimmed(line.substr(equals + 1)));
}

/// Whether all lines are blank, sections, or key and value.
Result<Done> check_lines(const std::string& text, const std::string& origin) {
  std::istringstream lines(text);
  std::size_t number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    if (!is_line(line)) {
      return Error{Errc::bad_config,
                   fmt::format("{}: line {} is not 'key = value'", origin, number),
                   "put text into quotes; bmsg-config(5) says what such a file holds"};
    }
  }
  return done;
}

/// check_value() of what stands in a file, or behind -c.
Result<Done> check_fits(const std::string& key, const std::string& text,
                        const std::string& origin) {
  const auto fits = check_value(key, text);
  if (fits) return done;
  return Error{Errc::bad_config, fmt::format("{}: {}", origin, fits.error().message),
               "bmsg-config(5) lists the keys and what fits; mend or remove that line"};
}

}  // namespace

const std::vector<KnownSetting>& known_settings() {
  static const std::vector<KnownSetting> known = {
      {"user.identity", "", "", "identity that commands use when the store has several"},
      {"core.editor", "", "", "program that writes a message when there is no -m, -F or input",
       false},
      {"core.pager", "", "", "program that shows long output", false},
      {"color.ui", "auto", "auto|always|never", "auto, always or never", false},
      {"lock.timeout", "10s", "duration", "how long to wait for another bmsg"},
      {"send.expires", "30d", "duration", "how long a message is kept by others"},
      {"send.key_ttl", "90d", "duration", "how long the key of a send is remembered"},
      {"send.sign", "true", "true|false", "whether messages carry a signature"},
      {"send.require_verified", "false", "true|false", "refuse recipients that were not verified"},
      {"ack.default", "asked", "never|asked|read", "policy of a new contact: never, asked or read"},
      {"forget.honour", "false", "true|false", "drop what its author asks all to forget"},
      {"hooks.timeout", "30s", "duration", "how long a hook may take"},
      {"mine.threads", "0", "number", "threads that search; 0 for all"},
      {"mine.timeout", "0", "duration", "give up after this long; 0 for never"},
      {"mine.bury", "6", "number", "blocks to put on top of a message"},
      {"sync.timeout", "10m", "duration", "longest time for one round"},
      {"sync.proxy", "", "", "socks5h://HOST:PORT for all connections"},
      {"serve.listen", "127.0.0.1:5512", "", "where serve listens"},
      {"serve.sync_every", "5m", "duration", "how often serve asks its peers; 0 for never"},
      {"serve.allow", "", "", "node keys that serve lets in, as if they were members"},
      {"serve.advertise", "", "", "HOST:PORT where others can call this node"},
      {"serve.lan", "false", "true|false", "whether serve meets nodes of the local network"},
      {"serve.max_connections", "1024", "number", "connections at once"},
      {"web.listen", "127.0.0.1:8787", "", "where the page is"},
      {"web.idle_lock", "15m", "duration", "how long the page stays open unused; 0 for ever"},
      {"blob_quota", "0", "size", "bytes of others' files to keep for them, as 10G; 0 for none"},
      {"max_reorg", "72", "number",
       "blocks that may be replaced without asking; 6 where blocks are endorsed"},
      {"limits.put", "8388608", "number", "bytes of one put"},
      {"limits.requests", "100", "number", "requests from one address in ten seconds"},
      {"limits.requests_at_once", "8", "number", "requests from one address at once"},
      {"limits.bytes_out", "67108864", "number", "bytes of answers to one address in a minute"},
      {"limits.subnet_connections", "4", "number",
       "connections of one subnet at once; in a private network 16 times as many"},
      {"limits.request_time", "10", "number", "seconds for one request"},
      {"limits.idle_time", "75", "number", "seconds that a connection may be idle"},
      {"safe.store", "", "", "another user's store to accept, or * for all; the user's file only",
       false},
  };
  return known;
}

Result<Done> check_known(const std::string& key, const std::string& origin) {
  if (find_known(key) != nullptr) return done;
  std::vector<std::string> keys;
  for (const KnownSetting& known : known_settings()) keys.emplace_back(known.key);
  const std::string near = nearest(key, keys);
  return Error{Errc::bad_config,
               fmt::format("{}: unknown key '{}'{}", origin, key,
                           near.empty() ? "" : ", did you mean '" + near + "'"),
               "bmsg-config(5) lists the keys; mend or remove that line"};
}

bool counts_in_store(const std::string& key) {
  const KnownSetting* known = find_known(key);
  return known == nullptr || known->counts_in_store;
}

Result<Done> Settings::add_file(const std::filesystem::path& file, const Disk& disk) {
  BMSG_TRY_ASSIGN(const auto bytes, disk.read(file, kConfigBytesMax));
  return bytes ? add_text(to_string(*bytes), file.string()) : Result<Done>(done);
}

Result<Done> Settings::add_store_file(const std::filesystem::path& file, const Disk& disk) {
  Settings found;
  BMSG_TRY(found.add_file(file, disk));
  for (const auto& [key, value] : found.all()) {
    if (counts_in_store(key)) add(key, value.text, value.origin);
  }
  return done;
}

Result<Done> Settings::add_text(const std::string& text, const std::string& origin) {
  const std::string plain = without_comments(text);
  BMSG_TRY(check_lines(plain, origin));
  std::istringstream in(plain);
  CLI::ConfigTOML parser;
  parser.comment('\0');  // None is left.
  for (const CLI::ConfigItem& item : parser.from_config(in)) {
    if (item.name == "++" || item.name == "--") continue;  // The parser's marks of sections.
    BMSG_TRY(check_known(item.fullname(), origin));
    if (item.inputs.size() != 1) {
      return Error{Errc::bad_config,
                   fmt::format("{}: '{}' needs one value", origin, item.fullname())};
    }
    BMSG_TRY(check_fits(item.fullname(), item.inputs.front(), origin));
    add(item.fullname(), item.inputs.front(), origin);
  }
  return done;
}

Result<Done> Settings::add_assignment(const std::string& assignment) {
  const auto equals = assignment.find('=');
  if (equals == std::string::npos) {
    return Error{Errc::bad_usage, fmt::format("-c '{}': not of the form key=value", assignment)};
  }
  const std::string key = assignment.substr(0, equals);
  BMSG_TRY(check_known(key, "-c"));
  BMSG_TRY(check_fits(key, assignment.substr(equals + 1), "-c"));
  add(key, assignment.substr(equals + 1), "-c");
  return done;
}

void Settings::add(const std::string& key, const std::string& text, const std::string& origin) {
  values_[key] = Value{text, origin};
}

std::optional<Settings::Value> Settings::said(const std::string& key) const {
  const auto at = values_.find(key);
  return at == values_.end() ? std::nullopt : std::optional(at->second);
}

const std::string& Settings::text(const std::string& key) const {
  if (const auto at = values_.find(key); at != values_.end()) return at->second.text;
  // Made whole at once: threads that sync with several peers ask at the same time.
  static const auto defaults = [] {
    std::map<std::string, std::string> made;
    for (const KnownSetting& known : known_settings()) made.emplace(known.key, known.value);
    return made;
  }();
  const auto known = defaults.find(key);
  check(known != defaults.end(), "asked for an unknown setting");
  return known->second;
}

Result<std::uint64_t> Settings::seconds(const std::string& key) const {
  auto parsed = parse_duration(text(key));
  if (!parsed) return Error{Errc::bad_config, fmt::format("{}: {}", key, parsed.error().message)};
  return parsed;
}

Result<std::uint64_t> Settings::number(const std::string& key) const {
  const std::string& digits = text(key);
  std::uint64_t value = 0;
  const auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (failed == std::errc() && end == digits.data() + digits.size()) return value;
  return Error{Errc::bad_config, fmt::format("{}: '{}' is not a number", key, digits)};
}

Result<std::uint64_t> Settings::size(const std::string& key) const {
  auto parsed = parse_size(text(key));
  if (!parsed) return Error{Errc::bad_config, fmt::format("{}: {}", key, parsed.error().message)};
  return parsed;
}

Result<Done> check_value(const std::string& key, const std::string& text) {
  const KnownSetting* known = find_known(key);
  check(known != nullptr, "asked for an unknown setting");
  const std::string values = known->values;
  Settings one;
  one.add(key, text, "");
  if (values == "duration" || values == "number" || values == "size") {
    const auto read = values == "number"     ? one.number(key)
                      : values == "duration" ? one.seconds(key)
                                             : one.size(key);
    return read ? Result<Done>(done) : Error{Errc::bad_usage, read.error().message};
  }
  const auto words = CLI::detail::split(values, '|');
  if (values.empty() || std::ranges::find(words, text) != words.end()) return done;
  return Error{Errc::bad_usage,
               fmt::format("{}: '{}' is none of {}", key, text, fmt::join(words, ", "))};
}

Result<Done> check_writable(const std::string& key, const std::string& text) {
  const auto fits = [](char c) { return c != '"' && c != 127 && (c < 0 || c >= ' '); };
  if (std::ranges::all_of(text, fits)) return done;
  return Error{Errc::bad_usage,
               fmt::format("the value of '{}' may hold no quote and no line end", key)};
}

std::string edited(const std::string& file_text, const std::string& key,
                   const std::optional<std::string>& value) {
  std::string out;
  std::string section;
  std::istringstream lines(file_text);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with('[') && line.find(']') != std::string::npos) {
      section = line.substr(1, line.find(']') - 1) + ".";
    }
    if (section + key_of(line) == key) continue;
    out += line + "\n";
  }
  // In front, where no section has begun.
  return value ? fmt::format("{} = {}\n", key, quoted(*value)) + out : out;
}

bool is_declared_safe(const std::filesystem::path& store, const Disk& disk) {
  Settings settings;
  if (!settings.add_file(user_config_file(), disk)) return false;  // Whoever needs it tells why.
  const std::string& named = settings.text("safe.store");
  std::error_code failed;
  return named == "*" || (!named.empty() && std::filesystem::equivalent(named, store, failed));
}

std::filesystem::path system_config_file() {
  const std::string dirs = from_environment("XDG_CONFIG_DIRS");
  const std::filesystem::path first = dirs.substr(0, dirs.find(':'));
  return (first.is_absolute() ? first : "/etc/xdg") / "bmsg" / "config.toml";
}

std::filesystem::path user_config_directory() {
  if (const auto named = directory_from_environment("XDG_CONFIG_HOME"); !named.empty())
    return named;
  const auto home = directory_from_environment("HOME");
  return home.empty() ? home : home / ".config";
}

Error no_home() {
  return {Errc::bad_config, "neither HOME nor XDG_CONFIG_HOME names a directory",
          "export HOME, from the root on"};
}

std::filesystem::path user_config_file() {
  if (const auto named = from_environment("BMSG_CONFIG"); !named.empty()) return named;
  const auto config = user_config_directory();
  return config.empty() ? config : config / "bmsg" / "config.toml";
}

Result<std::uint64_t> parse_size(const std::string& text) {
  std::uint64_t count = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), count);
  const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  constexpr std::string_view kUnits = "KMG";
  const std::size_t power = unit.empty() ? 0 : kUnits.find(unit.front()) + 1;
  constexpr std::uint64_t kCountMax = std::uint64_t{1} << 33;  // With G it is still a number.
  const bool is_good = failed == std::errc() && unit.size() <= 1 && (unit.empty() || power > 0) &&
                       (power == 0 || count <= kCountMax);
  if (!is_good)
    return Error{Errc::bad_usage, fmt::format("'{}' is not a size such as 4096, 64K or 10G", text)};
  return count << (10 * power);
}

Result<std::uint64_t> parse_duration(const std::string& text) {
  std::uint64_t count = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), count);
  const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  constexpr std::uint64_t kCountMax = 1'000'000'000;
  std::uint64_t seconds = 0;
  if (unit.empty() || unit == "s") seconds = 1;
  if (unit == "m") seconds = 60;
  if (unit == "h") seconds = 3600;
  if (unit == "d") seconds = 86400;
  if (unit == "y") seconds = 31536000;
  if (failed != std::errc() || seconds == 0 || count > kCountMax) {
    return Error{Errc::bad_usage,
                 fmt::format("'{}' is not a duration such as 30s, 15m, 12h, 7d or 1y", text)};
  }
  return count * seconds;
}

}  // namespace bmsg::cli
