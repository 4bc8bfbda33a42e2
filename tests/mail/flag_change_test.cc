#include "lib/mail/flag_change.h"

#include <gtest/gtest.h>

#include <initializer_list>
#include <string>

namespace bmsg::mail {
namespace {

FlagChange change_of(std::initializer_list<const char*> words) {
  FlagChange change;
  for (const char* word : words) EXPECT_TRUE(change.add(word)) << word;
  return change;
}

TEST(FlagChange, SetsAndTakesAwayAndLeavesTheRest) {
  const FlagChange change = change_of({"+flagged", "-unread"});
  EXPECT_EQ(change.applied_to({"unread", "archived"}), (Flags{"archived", "flagged"}));
  EXPECT_EQ(change.applied_to({"flagged"}), Flags{"flagged"});
  EXPECT_EQ(change.applied_to({}), Flags{"flagged"});
  EXPECT_EQ(FlagChange::without("unread").applied_to({"unread", "flagged"}), Flags{"flagged"});
}

TEST(FlagChange, IsEmptyUntilAWordIsAdded) {
  EXPECT_TRUE(FlagChange().empty());
  EXPECT_FALSE(change_of({"-archived"}).empty());
}

TEST(FlagChange, MayBeSaidTwice) {
  EXPECT_EQ(change_of({"+flagged", "+flagged"}).applied_to({}), Flags{"flagged"});
}

TEST(FlagChange, RefusesWhatIsNoFlag) {
  for (const char* word :
       {"", "+", "-", "flagged", "+flag", "+Flagged", "--unread", "+un\x1bread"}) {
    FlagChange change;
    const auto added = change.add(word);
    ASSERT_FALSE(added) << word;
    EXPECT_EQ(added.error().code, Errc::bad_usage);
    EXPECT_TRUE(change.empty());
  }
}

TEST(FlagChange, RefusesToSetAndTakeAwayTheSame) {
  FlagChange change = change_of({"+unread"});
  const auto added = change.add("-unread");
  ASSERT_FALSE(added);
  EXPECT_EQ(added.error().code, Errc::bad_usage);
}

}  // namespace
}  // namespace bmsg::mail
