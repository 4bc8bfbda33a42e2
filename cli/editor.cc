#include "cli/editor.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <sstream>

#include "cli/environment.h"
#include "lib/core/scarcity.h"
#include "lib/core/try.h"

namespace bmsg::cli {
namespace {

constexpr std::size_t kTextBytesMax = 64u << 20;

std::string editor_name(const Context& context) {
  if (const auto named = from_environment("BMSG_EDITOR"); !named.empty()) return named;
  if (const auto settings = context.settings(nullptr);
      settings && !settings.value().text("core.editor").empty()) {
    return settings.value().text("core.editor");
  }
  for (const char* name : {"VISUAL", "EDITOR"}) {
    if (const auto named = from_environment(name); !named.empty()) return named;
  }
  return "vi";
}

/// Signals are waited for until this is gone; what came meanwhile and was not asked for is dropped.
class EditorSignals {
 public:
  EditorSignals() {
    ::sigemptyset(&set_);
    for (const int one : {SIGCHLD, SIGINT, SIGQUIT, SIGHUP, SIGTERM}) ::sigaddset(&set_, one);
    ::pthread_sigmask(SIG_BLOCK, &set_, &before_);
  }
  EditorSignals(const EditorSignals&) = delete;
  EditorSignals& operator=(const EditorSignals&) = delete;
  ~EditorSignals() {
    const timespec at_once{};
    while (::sigtimedwait(&set_, nullptr, &at_once) > 0) {
    }
    release();
  }

  int wait() const {
    int signal = 0;
    while (::sigwait(&set_, &signal) != 0) {
    }
    return signal;
  }
  /// As it was before.
  void release() const { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t set_{};
  sigset_t before_{};
};

/// Runs "EDITOR FILE", the editor's name split by a shell as git does. What a key at the terminal
/// means is the editor's matter; whoever ends us does not leave the text behind.
bool run_editor(const std::string& editor, const std::string& file) {
  ::signal(SIGCHLD, SIG_DFL);  // Whoever started us may have it ignored: then none would come.
  const EditorSignals signals;
  const pid_t child = ::fork();
  if (child == 0) {
    signals.release();
    const std::string line = editor + " \"$1\"";
    ::execlp("/bin/sh", "sh", "-c", line.c_str(), "sh", file.c_str(), nullptr);
    ::_exit(127);
  }
  int status = 0;
  for (pid_t ended = 0; child > 0 && ended != child;) {
    const int signal = signals.wait();
    if (signal == SIGHUP || signal == SIGTERM) {
      ::kill(child, signal);
      ::unlink(file.c_str());
      ::raise(signal);  // It comes when it is let through again.
      signals.release();
    }
    ended = ::waitpid(child, &status, WNOHANG);
  }
  return child > 0 && status == 0;
}

}  // namespace

Result<std::string> edit_whole(const Context& context, const std::string& text) {
  std::error_code none;
  const auto place = std::filesystem::temp_directory_path(none);
  if (none) return Error{Errc::io, "TMPDIR names no directory for the text to edit"};
  std::string pattern = (place / "bmsg-XXXXXX").string();
  const Descriptor made(::mkostemp(pattern.data(), O_CLOEXEC));
  const auto size = static_cast<ssize_t>(text.size());
  if (!made || ::write(made.number(), text.data(), text.size()) != size) {
    const int reason = errno;
    if (made) ::unlink(pattern.c_str());
    return Error{code_of(reason, Errc::io),
                 fmt::format("cannot make a file to edit: {}", std::strerror(reason))};
  }
  const std::string editor = editor_name(context);
  const bool worked = run_editor(editor, pattern);
  auto saved = context.disk.read(pattern, kTextBytesMax);
  BMSG_TRY(context.disk.remove(pattern));
  if (!worked)
    return Error{Errc::bad_usage, fmt::format("the editor '{}' failed; nothing was done", editor)};
  if (!saved) return saved.error();
  return saved.value() ? to_string(*saved.value()) : std::string();
}

Result<std::string> edit_text(const Context& context, const std::string& text) {
  BMSG_TRY_ASSIGN(const auto saved, edit_whole(context, text));
  std::istringstream lines(saved);
  std::string kept;
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with('#')) kept += line + "\n";
  }
  while (kept.ends_with('\n')) kept.pop_back();
  return kept;
}

}  // namespace bmsg::cli
