#include "cli/endorser_key.h"

#include <fmt/format.h>

#include "cli/node_key.h"
#include "lib/core/try.h"
#include "lib/crypto/random.h"
#include "lib/crypto/sign.h"
#include "lib/node/endorser_log.h"

namespace bmsg::cli {

EndorserKey endorser_key_of(const crypto::SecretBytes& seed) {
  return relabel<EndorserKey>(crypto::public_key_of(seed));
}

Result<std::optional<crypto::SecretBytes>> read_endorser_seed(const Context& context,
                                                              const StoreDir& store) {
  constexpr std::size_t kKeyFileBytesMax = 1024;
  BMSG_TRY_ASSIGN(auto text, context.disk.read(store.endorser_key(), kKeyFileBytesMax));
  if (!text) return std::optional<crypto::SecretBytes>();
  crypto::wipe(*text);
  BMSG_TRY_ASSIGN(auto seed, read_node_seed_file(context.disk, store.endorser_key()));
  return std::optional(std::move(seed));
}

Result<EndorserKey> make_endorser_key(Context& context, const std::filesystem::path& file) {
  BMSG_TRY_ASSIGN(const auto seed, crypto::random_secret(context.entropy, crypto::kSeedBytes));
  auto made = context.disk.create(file, node_key_text(seed).view());
  if (!made && made.error().code == Errc::exists)
    return Error{Errc::exists, fmt::format("there is a key in '{}' already", file.string())};
  if (!made) return made.error();
  BMSG_TRY(context.disk.sync_directory(whole_path(file).parent_path()));
  return endorser_key_of(seed);
}

Result<Done> give_endorser_key(Context& context, const StoreDir& store,
                               const crypto::SecretBytes& seed, bool is_new_chain) {
  BMSG_TRY(context.disk.replace(store.endorser_key(), node_key_text(seed).view()));
  if (!is_new_chain) return done;
  return node::EndorserLog::begin(context.disk, store.endorser_log(), endorser_key_of(seed));
}

}  // namespace bmsg::cli
