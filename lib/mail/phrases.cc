#include "lib/mail/phrases.h"

#include <algorithm>

#include "lib/mail/text.h"

namespace bmsg::mail {

Result<Phrases> Phrases::make(const std::vector<std::string>& texts) {
  Phrases phrases;
  for (const std::string& text : texts) {
    if (!is_utf8(text)) return Error{Errc::bad_usage, "what is looked for is not UTF-8 text"};
    std::string phrase = folded(text);
    if (phrase.empty() || phrase == " ")
      return Error{Errc::bad_usage, "what is looked for is blank"};
    phrases.folded_.push_back(std::move(phrase));
  }
  if (phrases.folded_.empty()) return Error{Errc::bad_usage, "nothing to look for"};
  return phrases;
}

bool Phrases::occur_in(std::initializer_list<std::string_view> texts) const {
  std::vector<std::string> places;
  for (const std::string_view text : texts) places.push_back(folded(text));
  return std::ranges::all_of(folded_, [&](const std::string& phrase) {
    return std::ranges::any_of(
        places, [&](const std::string& place) { return place.find(phrase) != std::string::npos; });
  });
}

}  // namespace bmsg::mail
