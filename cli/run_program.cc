#include "cli/run_program.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/core/descriptor.h"

namespace bmsg::cli {
namespace {

/// A file without a name: unlike a pipe, it lets neither side wait for the other.
Descriptor scratch_file() { return Descriptor(::memfd_create("bmsg", MFD_CLOEXEC)); }

std::string whole_of(const Descriptor& file) {
  std::string text;
  char piece[4096];
  ::lseek(file.number(), 0, SEEK_SET);
  for (ssize_t got = 0; (got = ::read(file.number(), piece, sizeof piece)) > 0;)
    text.append(piece, static_cast<std::size_t>(got));
  return text;
}

}  // namespace

ProgramResult run_program(const std::vector<std::string>& words, const std::string& input) {
  constexpr int kNotStarted = 127;
  const Descriptor in = scratch_file();
  const Descriptor out = scratch_file();
  const bool ready =
      in && out &&
      ::write(in.number(), input.data(), input.size()) == static_cast<ssize_t>(input.size()) &&
      ::lseek(in.number(), 0, SEEK_SET) == 0;
  if (!ready) return {kNotStarted, {}};
  std::vector<char*> arguments;
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  const pid_t child = ::fork();
  if (child == 0) {
    ::dup2(in.number(), STDIN_FILENO);
    ::dup2(out.number(), STDOUT_FILENO);
    const int nowhere = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
    ::dup2(nowhere, STDERR_FILENO);
    ::execvp(arguments[0], arguments.data());
    ::_exit(kNotStarted);
  }
  int status = 0;
  if (child < 0 || ::waitpid(child, &status, 0) != child || !WIFEXITED(status))
    return {kNotStarted, {}};
  return {WEXITSTATUS(status), whole_of(out)};
}

}  // namespace bmsg::cli
