#include "lib/mail/policy.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "lib/core/hex.h"
#include "lib/core/try.h"
#include "lib/mail/room.h"
#include "lib/mail/text.h"

namespace bmsg::mail {
namespace {

constexpr std::string_view kBegin = "[[policy]]";

std::string_view without_blanks_behind(std::string_view line) {
  const auto last = line.find_last_not_of(" \t\r");
  return last == std::string_view::npos ? std::string_view() : line.substr(0, last + 1);
}

std::string quoted(std::string_view text) {
  std::string made = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') made += '\\';
    made += c;
  }
  return made + '"';
}

/// The text of a TOML string that quoted() could have made; nullopt for any other.
std::optional<std::string> unquoted(std::string_view text) {
  if (text.size() < 2 || text.front() != '"' || text.back() != '"') return std::nullopt;
  const std::string_view inside = text.substr(1, text.size() - 2);
  std::string made;
  for (std::size_t i = 0; i < inside.size(); ++i) {
    if (inside[i] == '\\' && ++i == inside.size()) return std::nullopt;
    made += inside[i];
  }
  // Written again it must be the same: no other escape, and no quote without one.
  return quoted(made) == text ? std::optional(made) : std::nullopt;
}

/// Takes lines one by one.
class Reader {
 public:
  Result<Done> line(std::string_view text) {
    ++number_;
    text = without_blanks_behind(text);
    if (text.empty() || text.front() == '#') return done;
    if (text == kBegin) {
      BMSG_TRY(finish());
      open_ = true;
      begun_ = number_;
      return done;
    }
    const auto equals = text.find('=');
    if (!open_ || equals == std::string_view::npos)
      return wrong(number_, fmt::format("neither {} nor key = \"value\"", kBegin));
    const std::string key(without_blanks_behind(text.substr(0, equals)));
    const auto value_at = text.find_first_not_of(" \t", equals + 1);
    const auto value =
        value_at == std::string_view::npos ? std::nullopt : unquoted(text.substr(value_at));
    if (key != "name" && key != "topic" && key != "room" && key != "rule")
      return wrong(number_, fmt::format("unknown key '{}'", key));
    if (!value) return wrong(number_, fmt::format("'{}' needs a value in quotes", key));
    if (!given_.emplace(key, *value).second)
      return wrong(number_, fmt::format("'{}' stands there twice", key));
    return done;
  }

  Result<Done> finish() {
    if (!open_) return done;
    BMSG_TRY_ASSIGN(auto policy, made());
    for (const Policy& other : found_) {
      if (other.same_place(policy))
        return wrong(begun_, fmt::format("a second policy of '{}'", policy.name));
    }
    if (found_.size() == kPoliciesMax)
      return wrong(begun_, fmt::format("more than {} policies", kPoliciesMax));
    found_.push_back(std::move(policy));
    given_.clear();
    return done;
  }

  std::vector<Policy> take() { return std::move(found_); }

 private:
  static Error wrong(std::size_t line, const std::string& why) {
    return Error{Errc::bad_config, fmt::format("policies.toml: line {}: {}", line, why),
                 "'bmsg policy set' writes it; until it is mended nothing is given out"};
  }

  Result<Policy> made() const {
    for (const char* key : {"name", "rule"}) {
      if (!given_.contains(key))
        return wrong(begun_, fmt::format("the policy that begins here has no '{}'", key));
    }
    if (given_.contains("topic") == given_.contains("room"))
      return wrong(begun_, "the policy that begins here needs 'topic' or 'room'");
    Policy policy;
    policy.name = given_.at("name");
    if (!is_policy_name(policy.name)) return wrong(begun_, "its name cannot be shown");
    BMSG_TRY(place_of(policy));
    auto quorum = parse_quorum(given_.at("rule"));
    if (!quorum) return wrong(begun_, quorum.error().message);
    policy.quorum = std::move(quorum).value();
    return policy;
  }

  Result<Done> place_of(Policy& policy) const {
    if (const auto topic = given_.find("topic"); topic != given_.end()) {
      const std::string_view text = topic->second;
      const auto read =
          text.starts_with("0x") ? fixed_from_hex<Topic>(text.substr(2)) : std::optional<Topic>();
      if (!read || read->is_zero())
        return wrong(begun_,
                     fmt::format("topic '{}': 0x and 8 digits, not all 0, are wanted", text));
      policy.topic = *read;
      return done;
    }
    const auto room = from_hex(given_.at("room"));
    if (!room || room->size() != kRoomIdBytes)
      return wrong(begun_, fmt::format("room '{}': 32 digits are wanted", given_.at("room")));
    policy.room = *room;
    return done;
  }

  std::size_t number_ = 0;
  std::size_t begun_ = 0;  // Where the policy begins that is read now.
  bool open_ = false;
  std::map<std::string, std::string> given_;
  std::vector<Policy> found_;
};

}  // namespace

bool is_policy_name(std::string_view name) {
  return !name.empty() && name.size() <= kPolicyNameMax && is_utf8(name) &&
         !has_deceptive_character(name);
}

const Policy* policy_for(const std::vector<Policy>& policies, const Summary& summary) {
  const Bytes room = room_id_in(summary.room);
  const auto of_room = std::ranges::find_if(
      policies, [&](const Policy& one) { return !one.room.empty() && one.room == room; });
  if (!room.empty() && of_room != policies.end()) return &*of_room;
  // Whoever makes a room can choose a secret whose topic is this one on some day.
  const auto of_topic = std::ranges::find_if(
      policies, [&](const Policy& one) { return one.room.empty() && one.topic == summary.topic; });
  return of_topic == policies.end() ? nullptr : &*of_topic;
}

std::string policies_text(const std::vector<Policy>& policies) {
  std::string text = "# Whose signatures messages need here. Written by bmsg policy.\n";
  for (const Policy& one : policies) {
    text += fmt::format("\n{}\nname = {}\n", kBegin, quoted(one.name));
    text += one.room.empty() ? fmt::format("topic = \"0x{}\"\n", to_hex(one.topic.view()))
                             : fmt::format("room = \"{}\"\n", to_hex(one.room));
    text += fmt::format("rule = {}\n", quoted(to_text(one.quorum)));
  }
  return text;
}

Result<std::vector<Policy>> read_policies(std::string_view text) {
  Reader reader;
  for (std::size_t at = 0; at < text.size();) {
    const auto end = std::min(text.find('\n', at), text.size());
    BMSG_TRY(reader.line(text.substr(at, end - at)));
    at = end + 1;
  }
  BMSG_TRY(reader.finish());
  return reader.take();
}

}  // namespace bmsg::mail
