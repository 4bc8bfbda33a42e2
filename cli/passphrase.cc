#include "cli/passphrase.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "cli/environment.h"
#include "cli/quiet_line.h"
#include "cli/text.h"
#include "lib/core/descriptor.h"
#include "lib/core/scarcity.h"
#include "lib/core/try.h"

namespace bmsg::cli {
namespace {

using crypto::SecretBytes;

/// Everything up to the end of input, less one line ending.
Result<SecretBytes> read_from(int descriptor, const std::string& where,
                              const std::string& what = "passphrase") {
  SecretBytes buffer(kPassphraseBytesMax + 1);
  std::size_t size = 0;
  while (size < buffer.size()) {
    const ssize_t got = ::read(descriptor, buffer.writable().data() + size, buffer.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      return Error{Errc::not_found, fmt::format("cannot read the {} from {}: {}", what, where,
                                                std::strerror(errno))};
    }
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  if (size > kPassphraseBytesMax) {
    return Error{Errc::bad_usage, fmt::format("the {} from {} is longer than {} bytes", what, where,
                                              kPassphraseBytesMax)};
  }
  const ByteView read = buffer.view().first(size);
  const std::size_t ending =
      size > 0 && read[size - 1] == '\n' ? (size > 1 && read[size - 2] == '\r' ? 2 : 1) : 0;
  return SecretBytes::from(read.first(size - ending));
}

Result<SecretBytes> read_file(const std::string& name, const std::string& what = "passphrase") {
  if (name == "-") return read_from(STDIN_FILENO, "standard input", what);
  const Descriptor opened(::open(name.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  if (!opened) {
    return Error{code_of(errno, Errc::not_found),
                 fmt::format("cannot open {} file '{}': {}", what, name, std::strerror(errno))};
  }
  return read_from(opened.number(), "'" + name + "'", what);
}

/// What a program prints. `arguments` ends with a null pointer.
Result<SecretBytes> read_program(const std::vector<const char*>& arguments,
                                 const std::string& name) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
    return Error{Errc::no_resource, fmt::format("cannot make a pipe: {}", std::strerror(errno))};
  }
  Descriptor reading(ends[0]);
  Descriptor writing(ends[1]);
  const pid_t child = ::fork();
  if (child == 0) {
    ::dup2(writing.number(), STDOUT_FILENO);
    ::execvp(arguments[0], const_cast<char* const*>(arguments.data()));
    ::_exit(127);
  }
  writing = Descriptor();
  auto read = read_from(reading.number(), "'" + name + "'");
  reading = Descriptor();  // Whoever says more than we take is not waited for.
  int status = 0;
  const bool has_ended = child > 0 && ::waitpid(child, &status, 0) == child;
  if (has_ended && !read) return read;
  if (!has_ended || status != 0) {
    return Error{Errc::denied, fmt::format("passphrase command '{}' failed", name)};
  }
  return read;
}

/// What a passphrase is wanted for.
enum class Wanted { to_open, to_make, to_change };

Error nobody_to_ask(const std::string& what, Wanted wanted) {
  constexpr const char* kSources = "--passphrase-file, --passphrase-fd or --passphrase-command";
  if (wanted == Wanted::to_open) {
    return Error{Errc::denied,
                 fmt::format("{} is locked; name a passphrase with {}", what, kSources)};
  }
  const std::string cause =
      fmt::format("{} is to have a {}passphrase, and there is no terminal to ask for it", what,
                  wanted == Wanted::to_change ? "new " : "");
  if (wanted == Wanted::to_change)
    return Error{Errc::denied, cause, "name it with --new-passphrase-file"};
  return Error{Errc::denied, cause,
               fmt::format("name it with {}, or say --no-passphrase to have none", kSources)};
}

/// Errors: Errc::denied where nobody sits.
Result<SecretBytes> ask_somebody(const Context& context, const std::string& what,
                                 const std::string& prompt, Wanted wanted) {
  if (!context.options.no_input && ::isatty(STDERR_FILENO) == 1) return read_quietly(prompt);
  return nobody_to_ask(what, wanted);
}

}  // namespace

bool passphrase_is_named(const Context& context) {
  const GlobalOptions& options = context.options;
  if (!options.passphrase_file.empty() || options.passphrase_fd >= 0) return true;
  if (!options.passphrase_command.empty()) return true;
  for (const char* name : {"BMSG_PASSPHRASE_FILE", "BMSG_PASSPHRASE_COMMAND", "BMSG_ASKPASS"}) {
    if (!from_environment(name).empty()) return true;
  }
  const std::string directory = from_environment("CREDENTIALS_DIRECTORY");
  return !directory.empty() && ::access((directory + "/bmsg.passphrase").c_str(), R_OK) == 0;
}

Result<SecretBytes> read_secret_file(const std::string& file, const std::string& what) {
  return read_file(file, what);
}

Result<SecretBytes> changed_passphrase(const Context& context, const std::string& what,
                                       const std::string& file) {
  if (context.inner.new_passphrase) return context.inner.new_passphrase->clone();
  if (!file.empty()) return read_file(file);
  const std::string prompt = fmt::format("New passphrase for {}: ", shown_line(what));
  BMSG_TRY_ASSIGN(auto first, ask_somebody(context, what, prompt, Wanted::to_change));
  BMSG_TRY_ASSIGN(const auto second, read_quietly("The same again: "));
  if (crypto::equal_in_constant_time(first.view(), second.view())) return first;
  return Error{Errc::bad_usage, "the two passphrases differ"};
}

namespace {

Result<SecretBytes> passphrase_for(const Context& context, const std::string& what, Wanted wanted) {
  const GlobalOptions& options = context.options;
  if (!options.passphrase_file.empty()) return read_file(options.passphrase_file);
  if (options.passphrase_fd >= 0) {
    return read_from(options.passphrase_fd, fmt::format("descriptor {}", options.passphrase_fd));
  }
  std::string command = options.passphrase_command;
  if (command.empty()) {
    if (const auto file = from_environment("BMSG_PASSPHRASE_FILE"); !file.empty())
      return read_file(file);
    command = from_environment("BMSG_PASSPHRASE_COMMAND");
  }
  if (!command.empty()) return read_program({"/bin/sh", "-c", command.c_str(), nullptr}, command);
  const std::string prompt = fmt::format("Passphrase for {}: ", shown_line(what));
  if (const auto helper = from_environment("BMSG_ASKPASS"); !helper.empty()) {
    return read_program({helper.c_str(), prompt.c_str(), nullptr}, helper);
  }
  if (passphrase_is_named(context)) {
    return read_file(from_environment("CREDENTIALS_DIRECTORY") + "/bmsg.passphrase");
  }
  return ask_somebody(context, what, prompt, wanted);
}

}  // namespace

Result<SecretBytes> passphrase(const Context& context, const std::string& what) {
  return passphrase_for(context, what, Wanted::to_open);
}

Result<SecretBytes> new_passphrase(const Context& context, const std::string& what) {
  if (passphrase_is_named(context) || context.options.no_input)
    return passphrase_for(context, what, Wanted::to_make);
  BMSG_TRY_ASSIGN(auto first, passphrase_for(context, what, Wanted::to_make));
  BMSG_TRY_ASSIGN(const auto second, read_quietly("The same again: "));
  if (crypto::equal_in_constant_time(first.view(), second.view())) return first;
  return Error{Errc::bad_usage, "the two passphrases differ"};
}

}  // namespace bmsg::cli
