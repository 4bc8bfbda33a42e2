// Thousands of commands open the same store, each for one change.

#include <gtest/gtest.h>

#include <filesystem>
#include <map>

#include "tests/storage/store_dir.h"

namespace bmsg::storage {
namespace {

struct Files {
  std::map<std::string, int> count;  // By kind: "sst", "log", else the name up to its number.
  std::uintmax_t log_bytes = 0;
};

Files files_in(const std::filesystem::path& directory) {
  Files files;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    const std::string extension = entry.path().extension().string();
    if (extension == ".log") files.log_bytes += entry.file_size();
    const std::string name = entry.path().filename().string();
    ++files.count[extension.empty() ? name.substr(0, name.find('-')) : extension.substr(1)];
  }
  return files;
}

TEST(ManyProcesses, LeaveFewFiles) {
  const TempDir temp;
  StoreDir dir(temp.path());
  ChainBuilder builder;
  ASSERT_TRUE(dir.create());
  Header parent = builder.genesis();
  Work work;
  for (int process = 0; process < 300; ++process) {
    const Block block = block_of(builder, parent, std::to_string(process) + " ", 1);
    const auto store = must(dir.open());
    const auto change = adding(builder.chain(), {block}, work);
    ASSERT_TRUE(store->apply(change));
    parent = block.header;
    work = change.added[0].total_work;
  }
  Files files = files_in(dir.chain());
  // Without merging they would be hundreds; how far it has come at this moment is chance.
  EXPECT_LT(files.count["sst"], 60);
  EXPECT_EQ(files.count["log"], 1);
  EXPECT_EQ(files.count["MANIFEST"], 1);
  EXPECT_EQ(files.count["OPTIONS"], 0);
  EXPECT_EQ(files.count["LOG"], 0);
  EXPECT_LT(files.log_bytes, 65536);
  EXPECT_EQ(must(must(dir.read())->tip()).height.value, 300);
}

}  // namespace
}  // namespace bmsg::storage
