// The program of ./dev fuzz: libFuzzer with the decoder that BMSG_FUZZ_TARGET names.
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "tests/fuzz/every_target.h"

namespace {

bmsg::fuzz::Target chosen;

}  // namespace

/// With "--targets" it only prints their names.
extern "C" int LLVMFuzzerInitialize(int* count, char*** words) {
  const bool is_list = *count > 1 && std::string_view((*words)[1]) == "--targets";
  const char* name = std::getenv("BMSG_FUZZ_TARGET");
  for (const auto& target : bmsg::fuzz::every_target()) {
    if (is_list) std::printf("%.*s\n", static_cast<int>(target.name.size()), target.name.data());
    if (name && target.name == name) chosen = target;
  }
  if (is_list) std::exit(0);
  if (!chosen.run) {
    std::fprintf(stderr, "fuzz: BMSG_FUZZ_TARGET names no decoder; --targets lists them\n");
    std::exit(64);
  }
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  (void)chosen.run({bytes, size});
  return 0;
}
