#include "cli/store_blobs.h"

#include "cli/session.h"
#include "lib/core/try.h"
#include "lib/mail/upload.h"

namespace bmsg::cli {
namespace {

constexpr std::chrono::minutes kSweepEvery{10};

}  // namespace

Result<Done> StoreBlobs::take_quota(const Settings& settings) {
  BMSG_TRY_ASSIGN(const std::uint64_t quota, settings.size("blob_quota"));
  directory_.set_quota(quota);
  return done;
}

void StoreBlobs::sweep(const Context& context) {
  (void)directory_.expire();
  (void)mail::sweep_uploads(context.disk, directory_.path(), context.clock.now());
}

void StoreBlobs::keep_swept(const Context& context, net::HttpServer& server) {
  sweep(context);
  server.run_after(kSweepEvery, [this, &context, &server] { keep_swept(context, server); });
}

Result<std::unique_ptr<StoreBlobs>> open_blobs(Context& context, const StoreDir& store) {
  BMSG_TRY_ASSIGN(auto rules, rules_now(context, store));
  BMSG_TRY_ASSIGN(const auto settings, context.settings(&store));
  BMSG_TRY_ASSIGN(const std::uint64_t quota, settings.size("blob_quota"));
  return std::make_unique<StoreBlobs>(context, store, std::move(rules), quota);
}

}  // namespace bmsg::cli
