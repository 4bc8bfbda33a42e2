#include "lib/core/address.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <vector>

namespace bmsg {
namespace {

constexpr std::string_view kPrefix = "bmsg";
constexpr std::string_view kLetters = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
constexpr std::uint32_t kBech32mConstant = 0x2bc830a3;
constexpr std::size_t kChecksumLetters = 6;

using Fives = std::vector<std::uint8_t>;  // Values of five bits.

std::uint32_t checksum(const Fives& values) {
  constexpr std::array<std::uint32_t, 5> kGenerator = {0x3b6a57b2, 0x26508e6d, 0x1ea119fa,
                                                       0x3d4233dd, 0x2a1462b3};
  std::uint32_t sum = 1;
  for (const std::uint8_t value : values) {
    const std::uint32_t top = sum >> 25;
    sum = (sum & 0x1ffffff) << 5 ^ value;
    for (unsigned i = 0; i < kGenerator.size(); ++i) {
      if (top >> i & 1) sum ^= kGenerator[i];
    }
  }
  return sum;
}

Fives expanded_prefix() {
  Fives values;
  for (const char c : kPrefix) values.push_back(static_cast<std::uint8_t>(c >> 5));
  values.push_back(0);
  for (const char c : kPrefix) values.push_back(static_cast<std::uint8_t>(c & 31));
  return values;
}

Fives to_fives(ByteView bytes) {
  Fives values;
  std::uint32_t buffer = 0;
  unsigned bits = 0;
  for (const std::uint8_t byte : bytes) {
    buffer = buffer << 8 | byte;
    for (bits += 8; bits >= 5; bits -= 5) {
      values.push_back(static_cast<std::uint8_t>(buffer >> (bits - 5) & 31));
    }
  }
  if (bits > 0) values.push_back(static_cast<std::uint8_t>(buffer << (5 - bits) & 31));
  return values;
}

std::optional<Bytes> from_fives(const Fives& values) {
  Bytes bytes;
  std::uint32_t buffer = 0;
  unsigned bits = 0;
  for (const std::uint8_t value : values) {
    buffer = buffer << 5 | value;
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      bytes.push_back(static_cast<std::uint8_t>(buffer >> bits));
    }
  }
  if (bits >= 5 || (buffer & ((1u << bits) - 1)) != 0) return std::nullopt;
  return bytes;
}

std::optional<std::string> lower_if_one_case(std::string_view text) {
  const auto is_upper = [](unsigned char c) { return std::isupper(c) != 0; };
  const auto is_lower = [](unsigned char c) { return std::islower(c) != 0; };
  if (std::ranges::any_of(text, is_upper) && std::ranges::any_of(text, is_lower)) {
    return std::nullopt;
  }
  std::string lower(text);
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return lower;
}

constexpr std::string_view kConsonants = "bdfghjklmnprstvz";
constexpr std::string_view kVowels = "aiou";
constexpr std::size_t kWordLetters = 5;  // Of a proquint, for two bytes.

}  // namespace

std::string to_address(const IdentityKey& key) {
  Fives values = to_fives(key.view());
  Fives summed = expanded_prefix();
  summed.insert(summed.end(), values.begin(), values.end());
  summed.insert(summed.end(), kChecksumLetters, 0);
  const std::uint32_t sum = checksum(summed) ^ kBech32mConstant;
  for (unsigned i = 0; i < kChecksumLetters; ++i) {
    values.push_back(static_cast<std::uint8_t>(sum >> 5 * (kChecksumLetters - 1 - i) & 31));
  }
  std::string text(kPrefix);
  text += '1';
  for (const std::uint8_t value : values) text += kLetters[value];
  return text;
}

std::optional<IdentityKey> from_address(std::string_view text) {
  const auto lower = lower_if_one_case(text);
  if (!lower || !lower->starts_with("bmsg1")) return std::nullopt;
  Fives values;
  for (const char letter : std::string_view(*lower).substr(kPrefix.size() + 1)) {
    const auto value = kLetters.find(letter);
    if (value == std::string_view::npos) return std::nullopt;
    values.push_back(static_cast<std::uint8_t>(value));
  }
  Fives summed = expanded_prefix();
  summed.insert(summed.end(), values.begin(), values.end());
  if (values.size() < kChecksumLetters || checksum(summed) != kBech32mConstant) return std::nullopt;
  values.resize(values.size() - kChecksumLetters);
  const auto bytes = from_fives(values);
  if (!bytes || bytes->size() != IdentityKey::kSize) return std::nullopt;
  return IdentityKey::from(*bytes);
}

std::string to_proquint(ByteView bytes) {
  check(bytes.size() % 2 == 0, "an odd number of bytes for proquints");
  std::string text;
  // A buffer that grows leaves secrets behind.
  text.reserve(bytes.size() / 2 * (kWordLetters + 1));
  for (std::size_t i = 0; i < bytes.size(); i += 2) {
    const unsigned word = static_cast<unsigned>(bytes[i] << 8 | bytes[i + 1]);
    if (i > 0) text += '-';
    text += kConsonants[word >> 12 & 15];
    text += kVowels[word >> 10 & 3];
    text += kConsonants[word >> 6 & 15];
    text += kVowels[word >> 4 & 3];
    text += kConsonants[word & 15];
  }
  return text;
}

std::optional<Bytes> from_proquint(std::string_view text) {
  if (text.size() % (kWordLetters + 1) != kWordLetters) return std::nullopt;
  Bytes bytes;
  bytes.reserve((text.size() + 1) / (kWordLetters + 1) * 2);
  for (std::size_t at = 0; at < text.size(); at += kWordLetters + 1) {
    if (at > 0 && text[at - 1] != '-') return std::nullopt;
    unsigned word = 0;
    for (std::size_t i = 0; i < kWordLetters; ++i) {
      const std::string_view alphabet = i % 2 == 0 ? kConsonants : kVowels;
      const auto value = alphabet.find(text[at + i]);
      if (value == std::string_view::npos) return std::nullopt;
      word = word << (i % 2 == 0 ? 4 : 2) | static_cast<unsigned>(value);
    }
    bytes.push_back(static_cast<std::uint8_t>(word >> 8));
    bytes.push_back(static_cast<std::uint8_t>(word));
  }
  return bytes;
}

}  // namespace bmsg
