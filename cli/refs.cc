#include "cli/refs.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <iostream>
#include <utility>

#include "lib/core/hex.h"
#include "lib/core/try.h"

namespace bmsg::cli {
namespace {

constexpr std::size_t kPrefixHexMin = 8;
constexpr std::size_t kHeightDigitsMax = 10;
constexpr std::size_t kListedMax = 10;
constexpr std::size_t kLastHex = 8;

std::optional<std::uint32_t> parse_number(std::string_view digits) {
  std::uint32_t number = 0;
  const auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (digits.empty() || failed != std::errc() || end != digits.data() + digits.size())
    return std::nullopt;
  return number;
}

/// N of "tip~N" or "@~N"; 0 of "tip" or "@"; nullopt for anything else.
std::optional<std::uint32_t> steps_back(std::string_view ref, std::string_view word) {
  if (ref == word) return 0;
  if (!ref.starts_with(word) || ref.substr(word.size(), 1) != "~") return std::nullopt;
  return parse_number(ref.substr(word.size() + 1));
}

Error no_block(const std::string& ref) {
  return Error{Errc::not_found, fmt::format("no block '{}' here", ref),
               "'bmsg log' lists the blocks; 'bmsg sync' may bring more"};
}

Result<node::StoredHeader> block_at(const node::ChainReader& chain, Height height,
                                    const std::string& ref) {
  BMSG_TRY_ASSIGN(auto found, chain.headers(height, 1));
  if (found.empty()) return no_block(ref);
  return std::move(found.front());
}

Error no_message(const std::string& ref) {
  return {Errc::not_found, fmt::format("no message '{}' here", ref),
          "'bmsg inbox' lists what came, 'bmsg outbox' what goes; 'bmsg sync' may bring more"};
}

Result<MessageId> received(const mail::Mailbox& box, std::uint32_t back, const std::string& ref) {
  mail::ListFilter filter;
  filter.direction = mail::Direction::in;
  BMSG_TRY_ASSIGN(const auto items, box.list(filter, back + std::size_t{1}));
  if (items.size() > back) return items[back].id;
  return Error{Errc::not_found, fmt::format("no message '{}': the inbox has {}", ref, items.size()),
               "'bmsg sync' may bring more"};
}

Error ambiguous(const std::string& ref, const std::vector<MessageId>& ids) {
  std::string list;
  for (const MessageId& id : ids) list += "\n  " + to_hex(id.view());
  return Error{Errc::bad_usage, fmt::format("'{}' fits several messages:{}", ref, list)};
}

}  // namespace

void add_refs_of_input(std::vector<std::string>& refs) {
  std::string ref;
  const auto end_ref = [&] {
    if (!ref.empty()) refs.push_back(std::exchange(ref, {}));
  };
  for (int byte = 0; (byte = std::cin.get()) != std::char_traits<char>::eof();) {
    if (byte == '\n' || byte == '\0') {
      end_ref();
    } else {
      ref += static_cast<char>(byte);
    }
  }
  end_ref();
}

std::optional<std::uint32_t> inbox_steps(const std::string& ref) { return steps_back(ref, "@"); }

bool names_block(const std::string& ref) {
  if (steps_back(ref, "tip")) return true;
  const std::string height = ref.substr(0, ref.find(':'));
  return height.size() <= kHeightDigitsMax && parse_number(height).has_value();
}

Result<node::StoredHeader> find_block(const node::ChainReader& chain, const std::string& ref) {
  if (const auto hash = fixed_from_hex<BlockHash>(ref)) {
    BMSG_TRY_ASSIGN(auto found, chain.header(*hash));
    if (!found) return no_block(ref);
    return std::move(*found);
  }
  if (const auto back = steps_back(ref, "tip")) {
    BMSG_TRY_ASSIGN(const auto tip, chain.tip());
    if (*back > tip.height.value) return no_block(ref);
    return block_at(chain, Height{tip.height.value - *back}, ref);
  }
  const auto colon = ref.find(':');
  const auto height = parse_number(std::string_view(ref).substr(0, colon));
  if (!height || ref.substr(0, colon).size() > kHeightDigitsMax) {
    return Error{
        Errc::bad_usage,
        fmt::format("'{}' names no block: give a height, HEIGHT:LAST8, tip~N or a full hash", ref)};
  }
  BMSG_TRY_ASSIGN(auto found, block_at(chain, Height{*height}, ref));
  const bool fits = colon == std::string::npos || block_name(Height{*height}, found.hash) == ref;
  if (!fits) return no_block(ref);
  return found;
}

Result<MessageId> find_message(const node::ChainReader& chain, const mail::MailReader* mail,
                               const std::string& ref) {
  if (inbox_steps(ref))
    return Error{Errc::bad_usage, fmt::format("'{}' needs a mailbox; give an id", ref)};
  const bool is_hex = std::ranges::all_of(
      ref, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
  if (!is_hex || ref.size() < kPrefixHexMin || ref.size() > 2 * MessageId::kSize) {
    return Error{
        Errc::bad_usage,
        fmt::format("'{}' names no message: give an id, {} or more hex digits of one, or @", ref,
                    kPrefixHexMin)};
  }
  if (const auto id = fixed_from_hex<MessageId>(ref)) return *id;
  const auto prefix = from_hex(std::string_view(ref).substr(0, ref.size() / 2 * 2));
  BMSG_TRY_ASSIGN(auto ids, chain.ids_with_prefix(*prefix, kListedMax * 16));
  if (mail != nullptr) {
    BMSG_TRY_ASSIGN(const auto mine, mail->ids_with_prefix(*prefix, kListedMax * 16));
    ids.insert(ids.end(), mine.begin(), mine.end());
  }
  std::erase_if(ids, [&](const MessageId& id) { return !to_hex(id.view()).starts_with(ref); });
  std::ranges::sort(ids);
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  if (ids.empty()) return no_message(ref);
  if (ids.size() > 1) {
    ids.resize(std::min(ids.size(), kListedMax));
    return ambiguous(ref, ids);
  }
  return ids.front();
}

Result<MessageId> find_message(const node::ChainReader& chain, const mail::MailReader& mail,
                               const mail::Mailbox& box, const std::string& ref) {
  if (const auto back = inbox_steps(ref)) return received(box, *back, ref);
  return find_message(chain, &mail, ref);
}

std::string block_name(Height height, const BlockHash& hash) {
  const std::string hex = to_hex(hash.view());
  return fmt::format("{}:{}", height.value, hex.substr(hex.size() - kLastHex));
}

}  // namespace bmsg::cli
