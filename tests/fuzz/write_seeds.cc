// write_seeds DIR: writes what our writers write for each decoder, as files of a corpus.
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>

#include "lib/core/hex.h"
#include "lib/crypto/sha512.h"
#include "tests/fuzz/seeds.h"

int main(int count, char** words) {
  using namespace bmsg;
  if (count != 2) {
    std::fputs("usage: write_seeds DIR\n", stderr);
    return 64;
  }
  for (const auto& seeds :
       {fuzz::chain_seeds(), fuzz::mail_seeds(), fuzz::store_seeds(), fuzz::text_seeds()}) {
    for (const fuzz::Seed& seed : seeds) {
      const auto directory = std::filesystem::path(words[1]) / seed.target;
      std::filesystem::create_directories(directory);
      const Digest hash = crypto::sha512(seed.bytes);
      std::ofstream out(directory / to_hex(hash.view().first(8)), std::ios::binary);
      out.write(reinterpret_cast<const char*>(seed.bytes.data()),
                static_cast<std::streamsize>(seed.bytes.size()));
      if (!out.flush()) return 74;
    }
  }
  return 0;
}
