// Files on their way between the page and the store: what is to be sent until it is, and what was
// fetched until the page has it.

#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>

#include "cli/attach.h"
#include "cli/command.h"
#include "lib/core/descriptor.h"

namespace bmsg::cli {

/// Each lies in a file that has no name, so that nobody else finds it and nothing is left of it
/// whatever ends the program. It is spoken of by a ticket that nobody can guess.
/// Threads: any.
class WebFiles {
 public:
  WebFiles(Context& context, const StoreDir& store);

  /// Makes room for a file; its ticket.
  /// Errors: Errc::bad_input for a name or size that no attachment has; Errc::io where the disk has
  /// no room;
  ///         Errc::try_again if too many are on their way.
  Result<std::string> begin(const std::string& name, std::uint64_t size);
  /// The same for whoever asked in that generation. Errors: Errc::denied in another one.
  Result<std::string> begin_in(std::uint64_t generation, const std::string& name,
                               std::uint64_t size);
  /// Takes the bytes that follow those that are there; how many there are now.
  /// Errors: Errc::not_found; Errc::bad_input for others, or for more than was said.
  Result<std::uint64_t> put(const std::string& ticket, std::uint64_t at, ByteView bytes);
  /// Forgets one; another is no error.
  void drop(const std::string& ticket);
  /// Forgets all. What somebody still brings by the generation before is refused.
  void clear();
  /// Another one after each clear().
  std::uint64_t generation();

  /// A whole one, to be sent. Errors: Errc::not_found; Errc::bad_input if bytes are missing.
  Result<AttachmentWish> wish(const std::string& ticket);

  /// Some bytes of a whole one; fewer only at its end.
  struct Piece {
    std::string name;
    Bytes bytes;
  };
  Result<Piece> piece(const std::string& ticket, std::uint64_t at);

 private:
  Result<std::string> add(const std::string& name, std::uint64_t size);
  struct File {
    std::string name;
    std::uint64_t size = 0;
    std::uint64_t have = 0;
    Descriptor opened;
    std::chrono::steady_clock::time_point touched;
  };
  Result<File*> find(const std::string& ticket);
  Result<Done> check_space(std::uint64_t size) const;
  void forget_old();

  Context& context_;
  StoreDir store_;
  std::mutex mutex_;
  std::map<std::string, File> files_;
  std::uint64_t generation_ = 0;
};

}  // namespace bmsg::cli
