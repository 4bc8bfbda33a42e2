#include "cli/discover/seeker.h"

#include <fmt/format.h>

#include "cli/advertise.h"
#include "cli/node_key.h"
#include "cli/run_program.h"
#include "cli/settings.h"
#include "lib/api/peer_places.h"
#include "lib/core/hex.h"
#include "lib/core/try.h"
#include "lib/crypto/random.h"
#include "lib/crypto/sign.h"
#include "lib/net/address.h"
#include "lib/node/dht_value.h"
#include "lib/node/peer_record.h"
#include "lib/node/peer_table.h"

namespace bmsg::discover {
namespace {

constexpr std::size_t kGenesisBytesMax = 1u << 20;
constexpr std::size_t kSecretFileBytesMax = 64;
constexpr std::size_t kToldMax = 10'000;
constexpr std::chrono::seconds kConnectMax{20};
constexpr std::chrono::seconds kAskMax{40};
constexpr std::chrono::minutes kBmsgMax{1};

/// The bmsg beside this program, else the one that PATH finds.
std::string bmsg_program() {
  std::error_code failed;
  const auto here = std::filesystem::read_symlink("/proc/self/exe", failed).parent_path() / "bmsg";
  return !failed && std::filesystem::exists(here, failed) ? here.string() : "bmsg";
}

/// What the files of settings say.
Result<cli::Settings> read_settings(const std::optional<cli::StoreDir>& store, const Disk& disk) {
  cli::Settings settings;
  BMSG_TRY(settings.add_file(cli::system_config_file(), disk));
  BMSG_TRY(settings.add_file(cli::user_config_file(), disk));
  if (store) BMSG_TRY(settings.add_file(store->config(), disk));
  return settings;
}

/// The library's datagrams go out from here and through no proxy. Errors: Errc::bad_config.
Result<Done> refuse_proxy(const cli::Settings& settings) {
  if (settings.text("sync.proxy").empty()) return done;
  return Error{Errc::bad_config,
               "sync.proxy is set, and the hash table would be asked past the proxy",
               "run it from a store without a proxy, or not at all"};
}

}  // namespace

Result<Done> Seeker::read_secret(const std::string& file, const Disk& disk) {
  const bool is_named = !file.empty();
  const auto place = !is_named     ? store_.root() / "keys" / "discovery.secret"
                     : file == "-" ? std::filesystem::path("/dev/stdin")
                                   : std::filesystem::path(file);
  BMSG_TRY_ASSIGN(auto bytes, disk.read(place, kSecretFileBytesMax));
  if (!bytes && is_named) return Error{Errc::not_found, fmt::format("no file '{}'", file)};
  if (!bytes) return done;
  auto secret = node::parse_dht_secret(*bytes);
  crypto::wipe(*bytes);
  if (!secret) return in_context(place.string(), secret.error());
  secret_ = std::move(secret).value();
  return done;
}

Result<Done> Seeker::read_store(const SeekerOptions& options, const Disk& disk) {
  BMSG_TRY_ASSIGN(const auto settings, read_settings(store_, disk));
  BMSG_TRY(refuse_proxy(settings));
  BMSG_TRY_ASSIGN(const auto genesis, disk.read(store_.genesis(), kGenesisBytesMax));
  if (!genesis) return Error{Errc::corrupt, "the store lacks its file 'genesis'"};
  BMSG_TRY_ASSIGN(rules_, chain::parse_chain_rules(as_text(*genesis)));
  BMSG_TRY_ASSIGN(seed_, cli::read_node_seed_file(disk, store_.node_key()));
  BMSG_TRY(read_secret(options.secret_file, disk));
  if (secret_.size() == 0 && rules_.rules.access == chain::Access::members) {
    return Error{Errc::bad_config, "this chain is for members, and they meet by a secret",
                 "--secret-file names the one that all of them have; bmsg-discover(1) makes one"};
  }
  BMSG_TRY_ASSIGN(advertise_, cli::advertised_place(options.advertise, settings));
  return done;
}

Result<Done> Seeker::take_chain(const SeekerOptions& options, const Disk& disk) {
  const auto chain = fixed_from_hex<ChainId>(options.chain);
  if (!chain)
    return Error{Errc::bad_usage, "--chain: not the id of a chain, 128 hexadecimal digits"};
  if (!options.store.empty() || !options.advertise.empty())
    return Error{Errc::bad_usage, "--chain is for whoever has no store, and only looks"};
  BMSG_TRY_ASSIGN(const auto settings, read_settings(std::nullopt, disk));
  BMSG_TRY(refuse_proxy(settings));
  rules_.id = *chain;
  BMSG_TRY_ASSIGN(seed_, crypto::random_secret(entropy_, crypto::kSeedBytes));  // Nobody's.
  return options.secret_file.empty() ? Result<Done>(done) : read_secret(options.secret_file, disk);
}

Result<Done> Seeker::enter(const SeekerOptions& options) {
  waits_ = options.bootstrap.empty();
  for (const std::string& place : options.bootstrap) {
    if (!net::parse_address("https://" + place))
      return Error{Errc::bad_usage, fmt::format("--bootstrap '{}': not HOST:PORT", place)};
  }
  BMSG_TRY_ASSIGN(dht_, Dht::open({options.port, options.bootstrap}));
  return done;
}

Result<std::unique_ptr<Seeker>> Seeker::open(const SeekerOptions& options, const Clock& clock,
                                             Disk& disk, Entropy& entropy) {
  const bool has_store = options.chain.empty();
  std::optional<cli::StoreDir> store;
  if (has_store) {
    BMSG_TRY_ASSIGN(store, cli::find_store(options.store, disk));
  }
  std::unique_ptr<Seeker> made(new Seeker(store.value_or(cli::StoreDir({})), clock, entropy));
  BMSG_TRY(has_store ? made->read_store(options, disk) : made->take_chain(options, disk));
  BMSG_TRY(made->enter(options));
  return made;
}

Result<Done> Seeker::connect() {
  if (dht_->connect(kConnectMax)) return done;
  return Error{Errc::unreachable, "no node of the hash table answers",
               "--bootstrap names one that does; UDP must come through"};
}

Result<std::vector<node::PeerRecord>> Seeker::look_once() {
  BMSG_TRY(connect());
  return look();
}

Result<Done> Seeker::put() {
  const auto now = clock_.steady();
  if (advertise_.empty() || (last_put_ && now - *last_put_ < kPutEvery - kTurnEvery / 2))
    return done;
  const auto record = node::sign_peer_record(seed_, rules_.id, advertise_, clock_.now());
  BMSG_TRY_ASSIGN(const auto value, node::dht_value(record, rules_.id, secret_, entropy_));
  BMSG_TRY(dht_->put(node::dht_key_of_chain(rules_.id, secret_), value, kAskMax));
  last_put_ = now;
  return done;
}

Result<std::vector<node::PeerRecord>> Seeker::look() {
  BMSG_TRY_ASSIGN(const auto salt, crypto::random_secret(entropy_, Digest::kSize));
  node::DhtFinds finds(rules_.id, secret_.clone(), relabel<NodeKey>(crypto::public_key_of(seed_)),
                       Digest::from(salt.view()));
  const UnixSeconds now = clock_.now();
  const auto take = [&](ByteView value) { finds.take(value, now); };
  BMSG_TRY(dht_->get(node::dht_key_of_chain(rules_.id, secret_), take, kAskMax));
  auto records = finds.records();
  std::erase_if(records, [](const auto& one) { return !api::judge_place(one.host_port); });
  return records;
}

Result<Done> Seeker::give_to_bmsg(const std::vector<node::PeerRecord>& records) const {
  if (records.empty()) return done;
  const cli::ProgramCall call{
      .words = {bmsg_program(), "-C", store_.root().string(), "peers", "learn"},
      .input = node::print_peer_records(records),
      .limit = kBmsgMax,
      .output = cli::ProgramOutput::everything};
  const auto ended = cli::run_program(call);
  if (ended.succeeded()) return done;
  return Error{Errc::try_again,
               fmt::format("'{} peers learn' {}", call.words.front(), cli::words_for(ended))};
}

Result<Done> Seeker::turn(const std::function<void(const node::Peer&, UnixSeconds)>& found) {
  if (const auto connected = connect(); !connected) {
    if (waits_) return done;  // Nobody has come by yet.
    return connected.error();
  }
  BMSG_TRY(put());
  BMSG_TRY_ASSIGN(const auto records, look());
  BMSG_TRY(give_to_bmsg(records));
  for (const node::PeerRecord& record : records) {
    node::Peer peer;
    peer.url = node::url_of(record);
    peer.key = record.key;
    peer.source = node::PeerSource::dht;
    if (told_.size() < kToldMax && told_.insert(peer.url).second) found(peer, clock_.now());
  }
  return done;
}

}  // namespace bmsg::discover
