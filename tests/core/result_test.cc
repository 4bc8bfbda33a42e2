// Result and its macros: a value, or the error on its way up.

#include "lib/core/result.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "lib/core/try.h"

namespace bmsg {
namespace {

const Error kError{Errc::io, "disk on fire"};

Result<int> half(int number) {
  if (number % 2 != 0) return kError;
  return number / 2;
}

Result<int> quarter(int number) {
  BMSG_TRY(half(number));
  BMSG_TRY_ASSIGN(const int once, half(number));
  BMSG_TRY_ASSIGN(const int twice, half(once));
  return twice;
}

TEST(Result, HoldsAValueOrAnError) {
  EXPECT_EQ(half(4).value(), 2);
  ASSERT_FALSE(half(3));
  EXPECT_EQ(half(3).error().code, Errc::io);
}

TEST(Result, PassesTheFirstErrorUp) {
  EXPECT_EQ(quarter(8).value(), 2);
  EXPECT_EQ(quarter(3).error().message, "disk on fire");
  EXPECT_EQ(quarter(6).error().message, "disk on fire");
}

TEST(Result, CarriesWhatOnlyMoves) {
  Result<std::unique_ptr<int>> result = std::make_unique<int>(7);
  EXPECT_EQ(*std::move(result).value(), 7);
}

TEST(Result, HasNoValueToReadWhereItFailed) {
  EXPECT_DEATH((void)half(3).value(), "took the value of a failed Result");
  const Result<int> failed = half(3);
  EXPECT_DEATH((void)failed.value(), "read the value of a failed Result");
  const Result<int> good = half(4);
  EXPECT_DEATH((void)good.error(), "error of a successful Result");
}

TEST(Error, TakesContextInFront) {
  const Error error = in_context("cannot read block 7", kError);
  EXPECT_EQ(error.message, "cannot read block 7: disk on fire");
  EXPECT_EQ(error.code, Errc::io);
}

}  // namespace
}  // namespace bmsg
