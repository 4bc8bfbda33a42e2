#include "lib/mail/internet_mail.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "tests/support/seed.h"

namespace bmsg::mail {
namespace {

InternetMail plain_mail() {
  InternetMail mail;
  mail.id = MessageId(std::array<std::uint8_t, 64>{1});
  mail.time = UnixSeconds{1700000000};
  mail.from = {"Ben", "bmsg1ben"};
  mail.to = {{"Ana", "bmsg1ana"}};
  mail.subject = "Lunch";
  mail.body = to_bytes("At noon?\n");
  mail.signature = "good";
  mail.trust = "known";
  return mail;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    lines.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return lines;
}

std::string body_of(const std::string& text) { return text.substr(text.find("\n\n") + 2); }

TEST(InternetMail, WritesPlainWordsAsTheyAre) {
  const std::string text = to_internet_mail(plain_mail());
  EXPECT_NE(text.find("From: \"Ben\" <bmsg1ben@bmsg.invalid>\n"), std::string::npos) << text;
  EXPECT_NE(text.find("To: \"Ana\" <bmsg1ana@bmsg.invalid>\n"), std::string::npos) << text;
  EXPECT_NE(text.find("Date: Tue, 14 Nov 2023 22:13:20 +0000\n"), std::string::npos) << text;
  EXPECT_NE(text.find("Subject: Lunch\n"), std::string::npos) << text;
  EXPECT_EQ(body_of(text), "At noon?\n");
}

TEST(InternetMail, BeginsAnEntryOfAnMboxOnce) {
  InternetMail mail = plain_mail();
  mail.subject = "x\n\nFrom me Tue Nov 14 22:13:20 2023";
  mail.body = to_bytes("From here\n>From there\n>>From far\nFrom\n" + std::string(70, 'a') +
                       " bcFrom me, cut\n");
  const std::string text = to_mbox_entry(mail);
  EXPECT_TRUE(text.starts_with("From bmsg1ben@bmsg.invalid Tue Nov 14 22:13:20 2023\n")) << text;
  EXPECT_TRUE(text.ends_with("\n\n")) << text;
  const auto lines = lines_of(text);
  for (std::size_t i = 1; i < lines.size(); ++i) {
    std::string line = lines[i];
    line.erase(0,
               line.find_first_not_of('>') == std::string::npos ? 0 : line.find_first_not_of('>'));
    EXPECT_FALSE(line.starts_with("From ")) << lines[i];
  }
}

TEST(InternetMail, NamesTheFilesThatCame) {
  InternetMail mail = plain_mail();
  EXPECT_EQ(to_internet_mail(mail).find("X-Bmsg-Attachment"), std::string::npos);
  mail.files = {{"a log.txt", 100'000}, {"x\nFrom: Eve", 0}};
  const std::string text = to_internet_mail(mail);
  EXPECT_NE(text.find("X-Bmsg-Attachment: 100000\n a log.txt\n"), std::string::npos) << text;
  EXPECT_NE(text.find("X-Bmsg-Attachment: 0\n =?UTF-8?B?"), std::string::npos) << text;
  EXPECT_EQ(text.find("\nFrom: Eve"), std::string::npos) << text;
  EXPECT_EQ(body_of(text), "At noon?\n");
}

TEST(InternetMail, NeverLetsAHeaderEndEarly) {
  for (const std::string& hostile :
       {std::string("a\nBcc: eve@example.org"), std::string("a\r\n\r\nbody"),
        std::string("\x1b[2J"), std::string("a\0b", 3), std::string("=?UTF-8?B?QQ==?="),
        std::string(5000, 'x')}) {
    InternetMail mail = plain_mail();
    mail.subject = hostile;
    mail.from.name = hostile;
    mail.to[0].name = hostile;
    mail.media_type = hostile;
    const std::string text = to_internet_mail(mail);
    const std::string head = text.substr(0, text.find("\n\n"));
    EXPECT_EQ(head.find("\nBcc"), std::string::npos);
    EXPECT_NE(head.find("application/octet-stream"), std::string::npos);
    for (const std::string& line : lines_of(head)) {
      EXPECT_LE(line.size(), 200u);
      EXPECT_TRUE(std::ranges::all_of(line, [](char c) { return c >= ' ' && c <= '~'; })) << line;
    }
  }
}

TEST(InternetMail, EscapesAQuoteInAName) {
  InternetMail mail = plain_mail();
  mail.from.name = R"(Ben" <eve@example.org>, "\)";
  const std::string text = to_internet_mail(mail);
  EXPECT_NE(text.find(R"(From: "Ben\" <eve@example.org>, \"\\" <bmsg1ben@bmsg.invalid>)"),
            std::string::npos)
      << text;
}

TEST(InternetMail, CutsNoCharacterInTwo) {
  InternetMail mail = plain_mail();
  for (int i = 0; i < 100; ++i) mail.subject += "€";
  const std::string text = to_internet_mail(mail);
  // 42 bytes are 14 characters; a word of less or more would cut one.
  EXPECT_NE(text.find("=?UTF-8?B?4oKs4oKs4oKs4oKs4oKs4oKs4oKs4oKs4oKs4oKs4oKs4oKs4oKs4oKs?="),
            std::string::npos)
      << text;
}

TEST(InternetMail, PutsOtherTypesAndBytesIntoBase64) {
  InternetMail mail = plain_mail();
  mail.body = Bytes{0xff, 0xfe, 0x00};
  EXPECT_EQ(body_of(to_internet_mail(mail)), "//4A\n");
  mail.media_type = "image/png";
  EXPECT_NE(to_internet_mail(mail).find("Content-Type: image/png\n"), std::string::npos);
}

/// As a mail program reads it.
std::string undo_quoted_printable(const std::string& text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '=') {
      out += text[i];
    } else if (text[i + 1] == '\n') {
      ++i;
    } else {
      out += static_cast<char>(std::stoi(text.substr(i + 1, 2), nullptr, 16));
      i += 2;
    }
  }
  return out;
}

TEST(InternetMail, GivesAnyTextBack) {
  std::mt19937_64 random = seeded_numbers();
  const std::vector<std::string> pieces = {
      "From ", ">", "\n", "=", " ", "\r", "\t", "é", "a", ".", std::string(40, 'w')};
  for (int round = 0; round < 2000; ++round) {
    InternetMail mail = plain_mail();
    std::string body;
    for (std::size_t i = random() % 30; i > 0; --i) body += pieces[random() % pieces.size()];
    mail.body = to_bytes(body);
    const std::string coded = body_of(to_internet_mail(mail));
    if (!body.empty() && !body.ends_with('\n')) body += '\n';
    EXPECT_EQ(undo_quoted_printable(coded), body);
    for (const std::string& line : lines_of(coded)) {
      EXPECT_LE(line.size(), 76u);
      EXPECT_FALSE(line.ends_with(' ')) << line;
    }
  }
}

}  // namespace
}  // namespace bmsg::mail
