// The object `repaired` of bmsg-json(5).

#pragma once

#include <string>

namespace bmsg::api {

struct RepairedView {
  std::string state;      // "lost" or "damaged".
  std::string kind;       // "message", "block" or "index"; what is damaged is "chain" or "index".
  std::string id;         // A message's id or a block's height; empty: null.
  std::string text = {};  // What is wrong; empty: null.
};
std::string repaired_json(const RepairedView& view);

}  // namespace bmsg::api
