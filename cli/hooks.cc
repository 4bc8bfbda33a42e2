// Hooks.
//
// A store may be copied, restored from a backup or unpacked from somebody's archive, and programs
// may lie in it. None of them runs until its owner has said so in that very directory: the record
// of consent names the moment at which the directory was made, which the kernel keeps and nobody
// can set, so that it holds in no copy. Whoever may change a program could make it do anything in
// our name: so nobody but its owner may, and links are not followed.
//
// A hook that may say no is asked or the answer is no: an unusable one must not open the door that
// it guards.

#include "cli/hooks.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "cli/environment.h"
#include "lib/core/file_lock.h"
#include "lib/core/scarcity.h"
#include "lib/core/try.h"
#include "lib/mail/text.h"

namespace bmsg::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 6> kNames = {"pre-send",  "post-receive", "post-mine",
                                                    "post-sync", "post-reorg",   "pre-accept-peer"};
constexpr std::uint64_t kSecondsMax = 86400;
constexpr std::size_t kRecordBytesMax = 65536;
constexpr std::size_t kReasonBytesMax = 200;
constexpr mode_t kOthersWrite = S_IWGRP | S_IWOTH;

fs::path record_of(const StoreDir& store) { return store.hooks() / "enabled"; }

Error unsafe(const fs::path& path, std::string_view why, const std::string& hint) {
  return {Errc::denied, fmt::format("'{}' {}", path.string(), why), hint};
}

/// Errors: Errc::denied if anybody but us may change what `path` names.
Result<Done> check_ours(const fs::path& path, const struct stat& found) {
  if (found.st_uid != ::geteuid())
    return unsafe(path, "belongs to another user", "copy it, so that it is yours");
  if ((found.st_mode & kOthersWrite) != 0) {
    return unsafe(path, "may be changed by other users",
                  fmt::format("'chmod go-w {}'", path.string()));
  }
  return done;
}

/// `flags` as in fstatat(2): whoever named the store may have done so by a link.
Result<Done> check_directory(const fs::path& directory, int flags) {
  struct stat found {};
  if (::fstatat(AT_FDCWD, directory.c_str(), &found, flags) != 0 || !S_ISDIR(found.st_mode))
    return unsafe(directory, "is no directory", "make one of your own");
  return check_ours(directory, found);
}

/// What tells the directory of hooks from any copy of it; empty if it is none.
std::string place_of(const StoreDir& store) {
  struct statx found {};
  const bool known = ::statx(AT_FDCWD, store.hooks().c_str(), AT_SYMLINK_NOFOLLOW,
                             STATX_TYPE | STATX_INO | STATX_BTIME, &found) == 0;
  if (!known || !S_ISDIR(found.stx_mode)) return {};
  if ((found.stx_mask & STATX_BTIME) == 0) return fmt::format("inode:{}", found.stx_ino);
  return fmt::format("born:{}.{:09}", found.stx_btime.tv_sec, found.stx_btime.tv_nsec);
}

/// Hooks that were enabled, and in which directory.
struct Consent {
  std::string name;
  std::string place;
};

/// Whether it may have been written: by a newer bmsg, of a hook that this one does not know.
bool is_consent(std::string_view hook, std::string_view place) {
  const auto is_of_names = [](char c) { return (c >= 'a' && c <= 'z') || c == '-'; };
  return std::ranges::all_of(hook, is_of_names) &&
         (place.empty() || place.starts_with("born:") || place.starts_with("inode:"));
}

Result<std::vector<Consent>> read_consents(const Context& context, const StoreDir& store) {
  std::vector<Consent> consents;
  struct stat found {};
  const fs::path record = record_of(store);
  if (::lstat(record.c_str(), &found) != 0) {
    const int cause = errno;
    if (cause == ENOENT || cause == ENOTDIR) return consents;
    return Error{code_of(cause, Errc::io),
                 fmt::format("cannot look at '{}': {}", record.string(), std::strerror(cause))};
  }
  if (!S_ISREG(found.st_mode)) return unsafe(record, "is no file", "remove it, then enable anew");
  BMSG_TRY(check_ours(record, found));
  BMSG_TRY_ASSIGN(const auto bytes, context.disk.read(record, kRecordBytesMax));
  std::string_view text = bytes ? as_text(*bytes) : std::string_view();
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    const auto space = line.find(' ');
    if (space == std::string_view::npos ||
        !is_consent(line.substr(0, space), line.substr(space + 1))) {
      return Error{Errc::corrupt, fmt::format("'{}' is damaged", record.string()),
                   "remove it, then enable anew with 'bmsg hooks enable'"};
    }
    consents.push_back({std::string(line.substr(0, space)), std::string(line.substr(space + 1))});
  }
  return consents;
}

