#include "lib/net/ssh_pipe.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <system_error>
#include <thread>
#include <vector>

#include "lib/core/try.h"
#include "lib/net/stdio_bridge.h"

extern char** environ;

namespace bmsg::net {
namespace {

constexpr std::chrono::milliseconds kLook{10};
constexpr int kLooks = 200;  // Two seconds to end by itself.

std::string quoted_for_shell(const std::string& text) {
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? "'\\''" : std::string(1, c);
  return quoted + "'";
}

std::vector<std::string> words_of(const Address& address) {
  std::vector<std::string> words{"ssh"};
  if (address.port != kSshPort) {
    words.emplace_back("-p");
    words.push_back(std::to_string(address.port));
  }
  words.emplace_back("--");  // A host is never an option.
  words.push_back(address.user.empty() ? address.host
                                       : fmt::format("{}@{}", address.user, address.host));
  words.push_back(remote_command(address));
  return words;
}

/// What the child begins with: our socket as input and output, and signals as they come.
class Beginning {
 public:
  explicit Beginning(int socket) {
    ::posix_spawn_file_actions_init(&files_);
    ::posix_spawn_file_actions_adddup2(&files_, socket, STDIN_FILENO);
    ::posix_spawn_file_actions_adddup2(&files_, socket, STDOUT_FILENO);
    ::posix_spawnattr_init(&attributes_);
    sigset_t none;
    sigset_t usual;
    ::sigemptyset(&none);
    ::sigemptyset(&usual);
    ::sigaddset(&usual, SIGPIPE);
    ::posix_spawnattr_setsigmask(&attributes_, &none);
    ::posix_spawnattr_setsigdefault(&attributes_, &usual);
    ::posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  }
  ~Beginning() {
    ::posix_spawn_file_actions_destroy(&files_);
    ::posix_spawnattr_destroy(&attributes_);
  }
  Beginning(const Beginning&) = delete;
  Beginning& operator=(const Beginning&) = delete;

  int spawn(pid_t& process, std::vector<std::string>& words) {
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    return ::posix_spawnp(&process, arguments[0], &files_, &attributes_, arguments.data(), environ);
  }

 private:
  posix_spawn_file_actions_t files_{};
  posix_spawnattr_t attributes_{};
};

}  // namespace

std::string remote_command(const Address& address) {
  constexpr std::string_view kHome = "/~/";
  const bool below_home = address.path.starts_with(kHome);
  const std::string directory =
      below_home ? "./" + address.path.substr(kHome.size()) : address.path;
  return fmt::format("bmsg -C {} serve --stdio", quoted_for_shell(directory));
}

Result<std::unique_ptr<SshProcess>> SshProcess::start(const Address& address, Descriptor& socket) {
  BMSG_TRY_ASSIGN(SocketPair pair, make_socket_pair());
  auto words = words_of(address);
  pid_t process = 0;
  const int failed = Beginning(pair.other.number()).spawn(process, words);
  if (failed != 0)
    return Error{Errc::unreachable, fmt::format("{}: cannot start ssh: {}", to_string(address),
                                                std::generic_category().message(failed))};
  const int flags = ::fcntl(pair.one.number(), F_GETFL);
  ::fcntl(pair.one.number(), F_SETFL, flags | O_NONBLOCK);
  socket = std::move(pair.one);
  return std::unique_ptr<SshProcess>(new SshProcess(process));
}

bool SshProcess::has_ended() const {
  int status = 0;
  return ::waitpid(process_, &status, WNOHANG) != 0;
}

SshProcess::~SshProcess() {
  for (int i = 0; i < kLooks; ++i) {
    if (has_ended()) return;
    std::this_thread::sleep_for(kLook);
  }
  ::kill(process_, SIGTERM);
  int status = 0;
  ::waitpid(process_, &status, 0);
}

}  // namespace bmsg::net
