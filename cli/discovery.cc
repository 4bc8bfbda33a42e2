#include "cli/discovery.h"

#include <fmt/format.h>

#include <chrono>

#include "cli/run_program.h"
#include "cli/usage.h"
#include "lib/core/base64.h"
#include "lib/core/hex.h"
#include "lib/core/try.h"
#include "lib/node/dht_value.h"

namespace bmsg::cli {
namespace {

constexpr std::size_t kSecretFileBytesMax = 64;
constexpr const char* kProgram = "bmsg-discover";
constexpr std::chrono::minutes kSearchMax{2};

std::filesystem::path secret_file(const StoreDir& store) {
  return store.root() / "keys" / "discovery.secret";
}

std::string text_of(const api::DiscoverySecret& secret) {
  return to_base64url(secret.view()) + "\n";
}

ProgramCall call_for(const std::string& program, const TableSearch& search) {
  ProgramCall call{.words = {program, "--once", "--chain", to_hex(search.chain.view())},
                   .limit = kSearchMax,
                   .output = ProgramOutput::results};
  for (const std::string& place : search.bootstrap) {
    call.words.push_back("--bootstrap");
    call.words.push_back(place);
  }
  if (search.secret) {
    call.words.insert(call.words.end(), {"--secret-file", "-"});
    call.input = text_of(*search.secret);
  }
  return call;
}

}  // namespace

Result<api::DiscoverySecret> read_discovery_secret(const Context& context, const StoreDir& store) {
  BMSG_TRY_ASSIGN(auto bytes, context.disk.read(secret_file(store), kSecretFileBytesMax));
  if (!bytes) {
    return Error{Errc::not_found, "the store has no secret for the hash table to pass on",
                 "bmsg-discover(1) makes one; where none is used, the invite needs none"};
  }
  const auto secret = node::parse_dht_secret(*bytes);
  crypto::wipe(*bytes);
  if (!secret) return in_context(secret_file(store).string(), secret.error());
  return api::DiscoverySecret::from(secret.value().view());
}

Result<Done> keep_discovery_secret(Context& context, const StoreDir& store,
                                   const api::DiscoverySecret& secret) {
  return context.disk.replace(secret_file(store), as_bytes(text_of(secret)));
}

Result<std::vector<node::PeerRecord>> search_table(Context& context, const TableSearch& search) {
  BMSG_TRY_ASSIGN(const auto settings, context.settings(nullptr));
  if (!settings.text("sync.proxy").empty()) {
    return Error{Errc::denied,
                 "sync.proxy is set, and the hash table would be asked past the proxy",
                 "without --bootstrap it is not asked"};
  }
  const std::string program = find_program(kProgram);
  if (program.empty()) {
    return Error{
        Errc::unreachable,
        fmt::format("there is no program '{}' on PATH to look in the hash table", kProgram),
        "it comes with bmsg where OpenDHT was there to build it: bmsg-discover(1)"};
  }
  const auto ended = run_program(call_for(program, search));
  if (!ended.succeeded()) {
    return Error{Errc::unreachable, fmt::format("'{}' {}", kProgram, words_for(ended)),
                 "--bootstrap names a node of the hash table that answers; UDP must come through"};
  }
  auto read = node::parse_peer_records(ended.output, node::kDhtFindsMax);
  if (!read) return in_context(kProgram, read.error());
  std::vector<node::PeerRecord> records = std::move(read).value();
  std::erase_if(records, [&](const node::PeerRecord& one) {
    return !node::check_peer_record(one, search.chain, context.clock.now());
  });
  if (!records.empty()) return records;
  return Error{Errc::unreachable, "nobody of this chain is in the hash table now",
               "they may be there later; or ask for a new invite"};
}

}  // namespace bmsg::cli
