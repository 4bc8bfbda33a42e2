#include "lib/api/peer_routes.h"

#include <algorithm>
#include <atomic>
#include <charconv>
#include <functional>
#include <list>
#include <mutex>
#include <utility>

#include "lib/api/aligned_ranges.h"
#include "lib/api/caller_scores.h"
#include "lib/api/peer_answers.h"
#include "lib/api/strands.h"
#include "lib/core/hex.h"
#include "lib/net/address.h"

namespace bmsg::api {
namespace {

constexpr std::size_t kWaitingMax = 256;
constexpr std::size_t kWaitingOfOriginMax = 8;  // Or as many as it may have connections.
constexpr std::size_t kWaitingBytesMax = std::size_t{256} << 20;  // Of bodies.
constexpr std::size_t kPollsMax = 512;
constexpr std::uint32_t kWaitSecondsMax = 60;

/// Whether it costs next to nothing to answer: it need not wait behind what costs much.
bool is_quick(const net::HttpRequest& request) {
  return request.method == net::Method::get && request.path == std::string(kPeerPrefix) + "info";
}

/// Whose polls are counted together; nullopt where none are.
std::optional<net::Origin> counted_origin(const net::Peer& caller) {
  if (caller.is_unix || caller.is_loopback || caller.address.empty()) return std::nullopt;
  return net::origin_of(caller.address);
}

/// Callers on this machine are one strand, since a proxy may stand there.
StrandId strand_of(const std::optional<net::Origin>& origin) {
  return origin ? std::hash<std::string>()(origin->subnet) | 1 : 0;
}

/// A request on its way to a thread; dropped on it, it is answered that the house is full.
class Waiting {
 public:
  Waiting(net::HttpRequest request, net::Respond respond)
      : request_(std::move(request)), respond_(std::move(respond)) {}
  Waiting(const Waiting&) = delete;
  Waiting& operator=(const Waiting&) = delete;
  ~Waiting() {
    if (respond_) respond_(error_response(503, "busy", "try again"));
  }

  const net::HttpRequest& request() const { return request_; }
  net::Respond take_respond() { return std::exchange(respond_, nullptr); }

 private:
  const net::HttpRequest request_;
  net::Respond respond_;
};

/// Seconds that a feed request is ready to wait; 0 if it does not say so or says it badly.
std::uint32_t wait_of(const net::HttpRequest& request) {
  const auto at = request.query.find("wait");
  if (at == request.query.end() || request.path != "/bmsg/1/feed") return 0;
  std::uint32_t seconds = 0;
  const char* end = at->second.data() + at->second.size();
  if (std::from_chars(at->second.data(), end, seconds).ptr != end) return 0;
  return std::min(seconds, kWaitSecondsMax);
}

/// A chain of which nothing is known yet is judged like one that never changes.
Limits limits_of(node::Service& service) {
  const auto info = service.info();
  const bool may_change = info && info.value().mode == chain::Mode::endorse;
  return may_change ? Limits::by_charter : Limits::fixed;
}

}  // namespace

class PeerRoutes::Impl : public std::enable_shared_from_this<Impl> {
 public:
  Impl(node::Service& service, const Clock& clock, Later later, const node::ReorgPolicy& policy)
      : service_(service),
        clock_(clock),
        later_(std::move(later)),
        policy_(policy),
        scores_(clock, limits_of(service)),
        slow_({.quick_threads = 0,
               .slow_threads = 1,
               .waiting_all = kWaitingMax,
               .bytes_all = kWaitingBytesMax}),
        quick_({.quick_threads = 1,
                .slow_threads = 0,
                .waiting_all = kWaitingMax + kPollsMax,
                .bytes_all = kWaitingBytesMax}) {}

  void handle(net::HttpRequest request, net::Respond respond) {
    if (scores_.is_banned(request.peer))
      return respond(error_response(403, "banned", "what came from here broke the rules"));
    if (auto known = find_known(request)) return respond(std::move(*known));
    const bool quick = is_quick(request);
    post(quick ? quick_ : slow_, quick ? Pace::quick : Pace::slow, std::move(request),
         std::move(respond));
  }

