#include "tests/fuzz/every_target.h"

namespace bmsg::fuzz {

std::vector<Target> every_target() {
  std::vector<Target> out;
  for (const auto floor :
       {core_targets(), chain_targets(), node_targets(), net_targets(), mail_targets(),
        api_targets(), storage_targets(), cli_targets(), call_targets()}) {
    out.insert(out.end(), floor.begin(), floor.end());
  }
  return out;
}

}  // namespace bmsg::fuzz
