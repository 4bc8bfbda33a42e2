#include "lib/crypto/secret_bytes.h"

#include <type_traits>
#include <utility>

#include <gtest/gtest.h>

#include "tests/crypto/hex_bytes.h"

namespace bmsg::crypto {
namespace {

static_assert(!std::is_copy_constructible_v<SecretBytes>);
static_assert(!std::is_copy_assignable_v<SecretBytes>);

TEST(SecretBytes, BeginsAsZeros) { EXPECT_EQ(hex(SecretBytes(3)), "000000"); }

TEST(SecretBytes, LeavesNothingBehindWhenMoved) {
  SecretBytes first = secret("0102");
  SecretBytes second = std::move(first);
  EXPECT_EQ(hex(second), "0102");
  EXPECT_EQ(first.size(), 0u);  // NOLINT(bugprone-use-after-move): what is asked is what is left.

  SecretBytes third = secret("ff");
  third = std::move(second);
  EXPECT_EQ(hex(third), "0102");
  EXPECT_EQ(second.size(), 0u);  // NOLINT(bugprone-use-after-move): as above.
}

TEST(SecretBytes, SurvivesBeingMovedToItself) {
  SecretBytes bytes = secret("0102");
  SecretBytes& same = bytes;
  bytes = std::move(same);
  EXPECT_EQ(hex(bytes), "0102");
}

TEST(SecretBytes, ClonesIntoBytesOfItsOwn) {
  SecretBytes first = secret("0102");
  const SecretBytes second = first.clone();
  first.writable()[0] = 9;
  EXPECT_EQ(hex(second), "0102");
}

TEST(SecretBytes, WipesAllBytes) {
  Bytes bytes(37, 0xaa);
  wipe(bytes);
  EXPECT_EQ(bytes, Bytes(37, 0));
  wipe({});
}

TEST(SecretBytes, ComparesEveryByteAndTheLength) {
  const Bytes bytes = unhex("00112233445566778899");
  EXPECT_TRUE(equal_in_constant_time(bytes, bytes));
  EXPECT_TRUE(equal_in_constant_time({}, {}));
  EXPECT_FALSE(equal_in_constant_time(bytes, ByteView(bytes).first(9)));
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    Bytes other = bytes;
    other[i] ^= 1;
    EXPECT_FALSE(equal_in_constant_time(bytes, other)) << i;
  }
}

}  // namespace
}  // namespace bmsg::crypto
