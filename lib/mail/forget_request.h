// Requests to forget: what an author asks all nodes, or his recipients, to drop.
//
// A public request is for public messages, and any node can see that one key signed both. Whose a
// sealed message is only its readers know, so a request for one is sealed to them.

#pragma once

#include <filesystem>
#include <optional>
#include <string_view>
#include <vector>

#include "lib/core/disk.h"
#include "lib/core/message.h"
#include "lib/mail/records.h"
#include "lib/node/store.h"

namespace bmsg::mail {

inline constexpr std::string_view kForgetType = "application/x-bmsg-forget";
/// Ids in one request; one that names more asks for nothing.
inline constexpr std::size_t kForgetIdsMax = 256;
/// Set on a sealed request that came until it was done.
inline constexpr std::string_view kForgetFlag = "forget-asked";

/// Whether records are such a request, whoever signed them.
bool is_forget_request(Kind kind, std::string_view media_type, std::size_t ids);

/// Who asks, and for what.
struct ForgetRequest {
  IdentityKey author;
  std::uint8_t device = 0;
  std::vector<MessageId> ids;
};

/// The request in a public message; nullopt unless it is one with a good signature.
std::optional<ForgetRequest> forget_request_in(const Message& message, const ChainId& chain);

/// Of what is asked, the public texts that are in a block here with their bodies and that the same
/// key signed. Cards, revocations and charters stay whoever asks.
Result<std::vector<MessageId>> owed_to(const ForgetRequest& request, const node::ChainReader& chain,
                                       const ChainId& id);

/// A directory with what was asked for in public and is still to be dropped, one file for each
/// request: who sees a request may have no right to change the chain.
///
/// Shape:  the name is the id of the request; ids, 64 bytes each.
/// Errors: as Disk.
class ForgetRequests {
 public:
  ForgetRequests(Disk& disk, std::filesystem::path directory)
      : disk_(disk), directory_(std::move(directory)) {}

  Result<Done> note(const MessageId& request, const std::vector<MessageId>& ids);

  struct Owed {
    std::filesystem::path file;
    std::vector<MessageId> ids;
  };
  Result<std::vector<Owed>> owed() const;
  /// Once it is done.
  Result<Done> remove(const Owed& owed) { return disk_.remove(owed.file); }

 private:
  Disk& disk_;
  std::filesystem::path directory_;
};

}  // namespace bmsg::mail
