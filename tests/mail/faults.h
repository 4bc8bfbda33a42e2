// Vectors with one fault each: from something valid one thing is changed, and the layer that must
// refuse it is named, with its reason. A layer above or below that refuses instead is a failure.
// 120 of them at least: those of messages and those of what stands alone, together.

#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "lib/chain/block_hash.h"
#include "tests/mail/person.h"

namespace bmsg::mail::faults {

inline constexpr std::size_t kOfMessagesMin = 75;
inline constexpr std::size_t kOfOthersMin = 50;
static_assert(kOfMessagesMin + kOfOthersMin >= 120);

/// Who refused, and a part of what was said. Both empty: nobody did.
struct Refusal {
  std::string layer;
  std::string reason;
};

struct Row {
  std::string what;
  Refusal expected;
  Refusal got;
};
using Rows = std::vector<Row>;

inline void add(Rows& rows, std::string what, Refusal expected, Refusal got) {
  rows.push_back({std::move(what), std::move(expected), std::move(got)});
}

/// Each row is refused by the layer it names, for the reason it names.
inline void expect_refusals(const Rows& rows) {
  for (const Row& row : rows) {
    EXPECT_EQ(row.got.layer, row.expected.layer) << row.what << ": " << row.got.reason;
    EXPECT_NE(row.got.reason.find(row.expected.reason), std::string::npos)
        << row.what << ": '" << row.got.reason << "', not '" << row.expected.reason << "'";
  }
}

inline const chain::ChainRules& rules() { return free_chain(); }

/// Gives a message another body, with its length and hash.
inline void set_body(Message& message, Bytes body) {
  message.head.body_bytes = static_cast<std::uint32_t>(body.size());
  message.head.body_hash = chain::body_hash_of(body);
  message.body = std::move(body);
}

}  // namespace bmsg::mail::faults
