// HttpTransport: what sync asks of a peer, over HTTP.

#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "lib/core/result.h"
#include "lib/net/http_client.h"
#include "lib/node/transport.h"

namespace bmsg::api {

struct TransportOptions {
  std::optional<NodeKey> expected_key{};         // https: another one is refused.
  std::shared_ptr<net::TlsIdentity> identity{};  // Ours, for chains with access members.
  std::optional<net::Proxy> proxy{};
  std::chrono::milliseconds deadline{30'000};  // Of one request.
  net::Reach reach = net::Reach::anywhere;     // Learned peers: public addresses alone.
};

/// Threads: one at a time; cancel() and drop_request() from any. What is expected is asked for by a
///          thread of its own.
/// Errors:  as node::Transport.
/// Source:  bmsg-protocol(7), "Paths".
class HttpTransport : public node::Transport {
 public:
  /// A MirrorTransport where the url is a mirror's.
  /// Errors: Errc::bad_input for a url that is none or may not be a peer's.
  static Result<std::unique_ptr<HttpTransport>> open(const std::string& url,
                                                     const TransportOptions& options);
  ~HttpTransport() override { give_up_expected(); }

  Result<node::NodeInfo> info() override;
  Result<std::string> rules_text() override;
  Result<std::vector<SealedHeader>> headers(Height from, std::uint32_t count) override;
  Result<std::vector<Block>> blocks(Height from, std::uint32_t count, Bodies bodies) override;
  Result<std::optional<Block>> block(const BlockHash& hash, Bodies bodies) override;
  Result<std::optional<Block>> proposal(const BlockHash& hash) override;
  Result<std::vector<Message>> messages(const std::vector<ShortId>& ids) override;
  Result<node::Feed> feed(const std::string& cursor) override;
  /// The same as soon as there are messages after the cursor or another tip than that, or after
  /// `patience`; takes up to 15 s more than that, whatever deadline is set.
  Result<node::Feed> wait_for_feed(const std::string& cursor, const BlockHash& tip,
                                   std::chrono::seconds patience);
  Result<std::vector<node::PutLine>> put(const Bytes& pack) override;
  Result<std::vector<bool>> have(const std::vector<ShortId>& ids) override;
  Result<std::vector<node::PeerRecord>> peer_records() override;
  std::string name() const override;
  std::uint64_t bytes_in() const override;
  std::uint64_t bytes_out() const override;

  /// The key that an https peer proved; nullopt before the first request, for plain HTTP and for
  /// mirrors.
  std::optional<NodeKey> peer_key();
  void cancel();
  void drop_request() override;
  bool expect_blocks(Height from, std::uint32_t count, Bodies bodies) override;
  /// Whether the answer that is expected came, by then at the latest.
  bool has_expected(std::chrono::milliseconds patience) const;
  /// Of the requests from now on.
  void set_deadline(std::chrono::milliseconds deadline) { options_.deadline = deadline; }

 protected:
  HttpTransport(net::Address address, const TransportOptions& options, net::Judge judge);

 private:
  Result<std::optional<Block>> one_block(const std::string& target);
  struct Expected;
  Result<Bytes> ask(net::Method method, const std::string& target, Bytes body,
                    std::size_t bytes_max, int* status = nullptr);
  Result<Bytes> ask_within(std::chrono::milliseconds deadline, const net::OutgoingRequest& request,
                           std::size_t bytes_max, int* status);
  Result<std::vector<Block>> fetch_blocks(const std::string& target, std::uint32_t count,
                                          std::chrono::milliseconds deadline);
  void give_up_expected();

  std::string url_;
  net::Judge judge_;
  net::HttpClient client_;
  TransportOptions options_;
  std::atomic<bool> is_given_up_ = false;  // What is expected.
  std::shared_ptr<Expected> expected_;
};

}  // namespace bmsg::api
