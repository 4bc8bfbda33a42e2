#include "lib/net/await_input.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>

#include "lib/core/descriptor.h"

namespace bmsg::net {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

class AwaitInput : public testing::Test {
 protected:
  AwaitInput() {
    std::array<int, 2> ends{};
    EXPECT_EQ(::pipe(ends.data()), 0);
    out = Descriptor(ends[0]);
    in = Descriptor(ends[1]);
  }
  Descriptor out;
  Descriptor in;
};

TEST_F(AwaitInput, ReturnsAtOnceForWhatCanBeReadOrIsClosed) {
  ASSERT_EQ(::write(in.number(), "x", 1), 1);
  await_input(std::array{-1, out.number()});  // Without limit: a failure hangs.
  char byte = 0;
  ASSERT_EQ(::read(out.number(), &byte, 1), 1);
  in = Descriptor();
  await_input(std::array{out.number()});
  EXPECT_EQ(::read(out.number(), &byte, 1), 0);
}

TEST_F(AwaitInput, WaitsAsLongAsIsAsked) {
  const auto began = steady_clock::now();
  await_input(std::array{out.number()}, milliseconds(30));
  EXPECT_GE(steady_clock::now() - began, milliseconds(29));
  await_input(std::array{out.number()}, milliseconds(0));
}

}  // namespace
}  // namespace bmsg::net
