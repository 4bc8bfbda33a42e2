#include "lib/core/address.h"
#include "lib/core/base64.h"
#include "lib/core/codec.h"
#include "lib/core/hex.h"
#include "lib/core/tar.h"
#include "tests/fuzz/target.h"

namespace bmsg::fuzz {
namespace {

bool header(ByteView bytes) {
  return one_encoding(bytes, decode_header, [](const Header& value) { return encode(value); });
}

bool sealed_header(ByteView bytes) {
  return one_encoding(bytes, decode_sealed_header,
                      [](const SealedHeader& value) { return encode(value); });
}

bool message_head(ByteView bytes) {
  return one_encoding(bytes, decode_head, [](const MessageHead& value) { return encode(value); });
}

bool message(ByteView bytes) {
  return one_encoding(bytes, decode_message, [](const Message& value) { return encode(value); });
}

bool block(ByteView bytes) {
  return one_encoding(bytes, decode_block, [](const Block& value) { return encode(value); });
}

bool hex(ByteView bytes) {
  const auto value = from_hex(text_of(bytes));
  if (value) check(to_hex(*value) == text_of(bytes), "one hex for one value");
  return value.has_value();
}

bool base64(ByteView bytes) {
  const auto plain = from_base64(text_of(bytes));
  if (plain) check(to_base64(*plain) == text_of(bytes), "one base64 for one value");
  const auto url = from_base64url(text_of(bytes));
  if (url) check(to_base64url(*url) == text_of(bytes), "one base64url for one value");
  return plain || url;
}

bool address(ByteView bytes) {
  const auto key = from_address(text_of(bytes));
  if (key) check(from_address(to_address(*key)) == key, "an address is read as it was written");
  return key.has_value();
}

bool proquint(ByteView bytes) {
  const auto value = from_proquint(text_of(bytes));
  if (value) check(from_proquint(to_proquint(*value)) == value, "words are read as written");
  return value.has_value();
}

bool tar_block(ByteView bytes) {
  if (bytes.size() != kTarBlockBytes) return false;  // Its readers take whole blocks.
  const auto block = decode_tar_block(bytes);
  if (!block || block.value().type != TarBlock::Type::file) return static_cast<bool>(block);
  const Bytes again = tar_header(block.value().entry, 0);
  const auto read = decode_tar_block(ByteView(again).last(kTarBlockBytes));
  check(read && read.value().type == TarBlock::Type::file, "our own header is read");
  check(read.value().entry.size == block.value().entry.size, "with its size");
  return true;
}

bool tar_path(ByteView bytes) {
  const auto path = decode_extended_path(text_of(bytes));
  if (path) check(path.value().size() <= kTarPathBytesMax, "a path is bounded");
  return static_cast<bool>(path);
}

constexpr Target kTargets[] = {
    {"header", header},
    {"sealed_header", sealed_header},
    {"message_head", message_head},
    {"message", message},
    {"block", block},
    {"hex", hex},
    {"base64", base64},
    {"address", address},
    {"proquint", proquint},
    {"tar_block", tar_block},
    {"tar_path", tar_path},
};

}  // namespace

std::span<const Target> core_targets() { return kTargets; }

}  // namespace bmsg::fuzz
