#include "lib/api/web_door.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "lib/core/hex.h"
#include "lib/core/try.h"
#include "lib/crypto/secret_bytes.h"

namespace bmsg::api {
namespace {

using std::chrono::seconds;

WebRefusal refusal(int status, std::string name, std::string message) {
  return {.status = status, .name = std::move(name), .message = std::move(message)};
}

bool is_change(WebArea area) { return area == WebArea::change || area == WebArea::enter; }
bool is_program(WebArea area) {
  return area == WebArea::program_look || area == WebArea::program_work ||
         area == WebArea::program_change || area == WebArea::program_call ||
         area == WebArea::program_socket;
}
bool is_posted(WebArea area) {
  return is_change(area) || area == WebArea::program_change || area == WebArea::program_call;
}
bool needs_session(WebArea area) {
  return area == WebArea::news || area == WebArea::call || area == WebArea::change;
}

/// "localhost" or "localhost:8787": the host, if a port of the usual spelling follows or none.
std::string_view without_port(std::string_view host) {
  const auto colon = host.rfind(':');
  if (colon == std::string_view::npos) return host;
  const std::string_view digits = host.substr(colon + 1);
  std::uint16_t port = 0;
  const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  const bool usual = read.ec == std::errc() && read.ptr == digits.data() + digits.size() &&
                     port != 0 && digits.front() != '0';
  return usual ? host.substr(0, colon) : host;
}

/// Fields of which two would leave it open which one counts.
bool has_twice(const net::Fields& fields) {
  return std::ranges::any_of(
      std::initializer_list<std::string_view>{"host", "origin", "sec-fetch-site", "cookie",
                                              "content-type", kWebTokenField},
      [&fields](std::string_view name) {
        return std::ranges::count(fields, name, &net::Field::name) > 1;
      });
}

/// The value of one cookie; nullopt if there is none, or more than one of that name.
std::optional<std::string_view> cookie_value(const net::Fields& fields, std::string_view name) {
  const auto all = net::find_field(fields, "cookie");
  std::optional<std::string_view> found;
  std::string_view rest = all.value_or("");
  while (!rest.empty()) {
    const auto end = std::min(rest.find(';'), rest.size());
    std::string_view one = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    while (one.starts_with(' ')) one.remove_prefix(1);
    if (!one.starts_with(name) || one.substr(name.size(), 1) != "=") continue;
    if (found) return std::nullopt;
    found = one.substr(name.size() + 1);
  }
  return found;
}

std::optional<WebRefusal> judge_method(const net::HttpRequest& request, WebArea area) {
  const net::Method wanted = is_posted(area) ? net::Method::post : net::Method::get;
  if (request.method == wanted) return std::nullopt;
  return refusal(405, "method", is_posted(area) ? "this is asked by POST" : "this is asked by GET");
}

/// Browsers say where a request comes from; other programs of ours may leave it out of a look.
std::optional<WebRefusal> judge_source(const net::HttpRequest& request, WebArea area,
                                       std::string_view host) {
  const auto origin = net::find_field(request.fields, "origin");
  if (origin ? *origin != fmt::format("http://{}", host) : is_change(area))
    return refusal(403, "origin", "the request comes from another page");
  const auto site = net::find_field(request.fields, "sec-fetch-site");
  if (area == WebArea::page || !site || *site == "same-origin") return std::nullopt;
  // Typed by a person.
  if ((area == WebArea::part || area == WebArea::program_look) && *site == "none")
    return std::nullopt;
  return refusal(403, "origin", "the request comes from another page");
}

/// The names that JSON-RPC has had, each with or without parameters.
bool is_rpc_type(std::string_view type) {
  constexpr std::array<std::string_view, 3> kTypes = {"application/json", "application/json-rpc",
                                                      "application/jsonrequest"};
  std::string_view name = type.substr(0, type.find(';'));
  while (name.ends_with(' ')) name.remove_suffix(1);
  return std::ranges::find(kTypes, name) != kTypes.end();
}

/// What a form or a link of another page cannot say.
std::optional<WebRefusal> judge_content(const net::HttpRequest& request, WebArea area) {
  if (!is_posted(area)) return std::nullopt;
  const auto type = net::find_field(request.fields, "content-type");
  if (type == "application/json") return std::nullopt;
  if (area == WebArea::program_call && type && is_rpc_type(*type)) return std::nullopt;
  return refusal(415, "content-type", "the content must be application/json");
}

}  // namespace

WebDoorOptions door_options_for(const net::Address& address) {
  WebDoorOptions options;
  options.user = ::geteuid();
  if (address.scheme == net::Scheme::unix_socket) {
    options.hosts = {"localhost", "127.0.0.1"};
    options.any_port = true;
    return options;
  }
  options.cookie = fmt::format("bmsg-{}", address.port);
  for (const std::string& host : {address.host, std::string("localhost")}) {
    const net::Address named{
        .scheme = address.scheme, .host = host, .port = address.port, .path = {}};
    options.hosts.push_back(net::host_and_port(named));
    constexpr std::uint16_t kUsualPort = 80;  // Which browsers leave out.
    if (address.port != kUsualPort) continue;
    const std::string whole = options.hosts.back();
    options.hosts.push_back(whole.substr(0, whole.rfind(':')));
  }
  return options;
}

WebDoor::WebDoor(WebDoorOptions options, Entropy& entropy, const Clock& clock)
    : options_(std::move(options)), entropy_(entropy), clock_(clock) {}

Result<WebDoor::Token> WebDoor::fresh_token() {
  Token token;
  BMSG_TRY(entropy_.fill({token.data(), Token::kSize}));
  return token;
}

Result<std::string> WebDoor::new_link() {
  BMSG_TRY_ASSIGN(link_, fresh_token());
  return to_hex(link_->view());
}

bool WebDoor::knows_host(std::string_view host) const {
  const std::string_view known = options_.any_port ? without_port(host) : host;
  return std::ranges::find(options_.hosts, known) != options_.hosts.end();
}

/// Looks at all of them, so that time tells nothing of any.
bool WebDoor::has_session(const net::HttpRequest& request) const {
  const auto cookie = fixed_from_hex<Token>(
      cookie_value(request.fields, options_.cookie).value_or(std::string_view()));
  const auto token = fixed_from_hex<Token>(
      net::find_field(request.fields, kWebTokenField).value_or(std::string_view()));
  if (!cookie || !token) return false;
  bool found = false;
  for (const Session& one : sessions_) {
    const bool is_cookie = crypto::equal_in_constant_time(one.cookie.view(), cookie->view());
    const bool is_token = crypto::equal_in_constant_time(one.token.view(), token->view());
    found = found || (is_cookie && is_token);
  }
  return found;
}

bool WebDoor::is_idle() const {
  return options_.idle_lock > seconds(0) && clock_.steady() - active_ >= options_.idle_lock;
}

bool WebDoor::lock_if_idle() {
  if (sessions_.empty() || !is_idle()) return false;
  sessions_.clear();
  return true;
}

std::optional<WebRefusal> WebDoor::judge(const net::HttpRequest& request, WebArea area) {
  const auto host = net::find_field(request.fields, "host");
  if (!host || !knows_host(*host)) return refusal(421, "host", "nobody of this name answers here");
  if (has_twice(request.fields)) return refusal(400, "twice", "a field stands there twice");
  if (is_program(area) && !options_.any_user && request.peer.uid != options_.user)
    return refusal(403, "user", "only programs of the user who runs this are answered");
  if (auto refused = judge_method(request, area)) return refused;
  if (auto refused = judge_source(request, area, *host)) return refused;
  if (auto refused = judge_content(request, area)) return refused;
  if (!needs_session(area)) return std::nullopt;
  if (is_idle() || !has_session(request)) {
    return refusal(401, "locked", "the page is locked; a new link opens it");
  }
  if (area != WebArea::news) active_ = clock_.steady();
  return std::nullopt;
}

std::optional<WebRefusal> WebDoor::may_try() const {
  const auto left = wait_until_ - clock_.steady();
  if (left <= left.zero()) return std::nullopt;
  WebRefusal refused = refusal(429, "wait", "too many wrong tries");
  refused.wait = std::chrono::ceil<seconds>(left);
  return refused;
}

void WebDoor::note_bad_try() {
  if (++bad_tries_ < options_.bad_tries_max) return;
  bad_tries_ = 0;
  wait_until_ = clock_.steady() + options_.bad_tries_wait;
}

Result<std::variant<WebSession, WebRefusal>> WebDoor::enter(std::string_view token) {
  const auto given = fixed_from_hex<Token>(token);
  if (!given || !link_ || !crypto::equal_in_constant_time(given->view(), link_->view())) {
    // Nobody guesses 256 bits, and who counts wrong ones lets others keep the owner out.
    return std::variant<WebSession, WebRefusal>(
        refusal(403, "link", "the link was used already, or another took its place"));
  }
  Session made;
  BMSG_TRY_ASSIGN(made.cookie, fresh_token());
  BMSG_TRY_ASSIGN(made.token, fresh_token());
  link_.reset();
  if (is_idle()) sessions_.clear();  // Whoever comes in now opens his own.
  if (sessions_.size() >= options_.sessions_max) sessions_.erase(sessions_.begin());
  sessions_.push_back(made);
  active_ = clock_.steady();
  return std::variant<WebSession, WebRefusal>(
      WebSession{.cookie = fmt::format("{}={}; HttpOnly; SameSite=Strict; Path=/api/",
                                       options_.cookie, to_hex(made.cookie.view())),
                 .token = to_hex(made.token.view())});
}

void add_web_fields(net::HttpResponse& response) {
  for (net::Field field : net::Fields{
           {"Content-Security-Policy",
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
            "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"},
           {"Cache-Control", "no-store"},
           {"Referrer-Policy", "no-referrer"},
           {"X-Content-Type-Options", "nosniff"},
           {"X-Frame-Options", "DENY"},
           {"Cross-Origin-Resource-Policy", "same-origin"},
           {"Cross-Origin-Opener-Policy", "same-origin"}})
    response.fields.push_back(std::move(field));
}

}  // namespace bmsg::api
