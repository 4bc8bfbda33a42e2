#include "lib/api/http_transport.h"

#include <fmt/format.h>

#include <condition_variable>
#include <mutex>
#include <utility>

#include "lib/api/aligned_ranges.h"
#include "lib/api/mirror_transport.h"
#include "lib/api/wire_json.h"
#include "lib/chain/pack.h"
#include "lib/core/codec.h"
#include "lib/core/hex.h"
#include "lib/core/limits.h"
#include "lib/core/try.h"
#include "lib/node/peer_table.h"

namespace bmsg::api {
namespace {

constexpr std::size_t kFeedBytesMax = 32u << 20;
constexpr std::size_t kHeaderFrameBytesMax = 5 + kHeaderBytes + 1 + kEndorsersMax * 65;

/// Header, seal and a flag for each message of at least 104 bytes stand beside the messages.
constexpr std::size_t kBlockFrameBytesMax =
    kHeaderFrameBytesMax + kBlockBytesMax + kBlockBytesMax / (kHeadBytesFixed + kNonceBytes);

std::string blocks_target(Height from, std::uint32_t count, Bodies bodies) {
  return blocks_path(from, count) + (bodies == Bodies::without ? "?light=1" : "");
}

Error breach(const std::string& url, std::string_view what) {
  return Error{Errc::protocol, fmt::format("{}: {}", url, what)};
}

/// The frames of an answer, all of one type. They lie in the answer.
Result<std::vector<chain::FrameView>> frames_of(ByteView answer, chain::FrameType type,
                                                std::size_t max, const std::string& url) {
  auto frames = chain::view_pack(answer, chain::EndFrame::optional);
  if (!frames) return breach(url, frames.error().message);
  if (frames.value().size() > max) return breach(url, "more than was asked for");
  for (const chain::FrameView& frame : frames.value()) {
    if (frame.type != type) return breach(url, "a frame of another type");
  }
  return frames;
}

}  // namespace

/// Blocks that somebody said he would want next.
struct HttpTransport::Expected {
  std::string target;
  Result<std::vector<Block>> answer = Error{Errc::try_again, "the request was dropped"};
  std::jthread thread;
  mutable std::mutex mutex;
  std::condition_variable came;
  bool has_come = false;
};

HttpTransport::HttpTransport(net::Address address, const TransportOptions& options,
                             net::Judge judge)
    : url_(net::to_string(address)),
      judge_(judge),
      client_(std::move(address), {.judge = judge,
                                   .expected_key = options.expected_key,
                                   .identity = options.identity,
                                   .proxy = options.proxy,
                                   .reach = options.reach}),
      options_(options) {}

Result<std::unique_ptr<HttpTransport>> HttpTransport::open(const std::string& url,
                                                           const TransportOptions& options) {
  BMSG_TRY_ASSIGN(auto address, net::parse_address(url));
  if (!net::is_allowed_peer(address)) {
    return Error{Errc::bad_input,
                 fmt::format("'{}': plain http is for this machine and onion services only", url)};
  }
  if (net::is_mirror(address)) return MirrorTransport::make(std::move(address), options);
  return std::unique_ptr<HttpTransport>(
      new HttpTransport(std::move(address), options, net::Judge::node_key));
}

Result<Bytes> HttpTransport::ask(net::Method method, const std::string& target, Bytes body,
                                 std::size_t bytes_max, int* status) {
  give_up_expected();
  net::OutgoingRequest request;
  request.method = method;
  request.target = "/bmsg/1/" + target;
  request.body = std::move(body);
  return ask_within(options_.deadline, request, bytes_max, status);
}

Result<Bytes> HttpTransport::ask_within(std::chrono::milliseconds deadline,
                                        const net::OutgoingRequest& request, std::size_t bytes_max,
                                        int* status) {
  BMSG_TRY_ASSIGN(auto answer, client_.request(request, {.deadline = deadline,
                                                         .response_bytes_max = bytes_max}));
  if (status != nullptr) *status = answer.status;
  if (answer.status == 200 || (status != nullptr && answer.status == 404))
    return std::move(answer.body);
  if (answer.status == 429 || answer.status == 503)
    return Error{Errc::try_again, fmt::format("{} asks for patience ({})", url_, answer.status)};
  if (answer.status == 403)
    return Error{Errc::denied,
                 fmt::format("{} lets this node in no more for now: it answers 403 to {}", url_,
                             request.target),
                 "what came from here, or from others at this address, broke a rule there; that "
                 "is forgotten after 24 hours"};
  // A full disk there, or a proxy before a node that is down: no lie, and not for us to judge.
  if (answer.status >= 500)
    return Error{Errc::unreachable,
                 fmt::format("{} fails: it answers {} to {}", url_, answer.status, request.target),
                 "the fault lies there; the next sync tries again"};
  return breach(url_, fmt::format("answers {} to {}", answer.status, request.target));
}

Result<node::NodeInfo> HttpTransport::info() {
  BMSG_TRY_ASSIGN(const auto answer, ask(net::Method::get, "info", {}, kInfoBytesMax));
  auto info = parse_info(as_text(answer));
  if (!info) return breach(url_, info.error().message);
  return info;
}

Result<std::string> HttpTransport::rules_text() {
  BMSG_TRY_ASSIGN(const auto answer, ask(net::Method::get, "genesis", {}, kRulesTextBytesMax));
  return to_string(answer);
}

Result<std::vector<SealedHeader>> HttpTransport::headers(Height from, std::uint32_t count) {
  count = std::min(count, kHeadersPerRequest);
  BMSG_TRY_ASSIGN(const auto answer, ask(net::Method::get, headers_path(from, count), {},
                                         4 + count * kHeaderFrameBytesMax));
  BMSG_TRY_ASSIGN(const auto frames, frames_of(answer, chain::FrameType::header, count, url_));
  std::vector<SealedHeader> headers;
  for (const chain::FrameView& frame : frames) {
    auto header = decode_sealed_header(frame.payload);
    if (!header) return breach(url_, header.error().message);
    headers.push_back(std::move(header).value());
  }
  return headers;
}

Result<std::vector<Block>> HttpTransport::blocks(Height from, std::uint32_t count, Bodies bodies) {
  count = std::min(count, kBlocksPerRequest);
  const std::string target = blocks_target(from, count, bodies);
  if (expected_ && expected_->target == target) {
    expected_->thread.join();
    return std::move(std::exchange(expected_, nullptr)->answer);
  }
  give_up_expected();
  return fetch_blocks(target, count, options_.deadline);
}

bool HttpTransport::expect_blocks(Height from, std::uint32_t count, Bodies bodies) {
  give_up_expected();
  count = std::min(count, kBlocksPerRequest);
  is_given_up_ = false;
  expected_ = std::make_shared<Expected>();
  expected_->target = blocks_target(from, count, bodies);
  expected_->thread = std::jthread([this, count, &one = *expected_, deadline = options_.deadline] {
    if (!is_given_up_) one.answer = fetch_blocks(one.target, count, deadline);
    const std::lock_guard lock(one.mutex);
    one.has_come = true;
    one.came.notify_all();
  });
  return true;
}

bool HttpTransport::has_expected(std::chrono::milliseconds patience) const {
  if (!expected_) return false;
  std::unique_lock lock(expected_->mutex);
  return expected_->came.wait_for(lock, patience, [&] { return expected_->has_come; });
}

void HttpTransport::give_up_expected() {
  if (!expected_) return;
  // Again and again: the first may come before the thread has begun its request.
  do drop_request();
  while (!has_expected(std::chrono::milliseconds(20)));
  expected_->thread.join();
  expected_.reset();
}

Result<std::vector<Block>> HttpTransport::fetch_blocks(const std::string& target,
                                                       std::uint32_t count,
                                                       std::chrono::milliseconds deadline) {
  net::OutgoingRequest request;
  request.target = "/bmsg/1/" + target;
  BMSG_TRY_ASSIGN(const auto answer,
                  ask_within(deadline, request, 4 + count * kBlockFrameBytesMax, nullptr));
  BMSG_TRY_ASSIGN(const auto frames, frames_of(answer, chain::FrameType::block, count, url_));
  std::vector<Block> blocks;
  for (const chain::FrameView& frame : frames) {
    auto block = decode_block(frame.payload);
    if (!block) return breach(url_, block.error().message);
    blocks.push_back(std::move(block).value());
  }
  return blocks;
}

Result<std::optional<Block>> HttpTransport::block(const BlockHash& hash, Bodies bodies) {
  return one_block("block/" + to_hex(hash.view()) + (bodies == Bodies::without ? "?light=1" : ""));
}

Result<std::optional<Block>> HttpTransport::proposal(const BlockHash& hash) {
  return one_block("proposal/" + to_hex(hash.view()));
}

/// Nullopt if there is none.
Result<std::optional<Block>> HttpTransport::one_block(const std::string& target) {
  int status = 0;
  BMSG_TRY_ASSIGN(const auto answer,
                  ask(net::Method::get, target, {}, kFrameBytesMax + 64, &status));
  if (status == 404) return std::optional<Block>();
  BMSG_TRY_ASSIGN(const auto frames, frames_of(answer, chain::FrameType::block, 1, url_));
  if (frames.empty()) return std::optional<Block>();
  auto block = decode_block(frames.front().payload);
  if (!block) return breach(url_, block.error().message);
  return std::optional(std::move(block).value());
}

Result<std::vector<Message>> HttpTransport::messages(const std::vector<ShortId>& ids) {
  BMSG_TRY_ASSIGN(const auto answer, ask(net::Method::post, "get", chain::encode_short_ids(ids),
                                         kFrameBytesMax + kFrameBytesMax / 8));
  BMSG_TRY_ASSIGN(const auto frames,
                  frames_of(answer, chain::FrameType::message, ids.size(), url_));
  std::vector<Message> messages;
  for (const chain::FrameView& frame : frames) {
    auto message = decode_message(frame.payload);
    if (!message) return breach(url_, message.error().message);
    messages.push_back(std::move(message).value());
  }
  return messages;
}

Result<node::Feed> HttpTransport::feed(const std::string& cursor) {
  const std::string target = cursor.empty() ? "feed" : "feed?since=" + cursor;
  BMSG_TRY_ASSIGN(const auto answer, ask(net::Method::get, target, {}, kFeedBytesMax));
  auto feed = parse_feed(as_text(answer));
  if (!feed) return breach(url_, feed.error().message);
  return feed;
}

Result<node::Feed> HttpTransport::wait_for_feed(const std::string& cursor, const BlockHash& tip,
                                                std::chrono::seconds patience) {
  constexpr std::chrono::seconds kGrace{15};
  constexpr std::size_t kTipDigits = 16;  // Its end: hashes begin with zeros.
  const std::string hash = to_hex(tip.view());
  const std::string target = fmt::format("feed?since={}&tip={}&wait={}", cursor,
                                         hash.substr(hash.size() - kTipDigits), patience.count());
  const auto deadline = options_.deadline;
  set_deadline(patience + kGrace);
  const auto answer = ask(net::Method::get, target, {}, kFeedBytesMax);
  set_deadline(deadline);
  if (!answer) return answer.error();
  auto feed = parse_feed(as_text(answer.value()));
  if (!feed) return breach(url_, feed.error().message);
  return feed;
}

Result<std::vector<node::PutLine>> HttpTransport::put(const Bytes& pack) {
  constexpr std::size_t kLinesMax = 65536;
  BMSG_TRY_ASSIGN(const auto answer, ask(net::Method::post, "put", pack, kFrameBytesMax));
  auto lines = parse_put_lines(as_text(answer), kLinesMax);
  if (!lines) return breach(url_, lines.error().message);
  return lines;
}

Result<std::vector<bool>> HttpTransport::have(const std::vector<ShortId>& ids) {
  const std::size_t bytes = (ids.size() + 7) / 8;
  BMSG_TRY_ASSIGN(const auto bitmap,
                  ask(net::Method::post, "have", chain::encode_short_ids(ids), bytes));
  if (bitmap.size() != bytes) return breach(url_, "a bitmap of another length");
  std::vector<bool> held(ids.size());
  for (std::size_t i = 0; i < ids.size(); ++i) held[i] = (bitmap[i / 8] & 0x80 >> i % 8) != 0;
  return held;
}

Result<std::vector<node::PeerRecord>> HttpTransport::peer_records() {
  constexpr std::size_t kBytesMax = node::kRecordsPerAnswerMax * (node::kPeerRecordBytesMax + 1);
  int status = 0;
  BMSG_TRY_ASSIGN(const auto answer, ask(net::Method::get, "peers", {}, kBytesMax, &status));
  if (status == 404) return std::vector<node::PeerRecord>();  // An older node.
  auto records = node::parse_peer_records(as_text(answer), node::kRecordsPerAnswerMax);
  if (!records) return breach(url_, records.error().message);
  return records;
}

std::string HttpTransport::name() const { return url_; }
std::uint64_t HttpTransport::bytes_in() const { return client_.bytes_in(); }
std::uint64_t HttpTransport::bytes_out() const { return client_.bytes_out(); }
std::optional<NodeKey> HttpTransport::peer_key() {
  give_up_expected();
  return judge_ == net::Judge::node_key ? client_.peer_key() : std::nullopt;
}
void HttpTransport::cancel() { client_.cancel(); }
void HttpTransport::drop_request() {
  is_given_up_ = true;
  client_.drop_request();
}

}  // namespace bmsg::api
