#include "lib/chain/fork_choice.h"

namespace bmsg::chain {

bool is_better(const Contender& a, const Contender& b) {
  return a.work != b.work ? a.work > b.work : a.hash < b.hash;
}

}  // namespace bmsg::chain
