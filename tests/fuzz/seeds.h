// What decoders accept, as our writers write it: the first files of tests/corpus.
#pragma once

#include <string>
#include <vector>

#include "lib/core/bytes.h"

namespace bmsg::fuzz {

struct Seed {
  std::string target;
  Bytes bytes;
};

/// Of structures in bytes. The same at every call.
std::vector<Seed> chain_seeds();
std::vector<Seed> mail_seeds();
std::vector<Seed> store_seeds();
/// Of what people and peers read as text.
std::vector<Seed> text_seeds();

}  // namespace bmsg::fuzz
