#include "cli/signed_charters.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "lib/core/hex.h"
#include "lib/core/try.h"
#include "lib/crypto/sha512.h"

namespace bmsg::cli {
namespace {

constexpr std::string_view kFirstLine = "bmsg-signed-charters 1\n";
constexpr std::size_t kKept = 256;
constexpr std::size_t kFileBytesMax = 1u << 20;

Digest rules_of(const chain::CharterDraft& draft) {
  return crypto::sha512(as_bytes(draft.charter.rules_text));
}

std::string line_of(const SignedCharter& one) {
  return fmt::format("{} {} {}\n", one.when.value, to_hex(one.follows.view()),
                     to_hex(one.rules.view()));
}

/// "TIME FOLLOWS RULES"; nullopt for what line_of() does not write.
std::optional<SignedCharter> charter_of(std::string_view line) {
  constexpr std::size_t kHexDigits = 2 * Digest::kSize;
  const std::size_t digits = line.find(' ');
  if (digits == std::string_view::npos || line.size() != digits + 2 * (1 + kHexDigits))
    return std::nullopt;
  SignedCharter one;
  (void)std::from_chars(line.data(), line.data() + digits, one.when.value);  // Compared below.
  const auto follows = fixed_from_hex<Digest>(line.substr(digits + 1, kHexDigits));
  const auto rules = fixed_from_hex<Digest>(line.substr(digits + 2 + kHexDigits));
  if (!follows || !rules) return std::nullopt;
  one.follows = *follows;
  one.rules = *rules;
  if (line_of(one) != fmt::format("{}\n", line)) return std::nullopt;
  return one;
}

}  // namespace

bool SignedCharters::parse(std::string_view text) {
  if (!text.starts_with(kFirstLine)) return false;
  text.remove_prefix(kFirstLine.size());
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) return false;
    const auto one = charter_of(text.substr(0, end));
    if (!one) return false;
    all_.push_back(*one);
    text.remove_prefix(end + 1);
  }
  return true;
}

std::string SignedCharters::print() const {
  std::string text(kFirstLine);
  for (const SignedCharter& one : all_) text += line_of(one);
  return text;
}

Result<SignedCharters> SignedCharters::read(Disk& disk, const StoreDir& store) {
  SignedCharters charters(disk, store.signed_charters());
  BMSG_TRY_ASSIGN(const auto bytes, disk.read(charters.file_, kFileBytesMax));
  if (!bytes || charters.parse(as_text(*bytes))) return charters;
  return Error{
      Errc::corrupt,
      fmt::format("'{}' is damaged: what was signed before is not known", charters.file_.string()),
      "if you are sure what you have signed, remove it"};
}

std::optional<SignedCharter> SignedCharters::same(const chain::CharterDraft& draft) const {
  const auto found = std::ranges::find_if(all_, [&](const SignedCharter& one) {
    return one.follows == draft.follows && one.rules == rules_of(draft);
  });
  return found == all_.end() ? std::nullopt : std::optional(*found);
}

std::optional<SignedCharter> SignedCharters::rival(const chain::CharterDraft& draft) const {
  const auto found = std::ranges::find_if(all_, [&](const SignedCharter& one) {
    return one.follows == draft.follows && one.rules != rules_of(draft);
  });
  return found == all_.end() ? std::nullopt : std::optional(*found);
}

Result<Done> SignedCharters::add(const chain::CharterDraft& draft, UnixSeconds now) {
  if (same(draft)) return done;
  all_.push_back({now, draft.follows, rules_of(draft)});
  if (all_.size() > kKept) all_.erase(all_.begin());
  return disk_->replace(file_, as_bytes(print()));
}

}  // namespace bmsg::cli
