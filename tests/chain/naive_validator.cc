#include "tests/chain/naive_validator.h"

#include <algorithm>
#include <boost/multiprecision/cpp_int.hpp>
#include <sstream>

#include "lib/crypto/sha512.h"

namespace bmsg::naive {
namespace {

using boost::multiprecision::cpp_int;

Bytes hash(const Bytes& bytes) { return to_bytes(crypto::sha512(bytes).view()); }

/// Throws std::out_of_range where the bytes end.
Bytes cut(const Bytes& bytes, std::size_t at, std::size_t count) {
  if (at > bytes.size() || count > bytes.size() - at) throw std::out_of_range("cut");
  const auto begin = bytes.begin() + static_cast<std::ptrdiff_t>(at);
  return Bytes(begin, begin + static_cast<std::ptrdiff_t>(count));
}

cpp_int number(const Bytes& bytes) {
  cpp_int value = 0;
  for (const std::uint8_t byte : bytes) value = value * 256 + byte;
  return value;
}

cpp_int number(const Bytes& bytes, std::size_t at, std::size_t count) {
  return number(cut(bytes, at, count));
}

Bytes operator+(Bytes left, const Bytes& right) {
  append(left, right);
  return left;
}

Bytes tree(const std::vector<Bytes>& leaves) {
  if (leaves.empty()) return hash({});
  if (leaves.size() == 1) return hash(Bytes{0} + leaves[0]);
  std::size_t k = 1;
  while (2 * k < leaves.size()) k *= 2;
  const auto middle = leaves.begin() + static_cast<std::ptrdiff_t>(k);
  return hash(Bytes{1} + tree({leaves.begin(), middle}) + tree({middle, leaves.end()}));
}

cpp_int rule(const Chain& chain, const std::string& key) {
  std::istringstream lines(chain.rules_text);
  std::string name, value;
  while (lines >> name >> value) {
    if (name == key) return key == "floor" ? cpp_int("0x" + value) : cpp_int(value);
  }
  throw std::out_of_range(key);
}

cpp_int shifted(const cpp_int& value, const cpp_int& left) {
  const auto by = static_cast<unsigned>(abs(left));
  return left >= 0 ? cpp_int(value << by) : cpp_int(value >> by);
}

cpp_int target(const cpp_int& bits) { return shifted(bits & 0x7fffff, 8 * ((bits >> 24) - 3)); }

cpp_int compact(const cpp_int& value) {
  cpp_int bytes = (msb(value) + 8) / 8;
  cpp_int mantissa = shifted(value, 8 * (3 - bytes));
  if ((mantissa & 0x800000) != 0) {
    mantissa >>= 8;
    ++bytes;
  }
  return (bytes << 24) + mantissa;
}

cpp_int bits_due(const Chain& chain, const Bytes& parent, const cpp_int& time) {
  const cpp_int seconds = std::min<cpp_int>(time - number(parent, 8, 8), cpp_int(1) << 31);
  const cpp_int late = (seconds - rule(chain, "interval")) * 65536;
  const cpp_int exponent = late / rule(chain, "halflife");  // Towards zero.
  cpp_int whole = exponent / 65536;
  cpp_int part = exponent % 65536;
  if (part < 0) {
    part += 65536;
    --whole;
  }
  const cpp_int factor = 65536 + ((195766423245049 * part + 971821376 * part * part +
                                   5127 * part * part * part + (cpp_int(1) << 47)) >>
                                  48);
  const cpp_int floor = rule(chain, "floor");
  if (whole >= 256) return floor;
  const cpp_int value = shifted(target(number(parent, 16, 4)) * factor, whole - 16);
  if (value > target(floor)) return floor;
  return compact(value == 0 ? cpp_int(1) : value);
}

bool header_holds(const Bytes& header, const Chain& chain) {
  const Bytes& parent = chain.headers.back();
  std::vector<Bytes> past;
  for (const Bytes& each : chain.headers) past.push_back(hash(each));
  const Bytes chain_id = hash(to_bytes(chain.rules_text));
  return cut(header, 0, 4) == to_bytes("bmH1") &&
         number(header, 4, 4) == number(parent, 4, 4) + 1 &&
         number(header, 8, 8) > number(parent, 8, 8) &&
         number(header, 16, 4) == bits_due(chain, parent, number(header, 8, 8)) &&
         cut(header, 24, 32) == cut(chain_id, 0, 32) && cut(header, 56, 64) == hash(parent) &&
         cut(header, 184, 64) == tree(past) &&
         number(hash(header), 0, 32) <= target(number(header, 16, 4));
}

struct Read {
  Bytes id, leaf;
  cpp_int bytes;
  std::size_t end = 0;
};

bool keys_hold(const cpp_int& suite, const cpp_int& length) {
  if (suite == 0) return length == 0;
  if (suite >= 5) return true;
  if (suite > 2) return false;  // Pieces of files; charters, which a pow chain has none of.
  const cpp_int slots = length - (suite == 1 ? 32 : 65);
  return slots >= 48 && slots % 48 == 0 && slots / 48 <= 64;
}

/// Throws where a message in a block is not to be had or breaks a rule.
Read message_at(const Bytes& block, std::size_t at, const Chain& chain) {
  const auto want = [](bool holds) {
    if (!holds) throw std::out_of_range("rule");
  };
  const auto keys = static_cast<std::size_t>(number(block, at + 6, 2));
  const Bytes head = cut(block, at, 96 + keys);
  const Bytes nonce = cut(block, at + head.size(), 8);
  const Bytes id = hash(head);
  const cpp_int time = number(head, 20, 4), ttl = number(head, 24, 4), body = number(head, 28, 4);
  const cpp_int bytes = 96 + keys + 8 + body;
  const cpp_int now = number(block, 8, 8);
  want(cut(head, 0, 4) == to_bytes("bmM1") && head[5] == 0 && keys_hold(head[4], keys));
  want(cut(head, 8, 8) == cut(hash(to_bytes(chain.rules_text)), 0, 8));
  want(bytes <= rule(chain, "maxmessage") && ttl >= 1 && ttl <= rule(chain, "maxttl"));
  want(time <= now + 120 && now < time + ttl);
  const cpp_int needed = rule(chain, "stamp") * bytes * ((ttl + 86399) / 86400);
  want(number(hash(id + nonce), 0, 8) * needed < (cpp_int(1) << 64));
  want(std::ranges::find(chain.known_ids, id) == chain.known_ids.end());

  std::size_t end = at + head.size() + 9;
  const cpp_int have = number(block, end - 1, 1);
  want(have <= 1);
  if (have == 1) {
    const Bytes text = cut(block, end, static_cast<std::size_t>(body));
    want(hash(text) == cut(head, head.size() - 64, 64));
    end += text.size();
  }
  return Read{id, id + nonce, bytes, end};
}

}  // namespace

bool accepts(ByteView bytes, const Chain& chain) {
  const Bytes block = to_bytes(bytes);
  try {
    if (!header_holds(cut(block, 0, 256), chain) || number(block, 256, 1) != 0) return false;
    std::vector<Bytes> leaves;
    cpp_int sum = 0;
    std::size_t at = 257;
    for (cpp_int left = number(block, 20, 4); left > 0; --left) {
      const Read message = message_at(block, at, chain);
      if (!leaves.empty() && cut(leaves.back(), 0, 64) >= message.id) return false;
      leaves.push_back(message.leaf);
      sum += message.bytes;
      at = message.end;
    }
    return at == block.size() && tree(leaves) == cut(block, 120, 64) &&
           sum <= rule(chain, "maxblock");
  } catch (const std::exception&) {
    return false;
  }
}

}  // namespace bmsg::naive
