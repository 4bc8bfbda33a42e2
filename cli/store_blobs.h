// The chunks of files that lie in a store.

#pragma once

#include <memory>

#include "cli/command.h"
#include "lib/chain/rules_text.h"
#include "lib/net/http_server.h"
#include "lib/node/blob_directory.h"

namespace bmsg::cli {

/// The directory and the rules of the chain, which it judges by.
class StoreBlobs {
 public:
  StoreBlobs(Context& context, const StoreDir& store, chain::ChainRules rules, std::uint64_t quota)
      : rules_(std::move(rules)),
        directory_(context.disk, store.blobs(), rules_, context.clock, quota) {}
  StoreBlobs(const StoreBlobs&) = delete;
  StoreBlobs& operator=(const StoreBlobs&) = delete;

  const chain::ChainRules& rules() const { return rules_; }
  node::BlobDirectory& directory() { return directory_; }
  const node::BlobDirectory& directory() const { return directory_; }

  /// Errors: Errc::bad_config, and the quota stays.
  Result<Done> take_quota(const Settings& settings);

  /// Removes what expired and what killed senders left. It is done again at any time, so what fails
  /// is told to nobody.
  void sweep(const Context& context);
  /// The same now and then for as long as the server runs, on its thread.
  void keep_swept(const Context& context, net::HttpServer& server);

 private:
  const chain::ChainRules rules_;
  node::BlobDirectory directory_;
};

/// With the quota that the settings give. Errors: Errc::bad_config, Errc::corrupt.
Result<std::unique_ptr<StoreBlobs>> open_blobs(Context& context, const StoreDir& store);

}  // namespace bmsg::cli
