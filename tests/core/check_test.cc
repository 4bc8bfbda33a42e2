// check(): a bug ends the program and says where.

#include "lib/core/check.h"

#include <gtest/gtest.h>

namespace bmsg {
namespace {

TEST(Check, LetsWhatHoldsPass) { check(true, "never said"); }

TEST(Check, EndsTheProgramAndSaysWhatAndWhere) {
  EXPECT_DEATH(check(false, "broken thing"), "bmsg: bug: broken thing .*check_test.cc:");
}

}  // namespace
}  // namespace bmsg
