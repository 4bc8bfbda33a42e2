// What the page sends of mail: each object starts as a valid one, and then one thing is wrong.

#include "lib/api/web_mail_input.h"

#include <gtest/gtest.h>

#include "lib/core/base64.h"

namespace bmsg::api {
namespace {

TEST(WebLetter, IsALineWithFilesAndAChoice) {
  const auto letter = parse_web_letter(
      R"({"to":["ana"],"body":"hello","subject":"s","expires":"1d","sign":false,"files":["aa"]})");
  ASSERT_TRUE(letter);
  EXPECT_EQ(letter.value().line.to, std::vector<std::string>{"ana"});
  EXPECT_EQ(letter.value().line.body, "hello");
  EXPECT_EQ(letter.value().line.expires, "1d");
  EXPECT_FALSE(letter.value().sign);
  EXPECT_EQ(letter.value().files, std::vector<std::string>{"aa"});
  EXPECT_TRUE(parse_web_letter(R"({"body":"x"})").value().sign);
}

TEST(WebLetter, RefusesPathsAndWhatIsNotKnown) {
  for (const char* bad :
       {R"({"body":"x","attachments":["/etc/passwd"]})", R"({"body":"x","more":1})",
        R"({"body":"x","sign":"no"})", R"({"body":"x","files":"aa"})",
        R"({"body":"x","files":[1]})", "[]", "", R"({"body":1})"}) {
    const auto letter = parse_web_letter(bad);
    ASSERT_FALSE(letter) << bad;
    EXPECT_EQ(letter.error().code, Errc::bad_input) << bad;
  }
}

TEST(WebMark, NamesMessagesAndChanges) {
  const auto mark = parse_web_mark(R"({"ids":["aa","bb"],"changes":["+archived"]})");
  ASSERT_TRUE(mark);
  EXPECT_EQ(mark.value().ids.size(), 2u);
  EXPECT_EQ(mark.value().changes, std::vector<std::string>{"+archived"});
  for (const char* bad : {R"({"ids":[],"changes":["+archived"]})", R"({"ids":["aa"]})",
                          R"({"ids":"aa","changes":["+archived"]})",
                          R"({"ids":["aa"],"changes":["+archived"],"more":1})"})
    EXPECT_FALSE(parse_web_mark(bad)) << bad;
}

TEST(WebMark, TakesAThousandAndNoMore) {
  const auto with = [](std::size_t count) {
    std::string ids = R"("aa")";
    for (std::size_t i = 1; i < count; ++i) ids += R"(,"aa")";
    return parse_web_mark(R"({"ids":[)" + ids + R"(],"changes":["-unread"]})");
  };
  EXPECT_TRUE(with(1000));
  EXPECT_FALSE(with(1001));
}

TEST(WebRoom, HasVerbAndName) {
  const auto room =
      parse_web_room(R"({"verb":"invite","name":"pub","members":["ana"],"history":"all"})");
  ASSERT_TRUE(room);
  EXPECT_EQ(room.value().verb, "invite");
  EXPECT_EQ(room.value().name, "pub");
  EXPECT_EQ(room.value().history, "all");
  EXPECT_FALSE(parse_web_room(R"({"name":"pub"})"));
  EXPECT_FALSE(parse_web_room(R"({"verb":"leave"})"));
  EXPECT_FALSE(parse_web_room(R"({"verb":"leave","name":"pub","yes":true})"));
}

TEST(WebFile, HasNameAndSize) {
  EXPECT_EQ(parse_web_file(R"({"name":"a","size":7})").value().size, 7u);
  for (const char* bad : {R"({"name":"a"})", R"({"size":7})", R"({"name":"a","size":-1})",
                          R"({"name":"a","size":"7"})", R"({"name":"a","size":7.5})"})
    EXPECT_FALSE(parse_web_file(bad)) << bad;
}

TEST(WebPiece, IsBase64AtAPlace) {
  const auto piece =
      parse_web_piece(R"({"file":"aa","at":3,"data":")" + to_base64(to_bytes("hey")) + R"("})");
  ASSERT_TRUE(piece);
  EXPECT_EQ(piece.value().at, 3u);
  EXPECT_EQ(to_string(piece.value().data), "hey");
  for (const char* bad : {R"({"file":"aa","at":3,"data":"!"})", R"({"file":"aa","data":""})",
                          R"({"at":3,"data":""})"})
    EXPECT_FALSE(parse_web_piece(bad)) << bad;
}

TEST(WebFileChoice, IsAMessageAndANumber) {
  EXPECT_EQ(parse_web_file_choice(R"({"id":"aa","number":2})").value().number, 2u);
  EXPECT_FALSE(parse_web_file_choice(R"({"id":"aa"})"));
  EXPECT_FALSE(parse_web_file_choice(R"({"id":"aa","number":-1})"));
}

TEST(SearchPhrases, AreWordsAndWhatIsQuoted) {
  using Phrases = std::vector<std::string>;
  EXPECT_EQ(search_phrases("  one two\tthree "), (Phrases{"one", "two", "three"}));
  EXPECT_EQ(search_phrases(R"(say "two words" now)"), (Phrases{"say", "two words", "now"}));
  EXPECT_EQ(search_phrases(R"("open end)"), Phrases{"open end"});
  EXPECT_EQ(search_phrases(R"("" " ")"), Phrases{});
  EXPECT_EQ(search_phrases(""), Phrases{});
}

TEST(SavedAs, SaysNothingButTheName) {
  EXPECT_EQ(saved_as("report.pdf"),
            R"(attachment; filename="report.pdf"; filename*=UTF-8''report.pdf)");
  EXPECT_EQ(saved_as("ä b.txt"),
            R"(attachment; filename="__ b.txt"; filename*=UTF-8''%C3%A4%20b.txt)");
  EXPECT_EQ(saved_as("a\"b\\c%d\r\ne"),
            R"(attachment; filename="a_b_c_d__e"; filename*=UTF-8''a%22b%5Cc%25d%0D%0Ae)");
}

}  // namespace
}  // namespace bmsg::api
