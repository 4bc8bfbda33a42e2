#include "lib/chain/rules_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <set>

#include "lib/chain/work.h"
#include "lib/core/hex.h"
#include "lib/core/limits.h"
#include "lib/core/try.h"
#include "lib/crypto/sha512.h"
#include "lib/crypto/sign.h"

namespace bmsg::chain {
namespace {

constexpr std::string_view kFirstLine = "bmsg 1\n";
constexpr std::size_t kNameLettersMax = 64;
constexpr std::uint32_t kIntervalMin = 10;
constexpr std::uint32_t kIntervalMax = 86400;
constexpr std::uint32_t kHalflifeIntervalsMax = 1024;
constexpr std::uint32_t kStampMax = 1'000'000'000;
constexpr std::uint32_t kAny = 0xffffffff;

Error bad(std::string_view key, std::string_view why) {
  return Error{Errc::bad_input, fmt::format("rules text: {}: {}", key, why)};
}

/// Takes lines "key value" off the front of the text.
class Lines {
 public:
  explicit Lines(std::string_view text) : left_(text) {}

  bool finished() const { return left_.empty(); }
  bool next_is(std::string_view key) const {
    return left_.starts_with(key) && left_.substr(key.size()).starts_with(' ');
  }

  Result<std::string_view> value(std::string_view key) {
    const auto end = left_.find('\n');
    if (!next_is(key) || end == std::string_view::npos) {
      return bad(key, "a line with this key is due here");
    }
    const std::string_view value = left_.substr(key.size() + 1, end - key.size() - 1);
    left_.remove_prefix(end + 1);
    return value;
  }

  Result<std::uint32_t> number(std::string_view key, std::uint32_t least, std::uint32_t most) {
    BMSG_TRY_ASSIGN(const auto text, value(key));
    std::uint32_t number = 0;
    const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (fault != std::errc() || number < least || number > most || fmt::to_string(number) != text) {
      return bad(key, fmt::format("must be a number from {} to {}", least, most));
    }
    return number;
  }

  /// One of two words: true for `yes`.
  Result<bool> choice(std::string_view key, std::string_view yes, std::string_view no) {
    BMSG_TRY_ASSIGN(const auto text, value(key));
    if (text != yes && text != no) return bad(key, fmt::format("must be {} or {}", yes, no));
    return text == yes;
  }

  template <class Key>
  Result<std::vector<Key>> keys(std::string_view key, std::size_t least, std::size_t most) {
    std::vector<Key> keys;
    while (next_is(key)) {
      BMSG_TRY_ASSIGN(const auto text, value(key));
      const auto read = fixed_from_hex<Key>(text);
      if (!read) return bad(key, "must be 64 lower-case hex digits");
      keys.push_back(*read);
    }
    if (keys.size() < least || keys.size() > most) {
      return bad(key, fmt::format("must stand {} to {} times", least, most));
    }
    if (std::set(keys.begin(), keys.end()).size() != keys.size()) {
      return bad(key, "the same key stands twice");
    }
    return keys;
  }

 private:
  std::string_view left_;
};

Result<std::string> read_name(Lines& lines) {
  BMSG_TRY_ASSIGN(const auto name, lines.value("name"));
  const auto is_allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-';
  };
  if (name.empty() || name.size() > kNameLettersMax || !std::ranges::all_of(name, is_allowed)) {
    return bad("name", fmt::format("must be 1 to {} of a-z, 0-9, '.' and '-'", kNameLettersMax));
  }
  return std::string(name);
}

Result<CompactTarget> read_floor(Lines& lines) {
  BMSG_TRY_ASSIGN(const auto text, lines.value("floor"));
  std::uint32_t number = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), number, 16);
  if (fault != std::errc() || fmt::format("{:08x}", number) != text) {
    return bad("floor", "must be 8 lower-case hex digits");
  }
  if (!target_of(CompactTarget{number})) {
    return bad("floor", "must be the compact form of a target from 1 to below 2^256");
  }
  return CompactTarget{number};
}

Result<Done> read_identity(Lines& lines, RulesText& rules) {
  BMSG_TRY_ASSIGN(rules.version, lines.number("version", 0, kAny));
  BMSG_TRY_ASSIGN(rules.name, read_name(lines));
  BMSG_TRY_ASSIGN(const bool is_pow, lines.choice("mode", "pow", "endorse"));
  rules.mode = is_pow ? Mode::pow : Mode::endorse;
  BMSG_TRY_ASSIGN(const bool is_open, lines.choice("access", "open", "members"));
  rules.access = is_open ? Access::open : Access::members;
  return done;
}

