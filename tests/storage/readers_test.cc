// Readers beside a writer that never rests: each answer fits some committed state.

#include <gtest/gtest.h>
#include <rocksdb/env.h>
#include <rocksdb/file_system.h>

#include <atomic>
#include <functional>
#include <thread>

#include "tests/storage/store_dir.h"

namespace bmsg::storage {
namespace {

constexpr int kReads = 300;

/// A store whose writer switches between two branches of ten blocks, back and forth.
class ReadersTest : public ::testing::Test {
 protected:
  ReadersTest() : store_(must(dir_.create())) {
    grow(left_, "left ");
    grow(right_, "right ");
    check(bool(store_->apply(adding(builder_.chain(), left_))), "a test's branch");
    check(bool(store_->apply(adding(builder_.chain(), right_, {}, Connect::no))),
          "a test's other branch");
  }
  ~ReadersTest() override { stop(); }

  void grow(std::vector<Block>& branch, const std::string& name) {
    for (int i = 0; i < 10; ++i) {
      const Header parent = branch.empty() ? builder_.genesis() : branch.back().header;
      branch.push_back(block_of(builder_, parent, name + std::to_string(i) + " ", 1));
    }
  }

  static std::vector<BlockHash> hashes(const std::vector<Block>& branch) {
    std::vector<BlockHash> found;
    for (const Block& block : branch) found.push_back(chain::hash_of(block.header));
    return found;
  }

  /// Switches branches until stop(). What is in the log moves to a table once for each `opened_`:
  /// an open may meet that at any point, but not at every try.
  void start() {
    writer_ = std::thread([this] {
      int moved = 0;
      for (int i = 0; !stopped_; ++i) {
        const auto& from = i % 2 == 0 ? left_ : right_;
        const auto& to = i % 2 == 0 ? right_ : left_;
        node::ChainChange change{.disconnect = hashes(from), .connect = hashes(to)};
        std::ranges::reverse(change.disconnect);
        check(bool(store_->apply(change)), "a test's switch");
        if (const int opened = opened_; opened != moved) {
          check(bool(store_->flush()), "a test's flush");
          moved = opened;
        }
        ++switches_;
      }
    });
  }
  void stop() {
    stopped_ = true;
    if (writer_.joinable()) writer_.join();
  }

  /// What a reader sees is all of one branch.
  void expect_one_branch(const node::ChainReader& reader) {
    const auto headers = must(reader.headers({1}, 100));
    ASSERT_EQ(headers.size(), 10);
    const bool left = headers[0].hash == chain::hash_of(left_[0].header);
    const auto& branch = left ? left_ : right_;
    for (std::size_t i = 0; i < branch.size(); ++i) {
      ASSERT_EQ(headers[i].hash, chain::hash_of(branch[i].header)) << "in the middle of a switch";
    }
  }

  TempDir temp_;
  StoreDir dir_{temp_.path()};
  ChainBuilder builder_;
  std::vector<Block> left_;
  std::vector<Block> right_;
  std::unique_ptr<RocksStore> store_;
  std::atomic<bool> stopped_ = false;
  std::atomic<int> switches_ = 0;
  std::atomic<int> opened_ = 0;
  std::thread writer_;
};

TEST_F(ReadersTest, InTheSameProgramSeeWholeChanges) {
  start();
  for (int i = 0; i < kReads || switches_ < 20; ++i) {
    ASSERT_NO_FATAL_FAILURE(expect_one_branch(*store_));
    ++opened_;
    const Block& block = left_[static_cast<std::size_t>(i) % left_.size()];
    const BlockHash hash = chain::hash_of(block.header);
    ASSERT_EQ(must(store_->block(hash, Bodies::with)), block);
    const auto places = must(store_->places_of(chain::ids_of(block)[0]));
    ASSERT_EQ(places.size(), 1);
    ASSERT_EQ(must(store_->message_at(places[0])), block.messages[0]);
    ASSERT_EQ(must(store_->tips()).size(), 2);
  }
}

TEST_F(ReadersTest, ThatOpenAnewSeeWholeChanges) {
  OpenOptions options = dir_.options();
  options.witness.reset();  // No honest writer goes back to a branch that lost.
  start();
  for (int i = 0; i < kReads || switches_ < 20; ++i) {
    ++opened_;
    const auto reader = RocksStore::open_read_only(dir_.chain(), options);
    ASSERT_TRUE(reader) << reader.error().message;
    ASSERT_NO_FATAL_FAILURE(expect_one_branch(*reader.value()));
  }
}

TEST_F(ReadersTest, ThatOpenAnewSeeWhatWasAcknowledgedBefore) {
  Header parent = left_.back().header;
  Work work = must(store_->tip()).work;
  for (int i = 0; i < 100; ++i) {
    const Block block = block_of(builder_, parent, "more " + std::to_string(i) + " ", 1);
    const auto change = adding(builder_.chain(), {block}, work);
    ASSERT_TRUE(store_->apply(change));
    ASSERT_TRUE(i % 5 != 0 || store_->flush());
    ASSERT_EQ(must(must(dir_.read())->tip()).hash, change.added[0].hash);
    parent = block.header;
    work = change.added[0].total_work;
  }
}

/// A file system on which something happens just before a directory is listed for the n-th time.
class BusyFileSystem final : public rocksdb::FileSystemWrapper {
 public:
  BusyFileSystem(int listing, std::function<void()> event)
      : FileSystemWrapper(rocksdb::FileSystem::Default()), left_(listing), event_(event) {}
  const char* Name() const override { return "BusyFileSystem"; }

  rocksdb::IOStatus GetChildren(const std::string& directory, const rocksdb::IOOptions& options,
                                std::vector<std::string>* names,
                                rocksdb::IODebugContext* debug) override {
    if (--left_ == 0) event_();
    return target()->GetChildren(directory, options, names, debug);
  }
  bool happened() const { return left_ <= 0; }

 private:
  int left_;
  std::function<void()> event_;
};

TEST_F(ReadersTest, MissNothingWhenALogBecomesATableWhileTheyOpen) {
  Header parent = left_.back().header;
  Work work = must(store_->tip()).work;
  int happened = 0;
  for (int listing = 1; listing <= 10; ++listing) {
    const Block block = block_of(builder_, parent, "more " + std::to_string(listing) + " ", 1);
    const auto change = adding(builder_.chain(), {block}, work);
    ASSERT_TRUE(store_->apply(change));
    const auto files = std::make_shared<BusyFileSystem>(
        listing, [this] { check(bool(store_->flush()), "a test's flush"); });
    const auto env = rocksdb::NewCompositeEnv(files);
    OpenOptions options = dir_.options();
    options.env = env.get();
    const auto reader = must(RocksStore::open_read_only(dir_.chain(), options));
    EXPECT_EQ(must(reader->tip()).hash, change.added[0].hash) << "listing " << listing;
    if (files->happened()) ++happened;
    parent = block.header;
    work = change.added[0].total_work;
  }
  EXPECT_GE(happened, 2);
}

}  // namespace
}  // namespace bmsg::storage
