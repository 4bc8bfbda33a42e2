#include "lib/mail/phrases.h"

#include <gtest/gtest.h>

#include "lib/mail/text.h"

namespace bmsg::mail {
namespace {

bool found(const std::vector<std::string>& phrases, std::initializer_list<std::string_view> texts) {
  const auto made = Phrases::make(phrases);
  EXPECT_TRUE(made);
  return made && made.value().occur_in(texts);
}

TEST(Phrases, OccurInAnyOfTheTexts) {
  EXPECT_TRUE(found({"lunch"}, {"Re: lunch", "at noon"}));
  EXPECT_TRUE(found({"noon"}, {"Re: lunch", "at noon"}));
  EXPECT_TRUE(found({"noon", "lunch"}, {"Re: lunch", "at noon"}));
  EXPECT_FALSE(found({"noon", "dinner"}, {"Re: lunch", "at noon"}));
  EXPECT_FALSE(found({"lunch at"}, {"Re: lunch", "at noon"}));
}

TEST(Phrases, TakeCaseAndFormForTheSame) {
  EXPECT_TRUE(found({"INVOICE"}, {"the Invoice"}));
  EXPECT_TRUE(found({"zo\u00eb"}, {"ZOE\u0308"}));
  EXPECT_TRUE(found({"zoe\u0308"}, {"Zo\u00cb"}));
  EXPECT_TRUE(found({"strasse"}, {"Stra\u00dfe"}));
  EXPECT_TRUE(found({"\u03bf\u03b4\u03bf\u03c3"}, {"\u039f\u0394\u039f\u03a3"}));
  EXPECT_FALSE(found({"zoe"}, {"Zo\u00eb"}));
}

TEST(Phrases, TakeLineEndsForSpaces) {
  EXPECT_TRUE(found({"at noon"}, {"lunch at\r\n\t noon?"}));
  EXPECT_TRUE(found({"at  noon"}, {"lunch at noon?"}));
  EXPECT_FALSE(found({"at noon"}, {"lunch atnoon?"}));
}

TEST(Phrases, AreNotHiddenByWhatCannotBeSeen) {
  EXPECT_TRUE(found({"invoice"}, {"in\u00advo\u200bice"}));
  EXPECT_TRUE(found({"in\u00advoice"}, {"invoice"}));
}

TEST(Phrases, AreFoundInTextThatIsNotUtf8) {
  EXPECT_TRUE(found({"invoice"}, {"\xff\xfe INVOICE \x80"}));
  EXPECT_FALSE(found({"invoice"}, {"\xff\xfe"}));
}

TEST(Phrases, AreRefusedIfBlankOrNoText) {
  for (const std::vector<std::string>& bad :
       std::vector<std::vector<std::string>>{{}, {""}, {"good", " \t\n"}, {"\xff"}, {"\u200b"}}) {
    const auto made = Phrases::make(bad);
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().code, Errc::bad_usage);
  }
}

TEST(Folded, LeavesFoldedTextAsItIs) {
  for (const char* text : {"a b", "stra\u00dfe", "ZOE\u0308", " x\n\n", "\xff A"}) {
    const std::string once = folded(text);
    EXPECT_EQ(folded(once), once) << text;
  }
}

}  // namespace
}  // namespace bmsg::mail
