// A node of a hash table that serves at a port until it is killed, with so many values of no use
// under one key: dht_junk PORT KEY COUNT. The key is 128 hexadecimal digits, before the table's own
// hash of it. Says "ready N" when they are there.

#include <opendht/dhtrunner.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <thread>

#include "lib/core/hex.h"

namespace {

constexpr std::size_t kAtOnce = 200;

dht::DhtRunner::Config unlimited() {
  dht::DhtRunner::Config config;
  config.dht_config.node_config.max_req_per_sec = -1;
  config.dht_config.node_config.max_peer_req_per_sec = -1;
  config.dht_config.node_config.max_store_size = 1 << 28;
  return config;
}

}  // namespace

int main(int argc, char** argv) {
  const auto key = argc == 4 ? bmsg::from_hex(argv[2]) : std::nullopt;
  if (!key) return 64;
  const auto place = dht::InfoHash::get(key->data(), key->size());
  const std::size_t count = std::stoul(argv[3]);
  dht::DhtRunner table;
  auto config = unlimited();
  table.run(static_cast<in_port_t>(std::stoul(argv[1])), config);
  dht::DhtRunner giver;
  auto other = unlimited();
  giver.run(0, other);
  giver.bootstrap("127.0.0.1", argv[1]);
  std::mt19937_64 numbers(1);
  std::atomic<std::size_t> ended = 0;
  std::atomic<std::size_t> taken = 0;
  for (std::size_t i = 0; i < count; ++i) {
    std::vector<std::uint8_t> bytes(numbers() % 600);
    for (auto& byte : bytes) byte = static_cast<std::uint8_t>(numbers());
    giver.put(place, dht::Value(bytes), [&](bool is_good) {
      taken += is_good ? 1 : 0;
      ++ended;
    });
    while (i + 1 > ended + kAtOnce) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  while (ended < count) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  std::printf("ready %zu %zu\n", taken.load(), table.getStoreSize().second);
  std::fflush(stdout);
  ::pause();
  return 0;
}