  void keep_answers(const Disk& disk, const std::filesystem::path& directory,
                    std::function<std::uint64_t()> edition) {
    kept_ = std::make_unique<KeptAnswers>(disk, directory, clock_, std::move(edition));
  }

  void changed() {
    ++changes_;
    answer_waiting();
  }

  void set_limits(const net::RateLimits& limits) {
    const std::lock_guard lock(mutex_);
    limits_ = limits;
  }

  void answer_waiting() {
    std::list<Poll> woken;
    {
      const std::lock_guard lock(mutex_);
      woken.swap(polls_);
    }
    for (const Poll& poll : woken) reply(poll);
  }

  void stop() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    answer_waiting();
    slow_.stop();
    quick_.stop();
  }

 private:
  using Moment = FreshAnswers::Moment;
  struct Poll {
    std::uint64_t number = 0;
    std::shared_ptr<net::HttpRequest> request;
    net::Respond respond;
    std::optional<net::Origin> origin;
  };

  /// Has it answered on a thread, in its origin's turn; with 503 if too much waits.
  void post(Strands& strands, Pace pace, net::HttpRequest request, net::Respond respond) {
    const auto origin = counted_origin(request.peer);
    const std::size_t bytes = request.body.size();
    const auto waiting = std::make_shared<Waiting>(std::move(request), std::move(respond));
    auto work = [self = shared_from_this(), waiting] {
      if (self->stopping_ || !waiting->request().is_awaited()) return;
      self->answer(waiting->request(), waiting->take_respond());
    };
    (void)strands.post(strand_of(origin), pace, bytes, std::move(work), waiting_max_of(origin));
  }

  /// A caller has no more questions than connections, but those that it gave up wait, too.
  std::size_t waiting_max_of(const std::optional<net::Origin>& origin) {
    if (!origin) return kWaitingMax;
    const std::lock_guard lock(mutex_);
    return std::max(kWaitingOfOriginMax, limits_.connections_of(*origin));
  }

  void answer(const net::HttpRequest& request, const net::Respond& respond) {
    const std::uint32_t wait = wait_of(request);
    const std::uint64_t before = changes_;
    if (wait > 0 && !has_news(request) && keep_waiting(request, respond, wait)) {
      // What changed after the look and before the wait began has woken nobody.
      if (changes_ != before) answer_waiting();
      return;
    }
    const Moment moment = this->moment();
    const std::uint64_t edition = kept_ ? kept_->edition() : 0;
    auto response = answer_peer(service_, request, policy_);
    if (request.method == net::Method::post) ++posts_;
    scores_.note(request, response);
    if (kept_) keep(request, response, moment, edition);
    respond(std::move(response));
  }

  Moment moment() const { return {changes_ + posts_, clock_.now()}; }

  /// The answer, if it is the same as lately.
  std::optional<net::HttpResponse> find_known(const net::HttpRequest& request) {
    const auto kept = kept_ ? kept_name(request) : std::nullopt;
    if (!kept) return std::nullopt;
    if (kept->where == KeptName::Where::fresh) return fresh_.find(kept->name, moment());
    auto found = kept_->find(kept->name);
    if (!found) return std::nullopt;
    return unless_known(std::move(*found), request);
  }

  void keep(const net::HttpRequest& request, const net::HttpResponse& response,
            const Moment& moment, std::uint64_t edition) {
    const auto kept = kept_name(request);
    if (!kept) return;
    if (kept->where == KeptName::Where::fresh) return fresh_.keep(kept->name, response, moment);
    kept_->keep(kept->name, response, edition);
  }

  /// Whether there is anything that the caller does not know: messages since its cursor, or another
  /// tip than the one it names (the last 8 hex of its hash; without it only messages count).
  bool has_news(const net::HttpRequest& request) {
    const auto since = request.query.find("since");
    if (since == request.query.end()) return true;
    const auto feed = service_.feed(since->second);
    if (!feed || feed.value().cursor != since->second) return true;
    const auto tip = request.query.find("tip");
    return tip != request.query.end() &&
           !to_hex(feed.value().tip.hash.view()).ends_with(tip->second);
  }

