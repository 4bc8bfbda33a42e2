// Policies: whose signatures a message of a topic or a room needs before it is acted upon. They
// hold in the store that has them; the chain knows nothing of them.

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lib/core/ids.h"
#include "lib/core/result.h"
#include "lib/mail/quorum.h"
#include "lib/mail/summary.h"

namespace bmsg::mail {

inline constexpr std::size_t kPoliciesMax = 256;
inline constexpr std::size_t kPolicyNameMax = 256;
inline constexpr std::size_t kPoliciesBytesMax = 4u << 20;

/// The rule of one topic or one room.
struct Policy {
  std::string name;  // The topic's text, or what the room was called when the rule was set.
  Topic topic;
  Bytes room = {};  // Its id, 16 bytes; empty: the rule is the topic's.
  Quorum quorum = {};

  bool same_place(const Policy& other) const { return room == other.room && topic == other.topic; }
  bool operator==(const Policy&) const = default;
};

/// A name that can be written: 1 to kPolicyNameMax bytes of UTF-8 without deceptive characters.
bool is_policy_name(std::string_view name);

/// The policy that governs a message: its room's; for what went to no room its topic's, be it
/// public or sealed, since whoever seals chooses the topic. Null: none.
const Policy* policy_for(const std::vector<Policy>& policies, const Summary& summary);

/// The file policies.toml.
///
/// Shape:  for each a line [[policy]] and lines name = "…", topic = "0x…" or room = "…", and
///         rule = "…" with addresses; comments and empty lines between them.
/// Source: bmsg-store(5), "Policies".
std::string policies_text(const std::vector<Policy>& policies);
/// Strict: a rule that is misread is no rule.
/// Errors: Errc::bad_config naming the line.
Result<std::vector<Policy>> read_policies(std::string_view text);

}  // namespace bmsg::mail
