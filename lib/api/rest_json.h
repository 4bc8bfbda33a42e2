// The shapes of the paper's REST: what its clients send, and the field names that they read.

#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/core/block.h"
#include "lib/core/ids.h"
#include "lib/core/result.h"

namespace bmsg::api {

// Source: bmsg-web(1), "The paper's REST".

inline constexpr std::size_t kRestBlocksMax = 10'000;          // In one answer: the newest.
inline constexpr std::size_t kRestAnswerBytesMax = 32U << 20;  // The same; one more may be added.
inline constexpr std::size_t kRestPostBytesMax = 256U << 10;   // Of a request.
inline constexpr std::size_t kRestBlockBytesMax = 12U << 20;   // The same with a block in it.
inline constexpr std::string_view kRestMediaType = "application/json";

/// A post as it is signed.
struct RestPost {
  std::string author;
  std::string content;     // With further members: the whole object, as JSON.
  std::string media_type;  // kRestMediaType then; else empty.

  bool operator==(const RestPost&) const = default;
};

/// The body of POST /new_transaction.
/// Errors: Errc::bad_input where it is no JSON; Errc::not_found, as the paper's app says it, where
///         author or content is not there, empty or no text.
Result<RestPost> parse_rest_post(std::string_view body);

/// The body of POST /register_node and /register_with: the url in it, without a slash at its end.
/// Errors: Errc::bad_input.
Result<std::string> parse_rest_node(std::string_view body);

/// The body of POST /add_block: the block in its member "pack".
/// Errors: Errc::bad_input.
Result<Block> parse_rest_block(std::string_view body);

/// A transaction as the paper's app lists it; nullopt if the message is no public text, or not here
/// any more.
std::optional<std::string> rest_transaction(const Message& message, const ChainId& chain);

/// Messages that wait, in this order, as long as they fit.
std::string rest_pending(const std::vector<Message>& messages, const ChainId& chain);

/// The blocks of an answer, gathered from the tip downwards.
class RestChain {
 public:
  enum class Packs { without, with };

  RestChain(ChainId chain, Packs packs) : chain_(chain), packs_(packs) {}

  bool is_full() const { return blocks_.size() >= kRestBlocksMax || bytes_ >= kRestAnswerBytesMax; }
  void add_below(const Block& block, const BlockHash& hash);
  /// The whole answer; `length` counts the chain's blocks, those that were left out too.
  std::string print(std::uint64_t length, const std::vector<std::string>& peers) const;

 private:
  ChainId chain_;
  Packs packs_;
  std::vector<std::string> blocks_;  // Newest first.
  std::size_t bytes_ = 0;
};

}  // namespace bmsg::api