/// Changes the record under the lock of the store's small files.
template <class Change>
Result<Done> change_consents(const Context& context, const StoreDir& store, Change change) {
  BMSG_TRY_ASSIGN(const auto patience, context.lock_patience(&store));
  BMSG_TRY_ASSIGN(const auto lock,
                  FileLock::take(store.config_lock(), "hooks", patience, context.clock));
  auto consents = read_consents(context, store);
  if (!consents) {  // What is no record is replaced by one; what cannot be read now is kept.
    const Errc why = consents.error().code;
    if (why != Errc::denied && why != Errc::corrupt) return consents.error();
    context.out.warn(consents.error().message + ": all other hooks have to be enabled anew");
    consents = std::vector<Consent>();
  }
  change(consents.value());
  std::string text;
  for (const Consent& one : consents.value()) text += one.name + " " + one.place + "\n";
  // Over the one that is there: meanwhile, and after a crash, who may say no is asked.
  return context.disk.replace(record_of(store), as_bytes(text));
}

bool may_veto(Hook hook) { return name_of(hook).starts_with("pre-"); }

std::string how_to_stop(Hook hook) {
  return fmt::format("'bmsg hooks test {0}' tries it, 'bmsg hooks disable {0}' does without",
                     name_of(hook));
}

void log_output(const Context& context, Hook hook, const ProgramResult& result) {
  std::string_view text = result.output;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    context.out.detail(fmt::format("hook {}: {}", name_of(hook), line));
  }
}

/// How it ended, and the first words that it said.
std::string outcome_of(const ProgramResult& result) {
  const std::string said = mail::snippet(result.output, kReasonBytesMax);
  return words_for(result) + (said.empty() ? "" : ": " + said);
}

}  // namespace

const std::vector<Hook>& all_hooks() {
  static const std::vector<Hook> all = {Hook::pre_send,  Hook::post_receive, Hook::post_mine,
                                        Hook::post_sync, Hook::post_reorg,   Hook::pre_accept_peer};
  return all;
}

std::string_view name_of(Hook hook) { return kNames[static_cast<std::size_t>(hook)]; }

std::optional<Hook> hook_named(std::string_view name) {
  const auto found = std::ranges::find(kNames, name);
  if (found == kNames.end()) return std::nullopt;
  return static_cast<Hook>(found - kNames.begin());
}

fs::path path_of(const StoreDir& store, Hook hook) {
  return fs::absolute(store.hooks() / name_of(hook)).lexically_normal();
}

std::string_view name_of(HookState::Kind kind) {
  constexpr std::array<std::string_view, 4> kKinds = {"absent", "disabled", "enabled", "refused"};
  return kKinds[static_cast<std::size_t>(kind)];
}

Result<Done> check_callable(const StoreDir& store, Hook hook) {
  const fs::path path = path_of(store, hook);
  struct stat found {};
  if (::lstat(path.c_str(), &found) != 0)
    return Error{Errc::not_found, fmt::format("no program '{}'", path.string()),
                 "bmsg-hooks(5) says what it is given"};
  BMSG_TRY(check_directory(store.root(), 0));
  BMSG_TRY(check_directory(store.hooks(), AT_SYMLINK_NOFOLLOW));
  if (S_ISLNK(found.st_mode))
    return unsafe(path, "is a symbolic link", "put the program itself there, or a script with it");
  if (!S_ISREG(found.st_mode)) return unsafe(path, "is no file", "put a program there");
  BMSG_TRY(check_ours(path, found));
  if ((found.st_mode & S_IXUSR) == 0)
    return unsafe(path, "is not executable", fmt::format("'chmod u+x {}'", path.string()));
  return done;
}

