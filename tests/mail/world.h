// World: a few members with real nodes, mail and files, chosen event by event from one seed. Disks
// are cut and fail, processes are killed, lines lose and repeat, clocks are set wrong, the world
// parts in two, and who belongs to a room changes, all at once. After each event what may never
// break is looked at; at the end the faults stop, and all that was acknowledged must have been
// read.

#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "lib/mail/send_once.h"
#include "lib/node/sync_session.h"
#include "tests/mail/world_member.h"
#include "tests/support/chronicle.h"
#include "tests/support/sim_network.h"

namespace bmsg::mail {

/// What happened in a world, by name; a fault that never happens tests nothing.
using WorldTally = std::map<std::string, std::uint64_t>;

/// Threads: one at a time.
class World {
 public:
  static constexpr std::size_t kMembers = 4;
  using Index = std::size_t;
  static constexpr Index kKeeper = 0;            // Of the room.
  static constexpr Index kLight = kMembers - 1;  // Keeps heads, mines nothing.

  explicit World(std::uint64_t seed);

  /// So many events with faults, then none, then agreement. Ends early where something is broken.
  void run(std::size_t events);

  /// What was broken first; empty: nothing.
  const std::string& failure() const { return chronicle_.failure(); }
  /// The last events before that, a line each.
  std::string last_events() const { return chronicle_.last_events(); }
  /// Of all events and what came of them: the same for the same seed.
  std::uint64_t digest() const { return chronicle_.digest(); }
  const WorldTally& tally() const { return tally_; }
  /// Of the world's time, up to the end of the faults.
  double hours() const { return static_cast<double>(seconds_) / 3600; }

 private:
  /// Something that a member set out to send, whatever came of it.
  struct Post {
    Index from = 0;
    std::set<Index> to;
    std::uint32_t epoch = 0;  // Of the room, to which it was posted then, and to nobody.
    Letter letter;
    std::optional<SendKey> key;  // With one it is repeated until it is acknowledged.
    std::vector<MessageId> ids;  // Once it was.
    bool is_called_back = false;
    std::uint64_t until = 0;  // It expires then or later.
  };
  /// An open session.
  struct Call {
    Index from = 0;
    Index to = 0;
    std::unique_ptr<SimTransport> wire;
    std::unique_ptr<node::SyncSession> session;
  };
  enum class Armed : std::uint8_t { nothing, cut, disk, store };
  using Act = std::function<Result<Done>(WorldMember&)>;
  /// Who wrote to whom, for the room nobody: their numbers count up.
  using Course = std::pair<Index, std::set<Index>>;

  std::uint64_t up_to(std::uint64_t most);
  bool chance(unsigned percent) { return up_to(99) < percent; }
  bool has_been(std::uint64_t time) const;
  void note(std::string line) { chronicle_.note(std::move(line)); }
  void count(const std::string& name, std::uint64_t times = 1) { tally_[name] += times; }
  void expect(bool holds, const std::string& what) { chronicle_.expect(holds, what); }
  bool is_broken() const { return chronicle_.is_broken(); }
  WorldMember& member(Index at) { return *members_[at]; }
  std::optional<Index> index_of(ByteView address) const;

  // Faults. All of them stop when has_faults_ is false.
  Armed arm(WorldMember& one);
  /// Does something under a fault that may strike. False: the process is gone, or it failed.
  bool attempt(Index at, const std::string& what, const Act& act,
               const std::set<Errc>& refusals = {});
  bool settle(Index at, const std::string& what, Armed armed, const Result<Done>& result,
              const std::set<Errc>& refusals);
  bool wake(Index at);
  void kill(Index at);
  void cut_power(Index at);
  void set_clock(Index at);

  // Events.
  void happen();
  void mine(Index at);
  void hand_over(Index at);
  void forget(Index at);
  void look_at(Index at);

  // Mail.
  std::size_t draw_post(Index from, bool may_have_key);
  void send(Index at);
  void send_many(Index at);
  void repeat(Index at);
  Result<std::vector<MessageId>> send_post(WorldMember& one, const Post& post);
  void promise(Index at, std::size_t post, const std::vector<MessageId>& ids);
  std::optional<std::uint64_t> find_expiry(Index at, const MessageId& id);
  void call_back(Index at);
  void read(Index at);
  void look_into_mail(Index at);
  void take(Index at, const MailItem& item);
  void take_text(Index at, const MailItem& item);
  void take_receipt(Index at, const MailItem& item);
  void take_grant_note(const MailItem& item);
  void check_number(const Course& course, const MailItem& item);
  void acknowledge(Index at, const MessageId& id);
  void acknowledge_some(Index at, unsigned percent);
  void run_reader(Index at);
  bool give_late(Index at, MailChange& change);
  bool give(Index at, const MessageId& id, MailChange& change);
  Result<node::SyncReport> call_once(Index from, Index to);

  // The room.
  void make_room_of_keeper();
  std::optional<RoomPost> room_for(Index at);
  std::uint32_t epoch_of(Index at);
  std::set<Index> readers_of(const Post& post) const;
  void change_room();
  void send_owed();
  void promise_grant(const MessageId& id, const std::vector<IdentityKey>& to);
  bool take_grants(Index at);
  bool scan(Index at);
  void expect_all_granted();

  // Lines.
  bool is_up(Index a, Index b) const { return side_.empty() || side_[a] == side_[b]; }
  void begin_call();
  void spoil(SimTransport& wire);
  void step_call();
  void end_call(const Call* call);
  void end_calls_of(Index at);
  void flip_partition();

  // The end.
  void heal();
  void round();
  bool same_tips() const;
  void agree();
  void bury();
  void read_all();
  void expect_all_read();
  void expect_receipts(Index at);
  void expect_nothing_left(Index at);

  std::mt19937_64 numbers_;
  FakeClock clock_;
  ChainBuilder builder_;
  std::vector<std::unique_ptr<WorldMember>> members_;
  std::vector<std::unique_ptr<Call>> calls_;
  std::vector<bool> side_;  // Of the partition; empty: there is none.
  std::vector<Post> posts_;
  std::map<std::uint32_t, std::set<Index>> granted_;  // Who may read, by epoch of the room.
  std::map<MessageId, std::set<Index>> grants_;       // That the keeper was told are sent.
  std::map<std::pair<Course, std::uint64_t>, MessageId> numbered_;
  std::map<std::uint64_t, BlockHash> tip_of_;  // By the set of blocks.
  bool has_faults_ = true;

  WorldTally tally_;
  Chronicle chronicle_{"BMSG_WORLD_SHOW"};
  std::uint64_t seconds_ = 0;
};

}  // namespace bmsg::mail
