#include "cli/session.h"

#include <fmt/format.h>

#include <algorithm>
#include <thread>

#include "cli/forget_asking.h"
#include "cli/keyring_file.h"
#include "cli/node_key.h"
#include "lib/api/invite.h"
#include "lib/api/peer_places.h"
#include "lib/api/remote_service.h"
#include "lib/core/hex.h"
#include "lib/core/try.h"
#include "lib/crypto/sign.h"
#include "lib/mail/card_directory.h"
#include "lib/mail/outbox.h"
#include "lib/node/node.h"
#include "lib/node/rules_book.h"
#include "storage/rocks_store.h"

namespace bmsg::cli {
namespace {

constexpr std::chrono::milliseconds kBetweenTries{50};

/// A node that another process runs.
class RemoteSession final : public NodeSession {
 public:
  explicit RemoteSession(std::unique_ptr<api::RemoteService> remote) : remote_(std::move(remote)) {}

  node::Service& service() override { return *remote_; }
  Result<Done> collect_cards() override { return done; }
  bool is_wanted() const override { return true; }  // One of its connections, at least.

 private:
  std::unique_ptr<api::RemoteService> remote_;
};

/// The database under our lock.
class LocalSession final : public NodeSession {
 public:
  static Result<std::unique_ptr<NodeSession>> open(Context& context, const StoreDir& store,
                                                   FileLock lock);

  node::Service& service() override { return *node_; }
  Result<Done> collect_cards() override {
    return collect_public(context_, store_, *chain_, cards_.directory, *node_);
  }
  bool is_wanted() const override { return lock_.is_wanted(); }

 private:
  LocalSession(Context& context, const StoreDir& store, FileLock lock, const ChainId& chain)
      : context_(context),
        store_(store),
        lock_(std::move(lock)),
        outbox_(context.disk, store.outbox()),
        cards_(context, store, chain) {}

  struct Cards {
    Cards(Context& context, const StoreDir& store, const ChainId& chain)
        : directory(context.disk, store.cards(), chain) {}
    mail::CardDirectory directory;
  };

