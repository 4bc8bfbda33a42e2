// The object `comparison`: its members, in their order.

#include "lib/api/comparison_json.h"

#include <gtest/gtest.h>

namespace bmsg::api {
namespace {

TEST(ComparisonJson, HasItsMembersInTheirOrder) {
  EXPECT_EQ(comparison_json({.with = "unix:/a\"b",
                             .relation = "apart",
                             .common = Height{7},
                             .height = Height{9},
                             .their_height = Height{4294967295},
                             .settled = true}),
            R"({"v":1,"type":"comparison","with":"unix:/a\"b","relation":"apart","common":7,)"
            R"("height":9,"their_height":4294967295,"settled":true})");
}

}  // namespace
}  // namespace bmsg::api
