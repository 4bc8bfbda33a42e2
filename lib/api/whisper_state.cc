// The methods about the gateway and the network.

#include <fmt/format.h>

#include <algorithm>

#include "lib/api/whisper.h"
#include "lib/api/whisper_post.h"
#include "lib/core/big_endian.h"
#include "lib/core/try.h"

namespace bmsg::api {
namespace {

constexpr std::uint32_t kSizeMax = 10 * 1024 * 1024;  // That a client may set.
constexpr std::size_t kBloomBytes = 64;
constexpr std::chrono::seconds kPowTolerance{10};

}  // namespace

std::uint64_t WhisperGateway::bytes_max() const {
  const std::uint64_t chain_max = host_.chain().rules.maxmessage;
  const std::lock_guard lock(mutex_);
  return std::min<std::uint64_t>(size_max_, chain_max);
}

/// Under the lock.
double WhisperGateway::pow_tolerated() const {
  const bool both = pow_until_ && host_.clock().steady() < *pow_until_;
  return both ? std::min(pow_min_, pow_before_) : pow_min_;
}

Result<Json> WhisperGateway::version(const Call&) { return Json("6.0"); }

Result<Json> WhisperGateway::info(const Call&) {
  const PoolSize pool = host_.pool();
  const std::uint64_t size = bytes_max();
  const std::lock_guard lock(mutex_);
  return Json{{"memory", pool.bytes},
              {"messages", filters_.waiting()},
              {"minPow", pow_min_},
              {"maxMessageSize", size}};
}

Result<Json> WhisperGateway::set_size(const Call& call) {
  BMSG_TRY_ASSIGN(const auto size, call.arguments.get(0, number_of));
  if (size > kSizeMax) {
    return Error{Errc::bad_input, fmt::format("message size too large [{}>{}]", size, kSizeMax)};
  }
  const std::lock_guard lock(mutex_);
  size_max_ = size;
  return Json(true);
}

Result<Json> WhisperGateway::set_pow(const Call& call) {
  BMSG_TRY_ASSIGN(const double pow, call.arguments.get(0, real_of));
  if (pow < 0) return Error{Errc::bad_input, fmt::format("invalid PoW: {:f}", pow)};
  const std::lock_guard lock(mutex_);
  pow_before_ = pow_min_;
  pow_min_ = pow;
  pow_until_ = host_.clock().steady() + kPowTolerance;
  return Json(true);
}

// Nothing is filtered on the way here: nodes of a chain have all of it.
Result<Json> WhisperGateway::set_bloom(const Call& call) {
  BMSG_TRY_ASSIGN(const auto filter, call.arguments.get(0, bytes_of));
  if (filter.size() != kBloomBytes)
    return Error{Errc::bad_input, fmt::format("invalid bloom filter size: {}", filter.size())};
  return Json(true);
}

Result<Json> WhisperGateway::trust_peer(const Call& call) {
  BMSG_TRY_ASSIGN(const auto url, call.arguments.get(0, text_of));
  BMSG_TRY_ASSIGN(const auto peer, peer_of_enode(url));
  return Error{Errc::bad_input, fmt::format("could not find peer with ID: {}", peer)};
}

Result<Json> WhisperGateway::agree(const Call&) { return Json(true); }

/// Another number for another chain; clients read it as an integer.
Result<Json> WhisperGateway::net_version(const Call&) {
  return Json(fmt::format("{}", load_be<std::uint32_t>(host_.chain().id.data())));
}

Result<Json> WhisperGateway::net_listening(const Call&) { return Json(host_.is_listening()); }

Result<Json> WhisperGateway::net_peers(const Call&) {
  return Json(fmt::format("0x{:x}", host_.peers()));
}

}  // namespace bmsg::api
