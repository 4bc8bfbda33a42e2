#include "cli/branch_text.h"

#include <fmt/format.h>

namespace bmsg::cli {

std::string reorg_text(const node::Reorg& reorg) {
  return fmt::format(
      "switched to a heavier branch {} blocks deep; {} messages returned to the pool", reorg.depth,
      reorg.returned.size());
}

}  // namespace bmsg::cli
