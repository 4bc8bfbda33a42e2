// The object `comparison` of bmsg-json(5).

#pragma once

#include <string>

#include "lib/core/ids.h"

namespace bmsg::api {

struct ComparisonView {
  std::string with;      // As it was named.
  std::string relation;  // "same", "behind", "ahead" or "apart": how our chain stands to it.
  Height common;         // Of the last block that both have.
  Height height;         // Of our tip.
  Height their_height;   // Of theirs, as they say.
  bool settled = false;  // Apart: of what differs, no branch may take our part away.
};
std::string comparison_json(const ComparisonView& view);

}  // namespace bmsg::api
