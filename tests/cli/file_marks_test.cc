// Marks of files: another one after each change, the same where nothing changed.

#include "cli/file_marks.h"

#include <gtest/gtest.h>

#include <fstream>

#include "tests/support/temp_dir.h"

namespace bmsg::cli {
namespace {

class Marks : public ::testing::Test {
 protected:
  static void write(const std::filesystem::path& file, const char* text) {
    std::ofstream(file, std::ios::app) << text;
  }
  FileMarks of_file() const {
    FileMarks marks;
    marks.add(file);
    return marks;
  }
  FileMarks of_all() const {
    FileMarks marks;
    marks.add_all(disk, dir.path());
    return marks;
  }

  TempDir dir;
  SystemDisk disk;
  std::filesystem::path file = dir.path() / "one";
};

TEST_F(Marks, StayWhereNothingChanges) {
  write(file, "x");
  EXPECT_EQ(of_file(), of_file());
  EXPECT_EQ(of_all(), of_all());
}

TEST_F(Marks, TellThatAFileCameGrewAndWent) {
  const auto absent = of_file();
  write(file, "x");
  const auto there = of_file();
  EXPECT_NE(there, absent);
  write(file, "y");
  EXPECT_NE(of_file(), there);
  std::filesystem::remove(file);
  EXPECT_EQ(of_file(), absent);
}

TEST_F(Marks, TellThatAFileTookThePlaceOfAnother) {
  write(file, "x");
  write(dir.path() / "two", "y");
  const auto before = of_file();
  std::filesystem::rename(dir.path() / "two", file);
  EXPECT_NE(of_file(), before);
}

TEST_F(Marks, OfADirectoryHaveEachOfItsFiles) {
  write(file, "x");
  const auto one = of_all();
  write(dir.path() / "two", "y");
  const auto two = of_all();
  EXPECT_NE(one, two);
  write(dir.path() / "two", "z");
  EXPECT_NE(of_all(), two);
}

TEST_F(Marks, OfNoDirectoryAreNone) {
  FileMarks marks;
  marks.add_all(disk, dir.path() / "nowhere");
  EXPECT_EQ(marks, FileMarks());
}

}  // namespace
}  // namespace bmsg::cli
