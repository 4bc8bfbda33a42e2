#include "lib/mail/stamp.h"

#include <gtest/gtest.h>

#include <thread>

#include "lib/chain/block_hash.h"
#include "lib/chain/message_rules.h"
#include "tests/mail/support.h"

namespace bmsg::mail {
namespace {

chain::ChainRules with_rate(std::uint32_t rate) {
  chain::ChainRules chain = example_chain();
  chain.rules.stamp = rate;
  return chain;
}

TEST(Stamp, IsZeroWhereTheChainAsksForNone) {
  const Message message = sealed_to({recipient(1, 2)}, "a");
  EXPECT_EQ(find_stamp(message.head, with_rate(0), 1, {}), 0u);
}

TEST(Stamp, KeepsTheChainsRule) {
  Message message = sealed_to({recipient(1, 2)}, "a");
  message.nonce = *find_stamp(message.head, example_chain(), 1, {});
  const MessageId id = chain::id_of(message.head);
  const UnixSeconds now{golden::kMessageTime};
  EXPECT_FALSE(chain::find_violation(message, id, now, example_chain()));
  const std::uint64_t limit =
      chain::stamp_limit(chain::stamp_needed(example_chain(), message.head));
  EXPECT_LE(chain::stamp_value(id, message.nonce), limit);
}

TEST(Stamp, IsTheSameWhateverTheNumberOfThreads) {
  for (std::uint64_t i = 0; i < 5; ++i) {
    const Message message = sealed_to({recipient(1, 2)}, "a", i + 1);
    const auto one = find_stamp(message.head, example_chain(), 1, {});
    EXPECT_EQ(find_stamp(message.head, example_chain(), 3, {}), one);
  }
}

TEST(Stamp, StopsWhenAsked) {
  const Message message = sealed_to({recipient(1, 2)}, "a");
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(find_stamp(message.head, with_rate(0xffffffff), 2, stop.get_token()), std::nullopt);

  std::stop_source later;
  std::jthread asker([&] { later.request_stop(); });
  EXPECT_EQ(find_stamp(message.head, with_rate(0xffffffff), 1, later.get_token()), std::nullopt);
}

}  // namespace
}  // namespace bmsg::mail
