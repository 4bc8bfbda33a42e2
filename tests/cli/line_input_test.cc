#include "cli/line_input.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>
#include <thread>
#include <vector>

#include "lib/core/descriptor.h"

namespace bmsg::cli {
namespace {

constexpr std::size_t kLineBytesMax = 100'000;

class LineInputTest : public testing::Test {
 protected:
  LineInputTest() {
    int ends[2];
    if (::pipe(ends) != 0) ADD_FAILURE() << "no pipe";
    out_ = Descriptor(ends[0]);
    in_ = Descriptor(ends[1]);
  }

  void write(const std::string& text) {
    ASSERT_EQ(::write(in_.number(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  void end() { in_ = Descriptor(); }
  static std::vector<std::string> all(LineInput& input) {
    std::vector<std::string> lines;
    for (std::string line; input.next(line).value();) lines.push_back(line);
    return lines;
  }

  Descriptor out_;
  Descriptor in_;
};

TEST_F(LineInputTest, GivesEachLineWithoutItsEnd) {
  LineInput input(out_.number(), kLineBytesMax);
  write("one\n\ntwo\nlast");
  end();
  EXPECT_EQ(all(input), (std::vector<std::string>{"one", "", "two", "last"}));
  std::string line;
  EXPECT_FALSE(input.next(line).value());
}

TEST_F(LineInputTest, MakesNoLineOfAnEndAtTheEnd) {
  LineInput input(out_.number(), kLineBytesMax);
  write("one\n");
  end();
  EXPECT_EQ(all(input), std::vector<std::string>{"one"});
}

TEST_F(LineInputTest, IsEmptyWhereNothingCame) {
  LineInput input(out_.number(), kLineBytesMax);
  end();
  EXPECT_TRUE(all(input).empty());
}

TEST_F(LineInputTest, HasALineOnlyWhenItIsWhole) {
  LineInput input(out_.number(), kLineBytesMax);
  std::string line;
  EXPECT_FALSE(input.has_line());
  write("half");
  EXPECT_FALSE(input.has_line());
  EXPECT_FALSE(input.has_line());
  write(" and half\nnext");
  EXPECT_TRUE(input.has_line());
  ASSERT_TRUE(input.next(line).value());
  EXPECT_EQ(line, "half and half");
  EXPECT_FALSE(input.has_line());
  end();
  ASSERT_TRUE(input.next(line).value());
  EXPECT_EQ(line, "next");
  EXPECT_FALSE(input.has_line());
}

TEST_F(LineInputTest, TakesLinesOfSeveralPieces) {
  LineInput input(out_.number(), kLineBytesMax);
  const std::string half(50'000, 'x');
  write(half);
  EXPECT_FALSE(input.has_line());
  write(half + "\nshort\n");
  end();
  EXPECT_EQ(all(input), (std::vector<std::string>{half + half, "short"}));
}

TEST_F(LineInputTest, CutsALineThatIsTooLongAndGoesOnBehindIt) {
  const std::string longest(kLineBytesMax, 'x');
  LineInput input(out_.number(), kLineBytesMax);
  std::jthread writer([&] {
    for (const std::string more : {"", "y", "yz"}) write(longest + more + "\n");
    for (int times = 0; times < 5; ++times) write(longest);
    write("\nshort\n");
    write(longest + "end");
    end();
  });
  EXPECT_EQ(all(input), (std::vector<std::string>{longest, longest + "y", longest + "y",
                                                  longest + "x", "short", longest + "e"}));
}

TEST_F(LineInputTest, SaysWhatCannotBeRead) {
  LineInput input(in_.number(), kLineBytesMax);  // The end for writing.
  std::string line;
  EXPECT_FALSE(input.has_line());
  EXPECT_EQ(input.next(line).error().code, Errc::io);
}

}  // namespace
}  // namespace bmsg::cli
