// Seeker: what bmsg-discover does in each turn for one store.

#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "cli/discover/dht.h"
#include "cli/store_dir.h"
#include "lib/chain/rules_text.h"
#include "lib/core/clock.h"
#include "lib/core/disk.h"
#include "lib/core/entropy.h"
#include "lib/core/result.h"
#include "lib/crypto/secret_bytes.h"
#include "lib/node/peer.h"

namespace bmsg::discover {

inline constexpr std::chrono::seconds kPutEvery{8 * 60};  // A value lives for ten minutes.
inline constexpr std::chrono::seconds kTurnEvery{4 * 60};
inline constexpr std::chrono::seconds kTurnAgain{60};  // After one that failed.

struct SeekerOptions {
  std::string store;  // Empty: as for bmsg.
  std::vector<std::string> bootstrap;
  std::uint16_t port = 0;
  std::string advertise;    // Empty: the setting serve.advertise; neither: only look.
  std::string secret_file;  // Empty: keys/discovery.secret of the store, if it is there.
  std::string chain;        // Its id in hexadecimal: only look, and there is no store.
};

/// Threads: one.
class Seeker {
 public:
  /// Reads what it needs of the store and enters the table. All that is passed must outlive it.
  /// Errors: Errc::bad_usage for a place that nobody could call; Errc::bad_config for a chain of
  ///         members without a secret, or where sync.proxy is set; as find_store() and Dht::open().
  static Result<std::unique_ptr<Seeker>> open(const SeekerOptions& options, const Clock& clock,
                                              Disk& disk, Entropy& entropy);

  /// Whoever comes to a chain without a store: all that is found now, and nothing is put or kept.
  /// Errors: as turn().
  Result<std::vector<node::PeerRecord>> look_once();

  /// Puts, when it is time again, and looks; what is found is given to bmsg, and told if it is new
  /// here. Errors: Errc::unreachable if the table does not answer.
  Result<Done> turn(const std::function<void(const node::Peer&, UnixSeconds)>& found);

 private:
  Seeker(cli::StoreDir store, const Clock& clock, Entropy& entropy)
      : store_(std::move(store)), clock_(clock), entropy_(entropy) {}

  Result<Done> take_chain(const SeekerOptions& options, const Disk& disk);
  Result<Done> enter(const SeekerOptions& options);
  Result<Done> connect();
  Result<Done> read_store(const SeekerOptions& options, const Disk& disk);
  Result<Done> read_secret(const std::string& file, const Disk& disk);
  Result<Done> put();
  Result<std::vector<node::PeerRecord>> look();
  Result<Done> give_to_bmsg(const std::vector<node::PeerRecord>& records) const;

  const cli::StoreDir store_;
  const Clock& clock_;
  Entropy& entropy_;
  chain::ChainRules rules_;
  crypto::SecretBytes seed_;
  crypto::SecretBytes secret_;
  std::string advertise_;
  std::unique_ptr<Dht> dht_;
  bool waits_ = false;  // For others, who are to come: it knows nobody.
  std::optional<std::chrono::steady_clock::time_point> last_put_;
  std::set<std::string> told_;  // Urls; at most kToldMax.
};

}  // namespace bmsg::discover
