// Block 0: computed from the rules text, never mined and never checked for work.

#pragma once

#include "lib/chain/rules_text.h"
#include "lib/core/header.h"

namespace bmsg::chain {

Header genesis_header(const ChainRules& chain);

}  // namespace bmsg::chain
