// bmsg doctor: is this machine, and this store, as they should be?

#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "cli/command.h"
#include "cli/environment.h"
#include "cli/keyring_file.h"
#include "cli/network_state.h"
#include "cli/peering.h"
#include "cli/run_program.h"
#include "cli/session.h"
#include "cli/text.h"
#include "lib/api/schedule_json.h"
#include "lib/core/try.h"
#include "lib/mail/keyring.h"
#include "storage/rocks_options.h"

namespace bmsg::cli {
namespace {

namespace fs = std::filesystem;

struct Options {
  bool net = false;
};

enum class State { ok, warn, fail };

struct Check {
  std::string name;
  State state = State::ok;
  std::string text;
  std::string next = {};
};

constexpr std::uint64_t kFreeBytesGood = 64u << 20;
constexpr rlim_t kDescriptorsGood = 256;

Check check_space(const Context& context, const StoreDir& store) {
  const auto free = context.disk.free_bytes(store.root());
  if (!free) return {"space", State::fail, free.error().message, "check the file system"};
  const std::string text = fmt::format("{} MiB are free", free.value() >> 20);
  if (free.value() < storage::kFreeBytesMin)
    return {"space", State::fail, text, "make room: nothing can be written"};
  if (free.value() < kFreeBytesGood) return {"space", State::warn, text, "make room soon"};
  return {"space", State::ok, text};
}

Check check_ballast(const StoreDir& store) {
  if (fs::exists(store.ballast())) return {"ballast", State::ok, "kept for a full disk"};
  return {"ballast", State::warn, "was given up, or never there",
          fmt::format("head -c 16M /dev/urandom > '{}'", store.ballast().string())};
}

Check check_modes(const StoreDir& store) {
  for (const auto& path : {store.root(), store.keyring().parent_path(), store.keyring(),
                           store.node_key(), store.run()}) {
    struct stat found {};
    if (::lstat(path.c_str(), &found) != 0) continue;  // What must be there is another check's.
    if ((found.st_mode & 077U) != 0 || found.st_uid != ::geteuid()) {
      return {"modes", State::fail, fmt::format("others may use '{}'", path.string()),
              fmt::format("chmod go-rwx '{}'", path.string())};
    }
  }
  return {"modes", State::ok, "nobody else may read store or keys"};
}

Check check_chain(Context& context, const StoreDir& store) {
  const auto chain = open_chain(context, store);
  if (!chain) return {"chain", State::fail, chain.error().message, "bmsg repair --dry-run"};
  const auto tip = chain.value()->tip();
  if (!tip) return {"chain", State::fail, tip.error().message, "bmsg repair --dry-run"};
  const std::uint64_t now = context.clock.now().value;
  if (tip.value().time.value > now + static_cast<std::uint64_t>(kTimeAheadMax.count())) {
    return {"clock", State::fail,
            fmt::format("the tip is dated {} s ahead of this clock", tip.value().time.value - now),
            "set the clock"};
  }
  const auto peers = chain.value()->peers();
  if (!peers) return {"peers", State::fail, peers.error().message, "bmsg repair --dry-run"};
  if (const auto off = clock_off(peers.value()); std::abs(off) > kClockOffSeconds) {
    return {"clock", State::warn,
            fmt::format("{} s {} the peers'", std::abs(off), off > 0 ? "behind" : "ahead of"),
            "set the clock"};
  }
  return {"chain", State::ok, fmt::format("opens, {} blocks", tip.value().height.value)};
}

/// Whether somebody read or wrote mail here.
bool is_anybodys(const StoreDir& store) {
  std::error_code unread;
  if (fs::exists(store.mail(), unread) || fs::exists(store.contacts(), unread)) return true;
  return std::ranges::any_of(std::array{"held", "new", "cur"}, [&](const char* place) {
    const fs::path folder = store.outbox() / place;
    return fs::is_directory(folder, unread) && !fs::is_empty(folder, unread);
  });
}

Check check_keys(const Context& context, const StoreDir& store) {
  constexpr std::size_t kCostAt = 4;
  const auto file = context.disk.read(store.keyring(), mail::kKeyringBytesMax);
  if (!file) return {"keys", State::fail, file.error().message, "check its owner and mode"};
  if (!file.value() && !is_anybodys(store))
    return {"keys", State::warn, "there is no keyring: this store only relays", "bmsg id new NAME"};
  if (!file.value()) {
    return {"keys", State::fail, "there is no keyring, so no mail can be read",
            "bmsg id restore FILE brings back whose mail it was, bmsg id new NAME begins anew"};
  }
  const bool damaged = file.value()->size() <= kCostAt;
  if (damaged) return {"keys", State::fail, "the keyring is damaged", "restore a backup"};
  if ((*file.value())[kCostAt] == mail::kNoPassphraseCost.log2_n)
    return {"keys", State::warn, "behind no passphrase", "bmsg passwd"};
  return {"keys", State::ok, "behind a passphrase"};
}

Check check_settings(const Context& context, const StoreDir& store) {
  const auto settings = context.settings(&store);
  if (!settings) {
    return {"settings", State::fail, settings.error().message,
            "bmsg config unset KEY, for a file of the user's with --user"};
  }
  for (const auto& [key, value] : settings.value().all()) {
    const auto fits = check_value(key, value.text);
    if (!fits) {
      return {"settings", State::fail, fmt::format("{}: {}", value.origin, fits.error().message),
              fmt::format("bmsg config unset {}", key)};
    }
  }
  return {"settings", State::ok, "all keys are known and their values fit"};
}

Check check_contacts(const Context& context, const StoreDir& store) {
  const auto contacts = read_contacts(context, store);
  if (contacts) return {"contacts", State::ok, "can be read"};
  return {"contacts", State::fail, contacts.error().message,
          "restore a backup, or take the line out of contacts.jsonl"};
}

Check check_limits() {
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  if (files.rlim_cur < kDescriptorsGood) {
    return {"limits", State::warn, fmt::format("only {} descriptors", files.rlim_cur),
            "ulimit -n 1024"};
  }
  rlimit size{};
  ::getrlimit(RLIMIT_FSIZE, &size);
  if (size.rlim_cur != RLIM_INFINITY) {
    return {"limits", State::warn, fmt::format("files end at {} bytes", size.rlim_cur),
            "ulimit -f unlimited"};
  }
  return {"limits", State::ok, "enough descriptors, files of any size"};
}

Check check_terminal() {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const std::string value = from_environment(name);
    if (value.empty()) continue;
    const bool is_utf8 =
        value.find("UTF-8") != std::string::npos || value.find("utf8") != std::string::npos;
    if (is_utf8) break;
    return {"terminal", State::warn, fmt::format("{}={} is not UTF-8", name, shown_line(value)),
            "export LANG=C.UTF-8"};
  }
  return {"terminal", State::ok, "shows UTF-8, or does not say"};
}

Check check_completion() {
  for (const char* place : {"/usr/share/bash-completion/completions/bmsg",
                            "/usr/local/share/bash-completion/completions/bmsg"}) {
    if (::access(place, R_OK) == 0) return {"completion", State::ok, place};
  }
  return {"completion", State::warn, "is not installed for all",
          "the folder completions/ has a file for each shell"};
}

Check check_timers(const StoreDir& store) {
  const std::string root = whole_path(store.root()).string();
  const auto crontab = run_program({.words = {"crontab", "-l"}, .output = ProgramOutput::results});
  if (crontab.output.find("# bmsg begin " + root) != std::string::npos)
    return {"timers", State::ok, "cron syncs and mines"};
  const auto timers =
      run_program({.words = {"systemctl", "--user", "is-enabled", "bmsg-sync.timer"},
                   .output = ProgramOutput::results});
  if (timers.output.starts_with("enabled")) return {"timers", State::ok, "systemd syncs and mines"};
  return {"timers", State::warn, "nothing syncs by itself", "bmsg schedule --cron --install"};
}

std::vector<Check> check_peers(Context& context, const StoreDir& store) {
  std::vector<Check> checks;
  const auto chain = open_chain(context, store);
  if (!chain) return checks;  // Told by its own check.
  const auto peers = chain.value()->peers();
  if (!peers) return checks;
  if (peers.value().empty())
    checks.push_back({"peers", State::warn, "none is known", "bmsg peers add URL"});
  for (const node::Peer& peer : peers.value()) {
    if (node::is_learned(peer)) continue;  // There may be a thousand, and none of them owes us.
    const auto answer = probe(context, store, peer);
    checks.push_back(answer ? Check{"peers", State::ok, peer.url + " answers"}
                            : Check{"peers", State::warn, answer.error().message,
                                    fmt::format("bmsg peers show {}", peer.url)});
  }
  return checks;
}

void print(Context& context, const Check& check) {
  constexpr std::array<const char*, 3> kWords = {"OK", "WARN", "FAIL"};
  constexpr std::array<const char*, 3> kJsonWords = {"ok", "warn", "fail"};
  const auto state = static_cast<std::size_t>(check.state);
  if (context.options.json) {
    context.out.line(api::check_json({check.name, kJsonWords[state], check.text, check.next}));
    return;
  }
  context.out.line(fmt::format("{:<4} {}: {}{}", kWords[state], check.name, shown_line(check.text),
                               check.next.empty() ? "" : "; " + shown_line(check.next)));
}

Result<ExitCode> run(const Options& options, Context& context) {
  BMSG_TRY_ASSIGN(const auto store, context.any_store());
  std::vector<Check> checks = {check_space(context, store),
                               check_ballast(store),
                               check_modes(store),
                               check_chain(context, store),
                               check_keys(context, store),
                               check_settings(context, store),
                               check_contacts(context, store),
                               check_limits(),
                               check_terminal(),
                               check_completion(),
                               check_timers(store)};
  if (options.net) {
    for (Check& check : check_peers(context, store)) checks.push_back(std::move(check));
  }
  bool sound = true;
  for (const Check& check : checks) {
    print(context, check);
    sound = sound && check.state != State::fail;
  }
  return sound ? ExitCode::ok : ExitCode::no;
}

}  // namespace

void add_doctor(Command app, Context& context) {
  const auto options = std::make_shared<Options>();
  Command doctor = add_command(app, context, "doctor", "Check machine and store", options, run);
  doctor.add_flag("--net", options->net, "Ask the peers too");
}

}  // namespace bmsg::cli
