// The object `repaired` of bmsg-json(5).

#pragma once

#include <string>

namespace bmsg::api {

struct RepairedView {
  std::string state;  // "lost".
  std::string kind;   // "message", "block" or "index".
  std::string id;     // A message's id or a block's height; empty: null.
};
std::string repaired_json(const RepairedView& view);

}  // namespace bmsg::api