Result<HookState> state_of(const Context& context, const StoreDir& store, Hook hook) {
  struct stat ignored {};
  const bool is_there = ::lstat(path_of(store, hook).c_str(), &ignored) == 0;
  const HookState idle{is_there ? HookState::Kind::disabled : HookState::Kind::absent};
  auto consents = read_consents(context, store);
  if (!consents && consents.error().code != Errc::denied) return consents.error();
  if (!consents) return HookState{HookState::Kind::refused, consents.error().message};
  const auto found = std::ranges::find(consents.value(), name_of(hook), &Consent::name);
  if (found == consents.value().end()) return idle;
  const std::string place = place_of(store);
  if (place.empty() || found->place != place) {
    return HookState{HookState::Kind::refused,
                     fmt::format("it was enabled where this store was copied from; 'bmsg hooks "
                                 "enable {0}' or 'bmsg hooks disable {0}' decides for this one",
                                 name_of(hook))};
  }
  const auto callable = check_callable(store, hook);
  if (!callable) return HookState{HookState::Kind::refused, callable.error().message};
  return HookState{HookState::Kind::enabled};
}

Result<Done> enable(const Context& context, const StoreDir& store, Hook hook) {
  BMSG_TRY(check_callable(store, hook));
  return change_consents(context, store, [&](std::vector<Consent>& consents) {
    std::erase_if(consents, [&](const Consent& one) { return one.name == name_of(hook); });
    consents.push_back({std::string(name_of(hook)), place_of(store)});
  });
}

Result<Done> disable(const Context& context, const StoreDir& store, Hook hook) {
  if (place_of(store).empty()) return done;  // No directory, so none is enabled.
  return change_consents(context, store, [&](std::vector<Consent>& consents) {
    std::erase_if(consents, [&](const Consent& one) { return one.name == name_of(hook); });
  });
}

bool is_within_hook() { return !from_environment("BMSG_HOOK").empty(); }

Result<ProgramResult> run_hook(const Context& context, const StoreDir& store, Hook hook,
                               ProgramCall call) {
  BMSG_TRY_ASSIGN(const auto settings, context.settings(&store));
  BMSG_TRY_ASSIGN(const auto seconds, settings.seconds("hooks.timeout"));
  call.words = {path_of(store, hook).string()};
  call.variables["BMSG_HOOK"] = std::string(name_of(hook));
  call.variables["BMSG_STORE"] = fs::absolute(store.root()).lexically_normal().string();
  call.limit = std::chrono::seconds(std::clamp<std::uint64_t>(seconds, 1, kSecondsMax));
  call.output = ProgramOutput::everything;
  call.signals = OurSignals::passed_on;
  ProgramResult result = run_program(call);
  log_output(context, hook, result);
  if (result.our_signal != 0) ::raise(result.our_signal);
  return result;
}

void warn_of_failure(const Context& context, Hook hook, const ProgramResult& result) {
  if (!result.succeeded())
    context.out.warn(fmt::format("hook '{}' {}", name_of(hook), outcome_of(result)));
}

Result<Done> ask_hook(const Context& context, const StoreDir& store, Hook hook,
                      const std::string& input) {
  check(may_veto(hook), "only some hooks are asked");
  if (is_within_hook()) return done;
  BMSG_TRY_ASSIGN(const auto state, state_of(context, store, hook));
  if (state.kind == HookState::Kind::refused) {
    return Error{Errc::denied,
                 fmt::format("hook '{}' cannot be asked: {}", name_of(hook), state.reason),
                 how_to_stop(hook)};
  }
  if (state.kind != HookState::Kind::enabled) return done;
  ProgramCall call;
  call.input = input + "\n";
  BMSG_TRY_ASSIGN(const auto result, run_hook(context, store, hook, std::move(call)));
  if (result.succeeded()) return done;
  return Error{Errc::denied,
               fmt::format("hook '{}' said no: {}", name_of(hook), outcome_of(result)),
               how_to_stop(hook)};
}

void tell_hook(const Context& context, const StoreDir& store, Hook hook, const std::string& input) {
  check(!may_veto(hook), "a hook that may say no is asked");
  if (is_within_hook()) return;
  const auto state = state_of(context, store, hook);
  if (!state) return context.out.warn(state.error().message);
  if (state.value().kind == HookState::Kind::refused) {
    return context.out.warn(
        fmt::format("hook '{}' was not called: {}", name_of(hook), state.value().reason));
  }
  if (state.value().kind != HookState::Kind::enabled) return;
  ProgramCall call;
  call.input = input + "\n";
  const auto result = run_hook(context, store, hook, std::move(call));
  if (result) warn_of_failure(context, hook, result.value());
  if (!result)
    context.out.warn(fmt::format("hook '{}': {}", name_of(hook), result.error().message));
}

}  // namespace bmsg::cli
