#include "lib/api/json_guard.h"

#include <fmt/format.h>

#include <set>
#include <string>
#include <utility>
#include <vector>

namespace bmsg::api {
namespace {

Error refused(std::string_view why) { return Error{Errc::bad_input, fmt::format("JSON: {}", why)}; }

/// Looks through a text and builds nothing. (The parser's own callback costs the square of the
/// number of objects in a list.)
class Look : public nlohmann::json_sax<Json> {
 public:
  std::string_view fault = "malformed";

  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t&) override { return true; }
  bool string(string_t&) override { return true; }
  bool binary(binary_t&) override { return true; }
  bool start_object(std::size_t) override { return open(); }
  bool start_array(std::size_t) override { return open(); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }
  bool key(string_t& name) override {
    if (!names_.back().insert(std::move(name)).second) {
      fault = "a member is named twice";
      return false;
    }
    if (names_.back().size() <= kJsonMembersMax) return true;
    fault = too_many_;
    return false;
  }
  bool parse_error(std::size_t, const std::string&, const Json::exception&) override {
    return false;
  }

 private:
  bool open() {
    names_.emplace_back();
    if (names_.size() <= kJsonDepthMax) return true;
    fault = too_deep_;
    return false;
  }
  bool close() {
    names_.pop_back();
    return true;
  }

  const std::string too_many_ = fmt::format("an object of more than {} members", kJsonMembersMax);
  const std::string too_deep_ = fmt::format("nested deeper than {}", kJsonDepthMax);
  std::vector<std::set<std::string>> names_;  // Of what is open.
};

}  // namespace

Result<Json> parse_json(std::string_view text, std::size_t bytes_max) {
  if (text.size() > bytes_max) return refused(fmt::format("longer than {} bytes", bytes_max));
  Look look;
  if (!Json::sax_parse(text, &look)) return refused(look.fault);
  Json json = Json::parse(text, nullptr, false);
  if (json.is_discarded()) return refused("malformed");
  return json;
}

std::string print_json(const Json& json) {
  return json.dump(-1, ' ', true, Json::error_handler_t::replace);
}

Result<std::optional<std::string>> text_member(const Json& object, const char* name) {
  const auto at = object.find(name);
  if (at == object.end() || at->is_null()) return std::optional<std::string>();
  if (!at->is_string()) return refused(fmt::format("'{}' is no string", name));
  return std::optional(at->get<std::string>());
}

}  // namespace bmsg::api
