// SignedCharters: which charters the endorser key of this store has signed. Two that follow the
// same rules break no rule, but whoever signs both should know.

#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/store_dir.h"
#include "lib/chain/charter_draft.h"
#include "lib/core/ids.h"
#include "lib/core/result.h"

namespace bmsg::cli {

/// A signature that was given.
struct SignedCharter {
  UnixSeconds when;
  Digest follows;  // H(rules text in force then).
  Digest rules;    // H(the new text).
};

/// Threads: one at a time, and one process: whoever signs holds the mail lock.
/// Errors:  as Disk; Errc::corrupt if the file is damaged.
class SignedCharters {
 public:
  static Result<SignedCharters> read(Disk& disk, const StoreDir& store);

  /// Signed before after the same rules: this very charter, or another.
  std::optional<SignedCharter> same(const chain::CharterDraft& draft) const;
  std::optional<SignedCharter> rival(const chain::CharterDraft& draft) const;
  /// Remembers it, durably: to be called before the signature leaves.
  Result<Done> add(const chain::CharterDraft& draft, UnixSeconds now);

 private:
  SignedCharters(Disk& disk, std::filesystem::path file) : disk_(&disk), file_(std::move(file)) {}
  bool parse(std::string_view text);
  std::string print() const;

  Disk* disk_;
  std::filesystem::path file_;
  std::vector<SignedCharter> all_;
};

}  // namespace bmsg::cli
