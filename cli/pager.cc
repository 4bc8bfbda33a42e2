#include "cli/pager.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>

namespace bmsg::cli {

std::unique_ptr<Pager> Pager::start(const std::string& program) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return nullptr;
  Descriptor from(ends[0]);
  Descriptor into(ends[1]);
  const pid_t process = ::fork();
  if (process < 0) return nullptr;
  if (process == 0) {
    ::dup2(from.number(), STDIN_FILENO);
    ::setenv("LESS", "FRX", 0);
    ::setenv("LESSSECURE", "1", 1);  // What is shown was written by strangers.
    ::execlp("/bin/sh", "sh", "-c", program.c_str(), nullptr);
    ::_exit(127);
  }
  // Whoever leaves the pager early has seen enough.
  std::unique_ptr<Pager> pager(new Pager(process, std::move(into)));
  for (std::size_t i = 0; i < kIgnored.size(); ++i)
    pager->before_[i] = ::signal(kIgnored[i], SIG_IGN);
  return pager;
}

Pager::~Pager() {
  input_ = Descriptor();
  (void)::waitpid(process_, nullptr, 0);  // How a pager ends is its own business.
  for (std::size_t i = 0; i < kIgnored.size(); ++i) ::signal(kIgnored[i], before_[i]);
}

}  // namespace bmsg::cli
