#include "lib/net/socks.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <array>

#include "lib/core/check.h"

namespace bmsg::net {
namespace {

constexpr std::uint8_t kVersion = 5;
constexpr std::uint8_t kV4 = 1;
constexpr std::uint8_t kName = 3;
constexpr std::uint8_t kV6 = 4;

}  // namespace

Bytes socks_greeting() { return {kVersion, 1, 0}; }

bool socks_is_accepted(ByteView answer) {
  return answer.size() == 2 && answer[0] == kVersion && answer[1] == 0;
}

Bytes socks_connect(const std::string& host, std::uint16_t port) {
  check(host.size() <= 255, "a host name that no proxy can take");
  Bytes made{kVersion, 1, 0};
  std::array<std::uint8_t, 16> literal{};
  if (::inet_pton(AF_INET, host.c_str(), literal.data()) == 1) {
    made.push_back(kV4);
    append(made, ByteView(literal).first(4));
  } else if (::inet_pton(AF_INET6, host.c_str(), literal.data()) == 1) {
    made.push_back(kV6);
    append(made, literal);
  } else {
    made.push_back(kName);
    made.push_back(static_cast<std::uint8_t>(host.size()));
    append(made, as_bytes(host));
  }
  made.push_back(static_cast<std::uint8_t>(port >> 8));
  made.push_back(static_cast<std::uint8_t>(port & 0xff));
  return made;
}

std::optional<std::size_t> socks_answer_bytes(ByteView start) {
  if (start.size() != 5 || start[0] != kVersion || start[2] != 0) return std::nullopt;
  if (start[3] == kV4) return 4 + 4 + 2;
  if (start[3] == kV6) return 4 + 16 + 2;
  if (start[3] == kName) return 4 + 1 + start[4] + std::size_t{2};
  return std::nullopt;
}

std::string socks_refusal(ByteView answer) {
  switch (answer[1]) {
    case 0:
      return "";
    case 1:
      return "general failure";
    case 2:
      return "not allowed";
    case 3:
      return "network unreachable";
    case 4:
      return "host unreachable";
    case 5:
      return "connection refused";
    case 6:
      return "timed out";
    case 7:
      return "no such command";
    case 8:
      return "no such kind of address";
    default:
      return fmt::format("code {}", answer[1]);
  }
}

}  // namespace bmsg::net
