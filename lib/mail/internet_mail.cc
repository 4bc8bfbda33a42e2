#include "lib/mail/internet_mail.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>

#include "lib/core/base64.h"
#include "lib/core/hex.h"
#include "lib/mail/text.h"

namespace bmsg::mail {
namespace {

constexpr std::string_view kDomain = "bmsg.invalid";  // RFC 2606: nobody's.
constexpr std::size_t kLineColumns = 76;
constexpr std::size_t kWordBytes = 42;  // 56 of base64, and 12 around them.
constexpr std::size_t kPlainBytesMax = 200;
constexpr std::uint64_t kSecondsMax = 253402300799;  // The end of year 9999.

bool is_printable(char c) { return c >= ' ' && c <= '~'; }
bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xc0U) == 0x80U; }

/// "=?UTF-8?B?…?=" words, folded, no character cut in two.
std::string encoded_words(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    std::size_t size = std::min(kWordBytes, text.size());
    while (size > 1 && size < text.size() && is_continuation(text[size])) --size;
    out += (out.empty() ? "" : "\n ") +
           fmt::format("=?UTF-8?B?{}?=", to_base64(as_bytes(text.substr(0, size))));
    text.remove_prefix(size);
  }
  return out;
}

bool is_plain(std::string_view text) {
  return text.size() <= kPlainBytesMax && std::ranges::all_of(text, is_printable) &&
         text.find("=?") == std::string_view::npos;
}

std::string header_text(std::string_view text) {
  return is_plain(text) ? std::string(text) : encoded_words(text);
}

std::string quoted(std::string_view name) {
  std::string out = "\"";
  for (const char c : name) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

std::string party_text(const MailParty& party) {
  const std::string address =
      fmt::format("<{}@{}>", party.address.empty() ? "anonymous" : party.address, kDomain);
  if (party.name.empty()) return address;
  return (is_plain(party.name) ? quoted(party.name) : encoded_words(party.name)) + " " + address;
}

struct Moment {
  std::chrono::year_month_day date;
  std::chrono::hh_mm_ss<std::chrono::seconds> clock;
  std::string_view weekday;
  std::string_view month;
};

Moment moment_of(UnixSeconds time) {
  constexpr std::array<std::string_view, 7> kDays = {"Sun", "Mon", "Tue", "Wed",
                                                     "Thu", "Fri", "Sat"};
  constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::chrono::sys_seconds point{
      std::chrono::seconds(static_cast<std::int64_t>(std::min(time.value, kSecondsMax)))};
  const auto day = std::chrono::floor<std::chrono::days>(point);
  const std::chrono::year_month_day date(day);
  return {date, std::chrono::hh_mm_ss(point - day), kDays[std::chrono::weekday(day).c_encoding()],
          kMonths[unsigned(date.month()) - 1]};
}

std::string date_text(UnixSeconds time) {
  const Moment at = moment_of(time);
  return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} +0000", at.weekday,
                     unsigned(at.date.day()), at.month, int(at.date.year()),
                     at.clock.hours().count(), at.clock.minutes().count(),
                     at.clock.seconds().count());
}

/// type/subtype of RFC 2045 without parameters; anything else would be a way into the headers.
bool is_media_type(std::string_view text) {
  static constexpr std::string_view kOthers = "!#$&^_.+-";
  const auto is_token = [](std::string_view part) {
    return !part.empty() && std::ranges::all_of(part, [](char c) {
      return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
             kOthers.find(c) != std::string_view::npos;
    });
  };
  const auto slash = text.find('/');
  return slash != std::string_view::npos && text.size() <= kPlainBytesMax &&
         is_token(text.substr(0, slash)) && is_token(text.substr(slash + 1));
}

/// Whether a line that began here would be taken for the beginning of a message of an mbox, or
/// lose its ">" to a reader that undoes such quoting.
bool looks_like_from(std::string_view rest) {
  rest.remove_prefix(std::min(rest.find_first_not_of('>'), rest.size()));
  return rest.starts_with("From ");
}

/// Quoted-printable. Source: RFC 2045, 6.7.
std::string quoted_printable(std::string_view text) {
  constexpr std::size_t kEscapeBytes = 3;
  std::string out;
  std::size_t column = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\n') {
      out += c;
      column = 0;
      continue;
    }
    const std::size_t left = std::min(text.find('\n', i), text.size()) - i;
    if (column + kEscapeBytes >= kLineColumns && left > 0) {
      out += "=\n";
      column = 0;
    }
    const bool ends_line = left == 1;
    const bool plain = is_printable(c) && c != '=' && !(c == ' ' && ends_line) &&
                       !(column == 0 && looks_like_from(text.substr(i)));
    const std::string piece =
        plain ? std::string(1, c) : fmt::format("={:02X}", static_cast<unsigned char>(c));
    out += piece;
    column += piece.size();
  }
  return out.empty() || out.ends_with('\n') ? out : out + "\n";
}

std::string base64_lines(const Bytes& body) {
  const std::string text = to_base64(body);
  std::string out;
  for (std::size_t at = 0; at < text.size(); at += kLineColumns)
    out += text.substr(at, kLineColumns) + "\n";
  return out;
}

std::string message_id(const MessageId& id) {
  return fmt::format("<{}@{}>", to_hex(id.view()), kDomain);
}

std::string recipients(const std::vector<MailParty>& to) {
  if (to.empty()) return "undisclosed-recipients:;";
  std::vector<std::string> all;
  for (const MailParty& party : to) all.push_back(party_text(party));
  return fmt::format("{}", fmt::join(all, ",\n "));
}

}  // namespace

std::string to_internet_mail(const InternetMail& mail) {
  std::string text =
      fmt::format("From: {}\nTo: {}\nDate: {}\nMessage-ID: {}\n", party_text(mail.from),
                  recipients(mail.to), date_text(mail.time), message_id(mail.id));
  if (!mail.re.empty()) {
    text += "In-Reply-To: " + message_id(mail.re.front()) + "\nReferences:";
    for (const MessageId& id : mail.re) text += "\n " + message_id(id);
    text += "\n";
  }
  if (!mail.subject.empty()) text += "Subject: " + header_text(mail.subject) + "\n";
  text += fmt::format("X-Bmsg-Signature: {}\nX-Bmsg-Trust: {}\n", mail.signature, mail.trust);
  for (const MailFile& file : mail.files)
    text += fmt::format("X-Bmsg-Attachment: {}\n {}\n", file.bytes, header_text(file.name));
  text += "MIME-Version: 1.0\n";
  const bool is_text = mail.media_type.empty() && is_utf8(as_text(mail.body));
  const std::string type =
      is_media_type(mail.media_type) ? mail.media_type : "application/octet-stream";
  text += fmt::format("Content-Type: {}\nContent-Transfer-Encoding: {}\n\n",
                      is_text ? "text/plain; charset=utf-8" : type,
                      is_text ? "quoted-printable" : "base64");
  return text + (is_text ? quoted_printable(as_text(mail.body)) : base64_lines(mail.body));
}

std::string to_mbox_entry(const InternetMail& mail) {
  const Moment at = moment_of(mail.time);
  return fmt::format("From {}@{} {} {} {:2} {:02}:{:02}:{:02} {:04}\n{}\n",
                     mail.from.address.empty() ? "anonymous" : mail.from.address, kDomain,
                     at.weekday, at.month, unsigned(at.date.day()), at.clock.hours().count(),
                     at.clock.minutes().count(), at.clock.seconds().count(), int(at.date.year()),
                     to_internet_mail(mail));
}

}  // namespace bmsg::mail
