// Hooks: programs of the user's in STORE/hooks that bmsg calls at certain moments, once they were
// enabled in that very directory. Source: bmsg-hooks(5).

#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/command.h"
#include "cli/run_program.h"

namespace bmsg::cli {

/// In the order of bmsg-hooks(5).
enum class Hook { pre_send, post_receive, post_mine, post_sync, post_reorg, pre_accept_peer };

const std::vector<Hook>& all_hooks();
std::string_view name_of(Hook hook);
std::optional<Hook> hook_named(std::string_view name);
std::filesystem::path path_of(const StoreDir& store, Hook hook);

/// Where a hook stands.
struct HookState {
  enum class Kind {
    absent,    // There is no such program.
    disabled,  // There is, and it is not called.
    enabled,
    refused,  // It is to be called and must not be, or cannot.
  };
  Kind kind = Kind::absent;
  std::string reason = {};  // Of `refused`: why, and what helps.
};
std::string_view name_of(HookState::Kind kind);

/// Errors: Errc::io.
Result<HookState> state_of(const Context& context, const StoreDir& store, Hook hook);

/// Whether its program can be called at all.
/// Errors: Errc::not_found; Errc::denied if others could have written it.
Result<Done> check_callable(const StoreDir& store, Hook hook);

/// Has a hook called from now on, or not any more. Durable.
/// Errors: Errc::locked; for enabling as check_callable.
Result<Done> enable(const Context& context, const StoreDir& store, Hook hook);
Result<Done> disable(const Context& context, const StoreDir& store, Hook hook);

/// Whether this process was started by a hook, which none is called from.
bool is_within_hook();

/// Runs a hook's program to its end, or kills it when its time is over. What it prints is told with
/// -v and to the log. `call` says what to give it. Ends this process where a signal asked for it.
/// Errors: Errc::bad_config.
Result<ProgramResult> run_hook(const Context& context, const StoreDir& store, Hook hook,
                               ProgramCall call);

/// A warning if it did not exit with 0.
void warn_of_failure(const Context& context, Hook hook, const ProgramResult& result);

/// Asks a hook that may say no. done: it did not, or none is enabled.
/// Errors: Errc::denied, naming the hook: it said no, or it is enabled and cannot be called.
Result<Done> ask_hook(const Context& context, const StoreDir& store, Hook hook,
                      const std::string& input);

/// Calls a hook that is told what has happened. Whatever goes wrong is a warning: it has happened.
void tell_hook(const Context& context, const StoreDir& store, Hook hook, const std::string& input);

}  // namespace bmsg::cli
