// Does wrong as its word says, for the campaigns to see that they would notice: a `race`, a byte
// `past` the end, an `overflow` of an integer.

#include <climits>
#include <cstdio>
#include <memory>
#include <string_view>
#include <thread>

namespace {

int raced = 0;

void race() {
  std::thread other([] { ++raced; });
  ++raced;
  other.join();
}

int past(std::size_t size) {
  const auto bytes = std::make_unique<char[]>(size);
  const volatile char* first = bytes.get();
  return first[size];
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view word = argc == 2 ? argv[1] : "";
  int number = INT_MAX - 1 + argc / 2;  // INT_MAX, but nobody knows before it runs.
  if (word == "race") race();
  if (word == "past") number = past(static_cast<std::size_t>(argc));
  if (word == "overflow") ++number;
  return std::printf("%d\n", number) < 0 ? 1 : 0;
}
