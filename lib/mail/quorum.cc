#include "lib/mail/quorum.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>

#include "lib/core/address.h"
#include "lib/core/try.h"

namespace bmsg::mail {
namespace {

constexpr std::string_view kBlanks = " \t";

std::string_view trimmed(std::string_view text) {
  const auto begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1);
}

/// Reads an expression from left to right.
class Parser {
 public:
  Parser(std::string_view text, const NameLookup& lookup) : text_(text), lookup_(lookup) {}

  Result<Quorum> whole() {
    if (text_.size() > kQuorumTextMax)
      return wrong(fmt::format("longer than {} bytes", kQuorumTextMax));
    BMSG_TRY_ASSIGN(auto quorum, part(0));
    if (at_ < text_.size()) return wrong(fmt::format("something behind its end: '{}'", rest()));
    return quorum;
  }

 private:
  static Error wrong(const std::string& why) {
    return Error{Errc::bad_usage, fmt::format("the rule is none: {}", why),
                 "a rule is NAME, ADDRESS or of(K, NAME, ...), as 'of(2, ana, ben, carl)'"};
  }

  std::string rest() const {
    constexpr std::size_t kShown = 20;
    return std::string(text_.substr(at_, kShown));
  }

  /// Up to the next comma or parenthesis.
  std::string_view word() {
    const auto end = std::min(text_.find_first_of(",()", at_), text_.size());
    const auto found = trimmed(text_.substr(at_, end - at_));
    at_ = end;
    return found;
  }

  void skip_blanks() {
    while (at_ < text_.size() && kBlanks.find(text_[at_]) != std::string_view::npos) ++at_;
  }

  /// Takes the character if it comes next.
  bool take(char wanted) {
    if (at_ >= text_.size() || text_[at_] != wanted) return false;
    ++at_;
    return true;
  }

  Result<Quorum> part(std::size_t depth) {
    const std::string_view name = word();
    if (!take('(')) return person(name);
    if (name != "of") return wrong(fmt::format("'{}(': only of() has parts", name));
    if (depth == kQuorumDepthMax)
      return wrong(fmt::format("of() within of() more than {} deep", kQuorumDepthMax));
    Quorum made;
    BMSG_TRY_ASSIGN(made.needed, number());
    while (take(',')) {
      BMSG_TRY_ASSIGN(auto one, part(depth + 1));
      made.parts.push_back(std::move(one));
    }
    if (!take(')'))
      return wrong(at_ < text_.size() ? fmt::format("no comma before '{}'", rest())
                                      : "a ')' is missing");
    skip_blanks();
    if (made.needed < 1 || made.needed > made.parts.size())
      return wrong(fmt::format("{} of {}: give 1 up to the number of parts", made.needed,
                               made.parts.size()));
    return made;
  }

  Result<std::uint32_t> number() {
    const std::string_view digits = word();
    std::uint32_t value = 0;
    const auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    const bool is_number = failed == std::errc() && end == digits.data() + digits.size();
    if (!is_number || digits.front() == '0')
      return wrong(fmt::format("'{}' where a number stands, as in of(2, ...)", digits));
    return value;
  }

  Result<Quorum> person(std::string_view name) {
    if (name.empty()) return wrong("a name is missing");
    auto address = from_address(name);
    if (!address) {
      BMSG_TRY_ASSIGN(address, lookup_(std::string(name)));
    }
    if (!seen_.insert(*address).second)
      return wrong(fmt::format("'{}' stands in it twice: a person counts once", name));
    if (seen_.size() > kQuorumPersonsMax)
      return wrong(fmt::format("more than {} persons", kQuorumPersonsMax));
    return Quorum{.person = *address};
  }

  std::string_view text_;
  const NameLookup& lookup_;
  std::size_t at_ = 0;
  std::set<IdentityKey> seen_;
};

void add_persons(const Quorum& quorum, std::vector<IdentityKey>& all) {
  if (quorum.person) all.push_back(*quorum.person);
  for (const Quorum& part : quorum.parts) add_persons(part, all);
}

}  // namespace

Result<Quorum> parse_quorum(std::string_view text, const NameLookup& lookup) {
  return Parser(text, lookup).whole();
}

Result<Quorum> parse_quorum(std::string_view text) {
  return parse_quorum(text, [](const std::string& name) -> Result<IdentityKey> {
    return Error{Errc::bad_usage, fmt::format("'{}' is no address", name)};
  });
}

std::string to_text(const Quorum& quorum, const NameWriter& name) {
  if (quorum.person) return name(*quorum.person);
  std::vector<std::string> words{std::to_string(quorum.needed)};
  for (const Quorum& part : quorum.parts) words.push_back(to_text(part, name));
  return fmt::format("of({})", fmt::join(words, ", "));
}

std::string to_text(const Quorum& quorum) { return to_text(quorum, to_address); }

std::vector<IdentityKey> persons_in(const Quorum& quorum) {
  std::vector<IdentityKey> all;
  add_persons(quorum, all);
  return all;
}

bool holds(const Quorum& quorum, const std::set<IdentityKey>& signers) {
  return parts_held(quorum, signers) == parts_needed(quorum);
}

std::uint32_t parts_held(const Quorum& quorum, const std::set<IdentityKey>& signers) {
  if (quorum.person) return signers.contains(*quorum.person) ? 1 : 0;
  const auto held =
      std::ranges::count_if(quorum.parts, [&](const Quorum& part) { return holds(part, signers); });
  return std::min(static_cast<std::uint32_t>(held), quorum.needed);
}

std::uint32_t parts_needed(const Quorum& quorum) { return quorum.person ? 1 : quorum.needed; }

}  // namespace bmsg::mail
