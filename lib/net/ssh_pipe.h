// A node behind ssh: the program of the user's, with its settings, keys and questions.

#pragma once

#include <sys/types.h>

#include <memory>
#include <string>

#include "lib/core/descriptor.h"
#include "lib/core/result.h"
#include "lib/net/address.h"

namespace bmsg::net {

/// What ssh is told to run over there: "bmsg -C 'DIR' serve --stdio", for a shell. A path that
/// begins with "/~/" is one below the home directory.
std::string remote_command(const Address& address);

/// A running ssh. Its standard error is ours.
class SshProcess {
 public:
  /// Starts `ssh [-p PORT] -- [USER@]HOST COMMAND` with the returned socket as its input and
  /// output. Errors: Errc::unreachable if there is no such program.
  static Result<std::unique_ptr<SshProcess>> start(const Address& address, Descriptor& socket);

  /// Waits a moment for it to end by itself, which it does once the socket is closed; then ends it.
  ~SshProcess();
  SshProcess(const SshProcess&) = delete;
  SshProcess& operator=(const SshProcess&) = delete;

 private:
  explicit SshProcess(pid_t process) : process_(process) {}
  bool has_ended() const;

  pid_t process_;
};

}  // namespace bmsg::net