Result<Done> read_pace(Lines& lines, RulesText& rules) {
  BMSG_TRY_ASSIGN(rules.time, lines.number("time", 0, kAny));
  BMSG_TRY_ASSIGN(rules.interval, lines.number("interval", kIntervalMin, kIntervalMax));
  if (rules.mode == Mode::endorse) return done;
  BMSG_TRY_ASSIGN(rules.halflife,
                  lines.number("halflife", rules.interval, kHalflifeIntervalsMax * rules.interval));
  BMSG_TRY_ASSIGN(rules.floor, read_floor(lines));
  return done;
}

Result<Done> read_limits(Lines& lines, RulesText& rules) {
  BMSG_TRY_ASSIGN(rules.maxblock, lines.number("maxblock", kMessageBytesMin, kBlockBytesMax));
  BMSG_TRY_ASSIGN(rules.maxmessage, lines.number("maxmessage", kMessageBytesMin, kMessageBytesMax));
  if (rules.maxblock < rules.maxmessage) return bad("maxblock", "must be at least maxmessage");
  BMSG_TRY_ASSIGN(rules.maxttl, lines.number("maxttl", 1, kAny));
  BMSG_TRY_ASSIGN(rules.stamp, lines.number("stamp", 0, kStampMax));
  BMSG_TRY_ASSIGN(rules.blobstamp, lines.number("blobstamp", 0, kStampMax));
  return done;
}

Result<Done> read_endorsers(Lines& lines, RulesText& rules) {
  BMSG_TRY_ASSIGN(rules.endorse, lines.number("endorse", 1, kEndorsersMax));
  BMSG_TRY_ASSIGN(rules.endorsers, lines.keys<EndorserKey>("endorser", 1, kEndorsersMax));
  const std::size_t count = rules.endorsers.size();
  if (rules.endorse > count || 2 * rules.endorse <= count) {
    return bad("endorse", fmt::format("must be more than half of {} endorsers", count));
  }
  const auto is_weak = [](const EndorserKey& key) {
    return crypto::is_weak(relabel<IdentityKey>(key));
  };
  if (std::ranges::any_of(rules.endorsers, is_weak)) {
    return bad("endorser", "anybody can sign for this key");
  }
  return done;
}

}  // namespace

std::string print(const RulesText& rules) {
  std::string text(kFirstLine);
  const auto line = [&text](std::string_view key, const auto& value) {
    text += fmt::format("{} {}\n", key, value);
  };
  line("version", rules.version);
  line("name", rules.name);
  line("mode", rules.mode == Mode::pow ? "pow" : "endorse");
  line("access", rules.access == Access::open ? "open" : "members");
  line("time", rules.time);
  line("interval", rules.interval);
  if (rules.mode == Mode::pow) {
    line("halflife", rules.halflife);
    line("floor", fmt::format("{:08x}", rules.floor.value));
  }
  line("maxblock", rules.maxblock);
  line("maxmessage", rules.maxmessage);
  line("maxttl", rules.maxttl);
  line("stamp", rules.stamp);
  line("blobstamp", rules.blobstamp);
  if (rules.mode == Mode::endorse) {
    line("endorse", rules.endorse);
    for (const EndorserKey& key : rules.endorsers) line("endorser", to_hex(key.view()));
  }
  for (const NodeKey& key : rules.members) line("member", to_hex(key.view()));
  return text;
}

Result<RulesText> parse_rules_text(std::string_view text) {
  if (text.size() > kRulesTextBytesMax) {
    return bad("length", fmt::format("at most {} bytes", kRulesTextBytesMax));
  }
  if (!text.starts_with(kFirstLine)) return bad("first line", "must be 'bmsg 1'");
  Lines lines(text.substr(kFirstLine.size()));
  RulesText rules;
  BMSG_TRY(read_identity(lines, rules));
  BMSG_TRY(read_pace(lines, rules));
  BMSG_TRY(read_limits(lines, rules));
  if (rules.mode == Mode::endorse) BMSG_TRY(read_endorsers(lines, rules));
  const std::size_t members_max = rules.access == Access::members ? kMembersMax : 0;
  BMSG_TRY_ASSIGN(rules.members, lines.keys<NodeKey>("member", 0, members_max));
  if (!lines.finished()) return bad("end", "nothing more may follow");
  if (print(rules) != text) return bad("form", "not written as bmsg writes it");
  return rules;
}

ChainId chain_id_of(std::string_view rules_text) {
  return relabel<ChainId>(crypto::sha512(as_bytes(rules_text)));
}

Result<ChainRules> parse_chain_rules(std::string_view rules_text) {
  BMSG_TRY_ASSIGN(auto rules, parse_rules_text(rules_text));
  if (rules.version != 0) return bad("version", "must be 0 in the text that makes a chain");
  const ChainId id = chain_id_of(rules_text);
  return ChainRules{std::move(rules), id, prefix_of<RulesTag>(id)};
}

}  // namespace bmsg::chain