  bool keep_waiting(const net::HttpRequest& request, const net::Respond& respond,
                    std::uint32_t seconds) {
    std::uint64_t number = 0;
    std::list<Poll> over;
    {
      const std::lock_guard lock(mutex_);
      if (stopping_ || polls_.size() >= kPollsMax) return false;
      number = next_++;
      polls_.push_back({number, std::make_shared<net::HttpRequest>(request), respond,
                        counted_origin(request.peer)});
      over = take_one_too_many();
    }
    for (const Poll& poll : over) reply(poll);
    const auto weak = weak_from_this();
    later_(std::chrono::seconds(seconds), [weak, number] {
      if (const auto self = weak.lock()) self->time_is_over(number);
    });
    return true;
  }

  /// The oldest poll of the newest one's subnet, if more of it wait than half the connections that
  /// the subnet may have: the rest is for questions. Once answered, its connection is idle and
  /// makes room for another.
  std::list<Poll> take_one_too_many() {
    std::list<Poll> over;
    const auto& newest = polls_.back().origin;
    if (!newest) return over;
    const auto is_near = [&](const Poll& poll) {
      return poll.origin && poll.origin->subnet == newest->subnet;
    };
    const auto waiting = static_cast<std::size_t>(std::ranges::count_if(polls_, is_near));
    if (waiting > limits_.connections_of(*newest) / 2)
      over.splice(over.end(), polls_, std::ranges::find_if(polls_, is_near));
    return over;
  }

  void time_is_over(std::uint64_t number) {
    std::list<Poll> over;
    {
      const std::lock_guard lock(mutex_);
      for (auto at = polls_.begin(); at != polls_.end(); ++at) {
        if (at->number != number) continue;
        over.splice(over.end(), polls_, at);
        break;
      }
    }
    // This is the server's thread, which must not wait for an answer.
    for (Poll& poll : over) {
      poll.request->query.erase("wait");
      post(quick_, Pace::quick, std::move(*poll.request), std::move(poll.respond));
    }
  }

  void reply(const Poll& poll) { poll.respond(answer_peer(service_, *poll.request)); }

  node::Service& service_;
  const Clock& clock_;
  Later later_;
  const node::ReorgPolicy policy_;
  CallerScores scores_;
  std::mutex mutex_;
  std::list<Poll> polls_;
  net::RateLimits limits_;
  std::uint64_t next_ = 0;
  std::atomic<bool> stopping_ = false;
  std::atomic<std::uint64_t> changes_ = 0;
  std::atomic<std::uint64_t> posts_ = 0;  // Which may have changed what makes no news.
  std::unique_ptr<KeptAnswers> kept_;     // Null: nothing is kept.
  FreshAnswers fresh_;
  Strands slow_;   // One strand for each origin: whoever asks much waits for himself.
  Strands quick_;  // What many ask for at once and large answers hold up nobody's hello.
};

std::optional<net::HttpResponse> refuse_put(const net::HttpRequest& request) {
  if (request.path != std::string(kPeerPrefix) + "put") return std::nullopt;
  return net::text_response(403, "this node is read-only\n");
}

PeerRoutes::PeerRoutes(node::Service& service, const Clock& clock, Later later,
                       const node::ReorgPolicy& policy)
    : impl_(std::make_shared<Impl>(service, clock, std::move(later), policy)) {}

PeerRoutes::~PeerRoutes() { impl_->stop(); }

void PeerRoutes::handle(net::HttpRequest request, net::Respond respond) {
  impl_->handle(std::move(request), std::move(respond));
}

void PeerRoutes::set_limits(const net::RateLimits& limits) { impl_->set_limits(limits); }

void PeerRoutes::keep_answers(const Disk& disk, const std::filesystem::path& directory,
                              std::function<std::uint64_t()> edition) {
  impl_->keep_answers(disk, directory, std::move(edition));
}

void PeerRoutes::changed() { impl_->changed(); }

void PeerRoutes::stop() { impl_->stop(); }

}  // namespace bmsg::api
