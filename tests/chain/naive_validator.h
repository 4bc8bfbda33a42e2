// A second validator for proof-of-work chains: slow, short, straight from the page of the format.

#pragma once

#include <string>
#include <vector>

#include "lib/core/bytes.h"

namespace bmsg::naive {

/// What the validator knows: the rules text and the encoded headers of blocks 0 to the parent.
struct Chain {
  std::string rules_text;
  std::vector<Bytes> headers;
  std::vector<Bytes> known_ids;  // Of messages in ancestors.
};

/// Whether `block` is the encoding of a valid child of the last header. Says nothing of why: it
/// shares no code with the rules but the hash function.
bool accepts(ByteView block, const Chain& chain);

}  // namespace bmsg::naive
