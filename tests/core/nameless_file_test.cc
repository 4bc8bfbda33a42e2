#include "lib/core/nameless_file.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "tests/support/temp_dir.h"

namespace bmsg {
namespace {

TEST(NamelessFile, HoldsWhatIsWrittenAndShowsNoName) {
  const TempDir dir;
  const auto file = nameless_file(dir.path());
  ASSERT_TRUE(file) << file.error().message;
  ASSERT_TRUE(write_at(file.value(), to_bytes("there"), 6));
  ASSERT_TRUE(write_at(file.value(), to_bytes("hello "), 0));
  std::string read(12, '\0');
  EXPECT_EQ(::pread(file.value().number(), read.data(), read.size(), 0), 11);
  EXPECT_EQ(read.substr(0, 11), "hello there");
  EXPECT_TRUE(std::filesystem::is_empty(dir.path()));
}

TEST(NamelessFile, IsNotMadeWhereNoDirectoryIs) {
  const TempDir dir;
  const auto file = nameless_file(dir.path() / "none");
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().code, Errc::io);
  EXPECT_NE(file.error().message.find("none"), std::string::npos);
}

TEST(NamelessFile, TellsWhatCannotBeWritten) {
  const auto wrote = write_at(Descriptor(), to_bytes("x"), 0);
  ASSERT_FALSE(wrote);
  EXPECT_EQ(wrote.error().code, Errc::io);
  EXPECT_TRUE(write_at(Descriptor(), {}, 0));
}

}  // namespace
}  // namespace bmsg
