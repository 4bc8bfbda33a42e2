// MirrorTransport: what sync asks of a peer, from files that some web server offers.

#pragma once

#include <cstddef>
#include <map>
#include <optional>

#include "lib/api/http_transport.h"

namespace bmsg::api {

/// Asks for aligned ranges alone and cuts out what is wanted. What comes is judged like any peer's;
/// the server is judged by the system's authorities.
/// Blocks that no whole range of headers covers yet give their headers themselves; they are kept,
/// within a limit, since they are asked for soon after.
/// Threads: as HttpTransport.
/// Errors:  as node::Transport; Errc::protocol naming a file that is missing or cut short.
/// Source:  bmsg-protocol(7), "Mirror tree".
class MirrorTransport final : public HttpTransport {
 public:
  /// `address` must be a mirror's.
  static std::unique_ptr<HttpTransport> make(net::Address address, TransportOptions options);

  bool is_live() const override { return false; }
  std::uint32_t headers_at_once(Height from) const override;

  Result<node::NodeInfo> info() override;
  Result<std::vector<SealedHeader>> headers(Height from, std::uint32_t count) override;
  /// With bodies, whatever is asked.
  Result<std::vector<Block>> blocks(Height from, std::uint32_t count, Bodies bodies) override;

  bool expect_blocks(Height from, std::uint32_t count, Bodies bodies) override;

  // What files cannot do: nothing is found, and a put is Errc::bad_usage.
  Result<std::optional<Block>> block(const BlockHash& hash, Bodies bodies) override;
  Result<std::vector<Message>> messages(const std::vector<ShortId>& ids) override;
  Result<std::vector<bool>> have(const std::vector<ShortId>& ids) override {
    return std::vector<bool>(ids.size());
  }
  Result<node::Feed> feed(const std::string& cursor) override;
  Result<std::vector<node::PutLine>> put(const Bytes& pack) override;

 private:
  struct HeaderFile {
    Height first;
    std::vector<SealedHeader> headers;
  };
  struct BlockFile {
    std::vector<Block> blocks;
    std::size_t bytes = 0;
  };

  MirrorTransport(net::Address address, const TransportOptions& options)
      : HttpTransport(std::move(address), options, net::Judge::authorities) {}
  bool is_whole(Height first, std::uint32_t count) const;
  Result<Done> know_tip();
  /// Views into the caches, until the next request.
  Result<const std::vector<SealedHeader>*> header_file(Height first);
  Result<const std::vector<Block>*> block_file(Height first);
  Error cut_short(const std::string& path) const;

  std::optional<node::Tip> tip_;  // As info last said.
  std::optional<HeaderFile> header_file_;
  std::map<Height, BlockFile> block_files_;
  std::size_t block_bytes_ = 0;
};

}  // namespace bmsg::api
