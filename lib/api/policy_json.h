// The object `policy` of bmsg-json(5), and what a message says of its approvals.

#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lib/api/json_guard.h"
#include "lib/api/json_objects.h"

namespace bmsg::api {

struct PolicyView {
  std::string name;
  std::optional<Topic> topic;       // This or
  std::optional<std::string> room;  // the id of a room, in hex.
  std::string rule;                 // With the names that contacts have now.
  std::string rule_addresses;       // The same as it is kept.
  std::vector<std::string> persons;
};
std::string policy_json(const PolicyView& view);

/// As it stands in a message.
Json approvals_json(const ApprovalsView& view);

}  // namespace bmsg::api