  Context& context_;
  StoreDir store_;
  FileLock lock_;  // First in, last out.
  mail::Outbox outbox_;
  Cards cards_;
  std::unique_ptr<storage::RocksStore> chain_;
  std::unique_ptr<node::Node> node_;
};

/// Where the disk is so full that nothing could be written any more, the ballast makes room for
/// what is acknowledged from here on, and a person has time to act.
Result<Done> give_up_ballast(Context& context, const StoreDir& store) {
  constexpr std::uint64_t kNeeded = storage::kFreeBytesMin + (4u << 20);
  BMSG_TRY_ASSIGN(const auto free, context.disk.free_bytes(store.root()));
  std::error_code absent;
  if (free >= kNeeded || !std::filesystem::exists(store.ballast(), absent)) return done;
  BMSG_TRY(context.disk.remove(store.ballast()));
  context.out.warn(
      fmt::format("the disk is full, {} MiB were left: '{}' was removed; make room now", free >> 20,
                  store.ballast().string()));
  return done;
}

/// So that we do not learn of ourselves; a store without its key can do all else.
std::optional<NodeKey> own_key(const Context& context, const StoreDir& store) {
  const auto seed = read_node_seed(context, store);
  if (!seed) return std::nullopt;
  return relabel<NodeKey>(crypto::public_key_of(seed.value()));
}

Result<std::unique_ptr<NodeSession>> LocalSession::open(Context& context, const StoreDir& store,
                                                        FileLock lock) {
  BMSG_TRY(give_up_ballast(context, store));
  BMSG_TRY_ASSIGN(const auto rules, read_rules(context, store));
  std::unique_ptr<LocalSession> session(
      new LocalSession(context, store, std::move(lock), rules.id));
  BMSG_TRY_ASSIGN(session->chain_,
                  storage::RocksStore::open(store.chain(), chain_options(context, store)));
  BMSG_TRY_ASSIGN(const auto reorg, reorg_policy(context, store));
  node::NodeParts parts{.store = *session->chain_,
                        .chain = rules,
                        .clock = context.clock,
                        .entropy = context.entropy,
                        .outbox = &session->outbox_,
                        .key = own_key(context, store),
                        .agent = agent_name(),
                        .reorg = reorg,
                        .judge_place = api::judge_place};
  BMSG_TRY_ASSIGN(session->node_, node::Node::make(std::move(parts)));
  // What a lost block had and the pool has not goes again.
  BMSG_TRY(session->outbox_.return_lost(*session->chain_, context.clock.now()));
  BMSG_TRY(session->node_->take_outbox());
  return std::unique_ptr<NodeSession>(std::move(session));
}

}  // namespace

std::string agent_name() { return "bmsg/" BMSG_VERSION; }

Result<node::ReorgPolicy> reorg_policy(const Context& context, const StoreDir& store) {
  BMSG_TRY_ASSIGN(const auto settings, context.settings(&store));
  node::ReorgPolicy policy;
  if (!settings.said("max_reorg")) return policy;
  BMSG_TRY_ASSIGN(const auto depth, settings.number("max_reorg"));
  policy.depth_max = static_cast<std::uint32_t>(std::min<std::uint64_t>(depth, UINT32_MAX));
  policy.endorsed_depth_max = policy.depth_max;
  policy.seconds_max = 0;  // Who names a depth means that depth, however young the blocks are.
  return policy;
}

Result<Height> height_to_vouch_for(const Context& context, const StoreDir& store,
                                   const node::ChainReader& chain, chain::Mode mode) {
  BMSG_TRY_ASSIGN(const auto policy, reorg_policy(context, store));
  BMSG_TRY_ASSIGN(const auto settled, node::highest_settled(chain, mode, policy));
  if (settled) return *settled;
  BMSG_TRY_ASSIGN(const auto tip, chain.tip());
  return api::checkpoint_height(tip.height);
}

storage::OpenOptions chain_options(Context& context, const StoreDir& store) {
  return {.disk = context.disk,
          .witness = store.witness(),
          .genesis = store.genesis(),
          .witness_beside = true};
}

Result<node::InOrder> in_order(Context& context, const node::BulkReader& chain) {
  node::InOrder order{.store = &chain, .threads = threads_for(0), .key = {}};
  BMSG_TRY(context.entropy.fill(order.key));
  return order;
}

Result<chain::ChainRules> read_rules(const Context& context, const StoreDir& store) {
  BMSG_TRY_ASSIGN(const auto text, context.disk.read(store.genesis(), kRulesTextBytesMax));
  if (!text) return Error{Errc::corrupt, fmt::format("'{}' is missing", store.genesis().string())};
  auto rules = chain::parse_chain_rules(as_text(*text));
  if (!rules)
    return Error{Errc::corrupt, fmt::format("'{}' is damaged: {}", store.genesis().string(),
                                            rules.error().message)};
  return rules;
}

Result<chain::ChainRules> rules_now(Context& context, const StoreDir& store) {
  BMSG_TRY_ASSIGN(auto first, read_rules(context, store));
  if (first.rules.mode == chain::Mode::pow) return first;
  auto chain = open_chain(context, store);
  auto now = chain ? node::rules_at_tip(*chain.value()) : Result<chain::ChainRules>(chain.error());
  if (now || now.error().code != Errc::corrupt) return now;
  context.out.warn(
      fmt::format("the chain's first rules are taken for those in force: {}", now.error().message));
  return first;
}

Result<std::unique_ptr<node::ChainReader>> open_chain(Context& context, const StoreDir& store) {
  BMSG_TRY_ASSIGN(auto chain, storage::RocksStore::open_read_only(store.chain(),
                                                                  chain_options(context, store)));
  return std::unique_ptr<node::ChainReader>(std::move(chain));
}

Result<std::unique_ptr<NodeSession>> open_node(Context& context, const StoreDir& store) {
  BMSG_TRY_ASSIGN(const auto patience, context.lock_patience(&store));
  const auto deadline = context.clock.steady() + patience;
  for (;;) {
    // The lock is the truth, the socket only a doorbell: whoever holds the lock may still be
    // starting and not listen yet.
    BMSG_TRY_ASSIGN(auto lock, FileLock::try_take(store.chain_lock(), context.command));
    if (lock) return LocalSession::open(context, store, std::move(*lock));
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - context.clock.steady());
    const std::string holder = FileLock::holder(store.chain_lock());
    if (left.count() > 0) {
      auto remote = api::RemoteService::connect(store.run() / "node.sock", left);
      if (!remote && remote.error().code != Errc::locked) return remote.error();
      if (remote && remote.value())
        return std::unique_ptr<NodeSession>(new RemoteSession(std::move(remote.value())));
    }
    if (context.clock.steady() + kBetweenTries >= deadline) {
      return Error{Errc::locked,
                   fmt::format("store '{}' is in use by {}", store.root().string(), holder)};
    }
    std::this_thread::sleep_for(kBetweenTries);
  }
}

Result<Done> refuse_light(const StoreDir& store, std::string_view purpose) {
  std::error_code unread;
  if (!std::filesystem::exists(store.light(), unread)) return done;
  return Error{
      Errc::unreachable,
      fmt::format("'{}' is a light store: it has no bodies {}", store.root().string(), purpose),
      "'bmsg clone' without --light makes a store that keeps them"};
}

void poke_node(const StoreDir& store) { api::poke(store.run() / "node.sock"); }

Result<crypto::SecretBytes> read_node_seed(const Context& context, const StoreDir& store) {
  return read_node_seed_file(context.disk, store.node_key());
}

}  // namespace bmsg::cli
