// Answers that are made once and given often: what never changes from a file, and what has not
// changed since a moment ago from memory.

#pragma once

#include <bitset>
#include <chrono>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "lib/core/clock.h"
#include "lib/core/disk.h"
#include "lib/net/http_message.h"

namespace bmsg::api {

/// Where the answer to a request may be kept, and under which name.
struct KeptName {
  enum class Where : std::uint8_t { lasting, fresh };  // If it never changes; for this second.

  Where where = Where::lasting;
  std::string name;

  bool operator==(const KeptName&) const = default;
};

/// Nullopt for a request that must be looked at, one of an unusual form too: it would fill with
/// copies of the same what is kept.
std::optional<KeptName> kept_name(const net::HttpRequest& request);

/// How much is kept of what never changes.
struct KeptLimits {
  std::uint64_t file_bytes = std::uint64_t{64} << 20;
  std::size_t file_answers = 1024;
  std::size_t files = 4;
  std::chrono::seconds file_time{600};                // At least, before it makes room.
  std::uint64_t free_bytes = std::uint64_t{1} << 30;  // Of the disk, which stay.
};

/// Answers that never change, in files without a name: a network card gets them from there and
/// nobody reads them again. What nobody has asked for twice is not kept, so a peer that fetches
/// the chain once writes nothing here. When all is full the newest answers are not kept until the
/// oldest file has had its time: of many peers that read a long chain from its beginning each finds
/// a part, where one that always gives way to the newest would have nothing for anybody.
///
/// Threads: any; keep() one at a time.
class KeptAnswers {
 public:
  /// `directory` is where files are made; `disk` and `clock` must outlive it. `edition` is another
  /// number since answers that never change have changed all the same (Node::rewrites()).
  KeptAnswers(const Disk& disk, std::filesystem::path directory, const Clock& clock,
              std::function<std::uint64_t()> edition, const KeptLimits& limits = {});

  std::uint64_t edition() const { return edition_of_(); }
  std::optional<net::HttpResponse> find(const std::string& name);
  /// Keeps an answer that was made while `edition` held. No room, or no disk: it is not kept.
  void keep(const std::string& name, const net::HttpResponse& response, std::uint64_t edition);

  /// How many answers are kept.
  std::size_t size() const;

 private:
  static constexpr std::size_t kAsked = std::size_t{1} << 16;

  struct File {
    std::shared_ptr<const Descriptor> opened;
    std::chrono::steady_clock::time_point made;
    std::uint64_t bytes = 0;
    std::size_t answers = 0;
  };

  void forget_if_changed();
  bool was_asked(const std::string& name);
  std::optional<net::FilePart> room_for(std::size_t bytes);
  bool fits(const File& file, std::size_t bytes) const;

  const Disk& disk_;
  const std::filesystem::path directory_;
  const Clock& clock_;
  const std::function<std::uint64_t()> edition_of_;
  const KeptLimits limits_;
  mutable std::mutex mutex_;
  std::uint64_t edition_ = 0;  // Of all that is kept.
  std::deque<File> files_;
  std::map<std::string, net::HttpResponse, std::less<>> kept_;
  std::bitset<kAsked> asked_;  // By hash: two names at one place are no harm.
  std::size_t asked_count_ = 0;
};

/// Small answers of this second.
/// Threads: any.
class FreshAnswers {
 public:
  /// Of what an answer is made: the number of changes until then, and the second.
  struct Moment {
    std::uint64_t changes = 0;
    UnixSeconds now{};

    bool operator==(const Moment&) const = default;
  };

  std::optional<net::HttpResponse> find(const std::string& name, const Moment& moment);
  /// `moment` was before the answer was begun.
  void keep(const std::string& name, const net::HttpResponse& response, const Moment& moment);

 private:
  std::mutex mutex_;
  Moment moment_;
  std::map<std::string, net::HttpResponse, std::less<>> fresh_;
};

}  // namespace bmsg::api
