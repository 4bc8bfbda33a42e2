// Whether small files of ours are what was written, for whoever looks without a key.

#pragma once

#include "lib/core/bytes.h"
#include "lib/core/ids.h"

namespace bmsg::mail {

/// A file of outbox/seq: one of its two places is whole. The other may be what a crash left.
bool is_whole_conversation(ByteView bytes);

/// A file of outbox/held.
bool is_whole_held(ByteView bytes);

/// A file of cards/: a message that is a card of this chain.
bool is_whole_card(ByteView bytes, const ChainId& chain);

}  // namespace bmsg::mail
