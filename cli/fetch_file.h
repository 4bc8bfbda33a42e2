// Getting the files of messages: from the chunks of the store, and what is not there from peers.

#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cli/command.h"
#include "cli/store_blobs.h"
#include "lib/api/http_transport.h"
#include "lib/mail/attachment.h"
#include "lib/node/peer.h"

namespace bmsg::cli {

/// What it is called where a person sees it: "'report.pdf'".
std::string file_title(const mail::Manifest& manifest);

/// Fetches from all peers at once what the store has not. What came stays in the store until the
/// file is whole, so that nothing is asked for twice.
class FileFetcher {
 public:
  static Result<std::unique_ptr<FileFetcher>> open(Context& context, const StoreDir& store);

  /// Gives the file piece by piece, each verified. An error at the end means that all of it is
  /// worth nothing.
  /// Errors: Errc::not_found if nobody who answers has a chunk; Errc::corrupt if the file is not
  ///         what the message says; as `take`.
  Result<Done> fetch(const mail::Manifest& manifest, const mail::TakePiece& take);

 private:
  class Download;
  FileFetcher(Context& context, StoreDir store) : context_(context), store_(std::move(store)) {}
  Result<std::vector<MessageId>> ids_of(const mail::Manifest& manifest);
  Result<Done> find_peers();

  Context& context_;
  StoreDir store_;
  std::unique_ptr<StoreBlobs> blobs_;
  bool knows_peers_ = false;
  std::vector<node::Peer> peers_;
  api::TransportOptions reach_;
};

}  // namespace bmsg::cli
