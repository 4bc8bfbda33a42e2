#include "cli/web_routes.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/web_answers.h"
#include "cli/web_call.h"
#include "cli/web_secrets.h"
#include "lib/api/web_assets.h"
#include "lib/api/web_input.h"
#include "lib/core/try.h"

namespace bmsg::cli {
namespace {

constexpr std::size_t kQuestionsMax = 64;  // That wait for the store.
constexpr std::size_t kMiningMax = 1;
const Error kTooMuch{Errc::try_again, "too much is asked at once"};

net::HttpResponse answer_of(const Result<std::string>& found) {
  return found ? lines_answer(found.value()) : error_answer(found.error());
}

const api::WebAsset* asset_at(std::string_view path) {
  const auto& all = api::web_assets();
  const auto found = std::ranges::find(all, path, &api::WebAsset::path);
  return found == all.end() ? nullptr : &*found;
}

/// Changes that are not answered at the desk, or not only there.
bool is_own_change(std::string_view path) {
  constexpr std::array kChanges = {"/api/unlock", "/api/leave", "/api/mine", "/api/mine/stop",
                                   "/api/send/stop"};
  return std::ranges::find(kChanges, path) != kChanges.end();
}

bool is_change(std::string_view path) {
  const WebCall* call = find_call(path);
  if (WebErrands::has(path) || WebSecrets::has(path)) return true;
  if (WebMailRoutes::is_change(path)) return true;
  return call != nullptr ? call->effect == WebEffect::changes : is_own_change(path);
}

/// What a request is after; what the page asks on its own says so by `quiet`.
api::WebArea area_of(const net::HttpRequest& request) {
  if (request.path == "/api/enter") return api::WebArea::enter;
  if (is_change(request.path)) return api::WebArea::change;
  const bool quiet = request.query.contains("quiet") || WebMailRoutes::is_news(request.path);
  if (request.path.starts_with("/api/")) return quiet ? api::WebArea::news : api::WebArea::call;
  return request.path != "/" && asset_at(request.path) != nullptr ? api::WebArea::part
                                                                  : api::WebArea::page;
}

std::string text_of(const net::HttpRequest& request) { return to_string(request.body); }

}  // namespace

WebRoutes::WebRoutes(WebPlace place, WebDesk& desk)
    : place_(std::move(place)),
      desk_(desk),
      door_(place_.door, place_.context.entropy, place_.context.clock),
      mining_context_(context_like(place_.context)),
      errands_(place_.context),
      desk_worker_(kQuestionsMax),
      mining_worker_(kMiningMax),
      mail_(
          place_.context, place_.store, place_.post,
          [this](const auto& request) { return !door_.judge(request, api::WebArea::news); },
          [this](auto question) { return at_desk(std::move(question)); }) {
  place_.context.inner.on_status = [this](const auto& status) { mail_.board().note(status); };
  if (!place_.rest) return;
  rest_ = std::make_unique<WebRest>(place_.context, place_.store,
                                    [this](auto question) { return at_desk(std::move(question)); });
}

WebRoutes::~WebRoutes() { stop(); }

bool WebRoutes::at_desk(std::function<void(WebDesk&)> question) {
  return desk_worker_.post([this, question = std::move(question)] { question(desk_); });
}

void WebRoutes::stop() {
  stop_.request_stop();
  stop_sending();
  stop_mining();
  mining_worker_.stop();
  errands_.stop();
  mail_.stop();
  if (rest_) rest_->stop();
  desk_worker_.stop();
}

void WebRoutes::handle(net::HttpRequest request, net::Respond respond) {
  if (const auto call = place_.rpc ? WebRpc::area_of(request) : std::nullopt) {
    const auto refused = door_.judge(request, *call);
    return refused ? respond(WebRpc::refusal(*refused))
                   : place_.rpc->handle(std::move(request), respond);
  }
  const auto program = rest_ ? WebRest::area_of(request.path) : std::nullopt;
  if (const auto refused = door_.judge(request, program.value_or(area_of(request))))
    return respond(refusal_answer(*refused));
  if (program)
    return rest_->handle(std::make_shared<net::HttpRequest>(std::move(request)), respond);
  if (const api::WebAsset* asset = asset_at(request.path))
    return respond(finished(net::text_response(200, asset->bytes, asset->type)));
  const auto kept = std::make_shared<net::HttpRequest>(std::move(request));
  if (kept->path == "/api/enter") return enter(*kept, respond);
  if (is_own_change(kept->path)) return change(kept, respond);
  if (WebMailRoutes::has(kept->path)) return mail_.handle(kept, respond);
  if (WebErrands::has(kept->path)) return errand(kept, respond);
  if (WebSecrets::has(kept->path)) return secrets(*kept, respond);
  if (kept->path == "/api/verify") return respond(lines_answer(errands_.progress()));
  const WebCall* call = find_call(kept->path);
  if (call == nullptr)
    return respond(error_answer({Errc::not_found, "there is nothing of this name"}));
  WebQuestion question{std::move(kept->query), text_of(*kept),
                       kept->path == "/api/send" ? sending() : stop_.get_token()};
  ask(respond,
      [call, question = std::move(question)](auto& desk) { return call->answer(desk, question); });
}

void WebRoutes::change(const std::shared_ptr<net::HttpRequest>& request,
                       const net::Respond& respond) {
  const std::string& path = request->path;
  if (path == "/api/unlock") return unlock(request, respond);
  if (path == "/api/leave") return leave(respond);
  if (path == "/api/mine") return mine(respond);
  path == "/api/send/stop" ? stop_sending() : stop_mining();
  respond(lines_answer(""));
}

void WebRoutes::enter(const net::HttpRequest& request, const net::Respond& respond) {
  const auto token = api::parse_web_text(text_of(request), "token");
  if (!token) return respond(error_answer(token.error()));
  const bool was_idle = door_.lock_if_idle();
  if (was_idle) forget_keys();
  const auto entered = door_.enter(token.value());
  const bool is_in = entered && std::holds_alternative<api::WebSession>(entered.value());
  if (was_idle && !is_in) tell_link();
  if (!entered) return respond(error_answer(entered.error()));
  if (const auto* refused = std::get_if<api::WebRefusal>(&entered.value()))
    return respond(refusal_answer(*refused));
  const auto& session = std::get<api::WebSession>(entered.value());
  auto response = lines_answer(api::session_json(session.token) + "\n");
  response.fields.push_back({"Set-Cookie", session.cookie});
  respond(std::move(response));
}

/// A try counts as a bad one until it was a good one: many at once are many.
void WebRoutes::unlock(const std::shared_ptr<net::HttpRequest>& request,
                       const net::Respond& respond) {
  auto words = api::parse_web_text(text_of(*request), "passphrase");
  if (!words) return respond(error_answer(words.error()));
  if (const auto refused = door_.may_try()) return respond(refusal_answer(*refused));
  door_.note_bad_try();
  const auto passphrase =
      std::make_shared<crypto::SecretBytes>(crypto::SecretBytes::from(as_bytes(words.value())));
  crypto::wipe({reinterpret_cast<std::uint8_t*>(words.value().data()), words.value().size()});
  crypto::wipe(request->body);
  ask(respond, [this, passphrase](auto& desk) -> Result<std::string> {
    const auto unlocked = desk.unlock(std::move(*passphrase));
    if (place_.rpc) place_.rpc->follow(desk);
    BMSG_TRY(unlocked);
    place_.post([this] { door_.note_good_try(); });
    return std::string();
  });
}

/// As for a look, the keys must be open; but nothing waits at the desk until it is done.
void WebRoutes::errand(const std::shared_ptr<net::HttpRequest>& request,
                       const net::Respond& respond) {
  const bool taken = desk_worker_.post([this, request, respond] {
    const auto open = desk_.check_open();
    if (!open) return respond(error_answer(open.error()));
    errands_.handle(*request, respond);
  });
  if (!taken) respond(error_answer(kTooMuch));
}

/// Counted as unlock() counts.
void WebRoutes::secrets(net::HttpRequest& request, const net::Respond& respond) {
  auto given = WebSecrets::take(request);
  if (!given) return respond(error_answer(given.error()));
  if (const auto refused = door_.may_try()) return respond(refusal_answer(*refused));
  door_.note_bad_try();
  const auto kept = std::make_shared<WebSecrets>(std::move(given).value());
  const bool taken = desk_worker_.post([this, kept, respond] {
    auto answer = answer_secrets(desk_, std::move(*kept));
    if (place_.rpc) place_.rpc->follow(desk_);
    if (answer.is_right) place_.post([this] { door_.note_good_try(); });
    respond(std::move(answer.response));
  });
  if (!taken) respond(error_answer(kTooMuch));
}

void WebRoutes::leave(const net::Respond& respond) {
  door_.lock();
  close();
  respond(lines_answer(""));
}

void WebRoutes::mine(const net::Respond& respond) {
  const Error busy{Errc::try_again, "a block is being mined already"};
  if (mines_.exchange(true)) return respond(error_answer(busy));
  std::stop_token stop;
  {
    const std::lock_guard lock(mining_mutex_);
    mining_stop_ = std::stop_source();
    stop = mining_stop_.get_token();
  }
  const bool taken = mining_worker_.post([this, respond, stop] {
    const auto mined = mine_for_page(*mining_context_, place_.store, stop,
                                     [this](const auto& status) { mail_.board().note(status); });
    mail_.board().end_mining();
    mines_ = false;
    respond(answer_of(mined));
  });
  if (!taken) respond(error_answer(busy));
}

void WebRoutes::stop_mining() {
  const std::lock_guard lock(mining_mutex_);
  mining_stop_.request_stop();
}

/// Until somebody stops the letters that are being sealed, or the page ends.
std::stop_token WebRoutes::sending() {
  const std::lock_guard lock(sending_mutex_);
  if (sending_.stop_requested() && !stop_.stop_requested()) sending_ = std::stop_source();
  return sending_.get_token();
}

void WebRoutes::stop_sending() {
  const std::lock_guard lock(sending_mutex_);
  sending_.request_stop();
}

void WebRoutes::ask(const net::Respond& respond, Ask question) {
  const bool taken = desk_worker_.post(
      [this, respond, question = std::move(question)] { respond(answer_of(question(desk_))); });
  if (!taken) respond(error_answer(kTooMuch));
}

/// Once the questions before are answered, however many these are.
void WebRoutes::forget_keys() {
  mail_.end_locked_out();
  desk_worker_.post_always([this] {
    desk_.lock();
    if (place_.rpc) place_.rpc->follow(desk_);
  });
}

/// A new link, and the keys are forgotten.
void WebRoutes::close() {
  forget_keys();
  tell_link();
}

void WebRoutes::tell_link() {
  const auto token = door_.new_link();
  if (token) place_.tell_link(token.value());
}

void WebRoutes::lock_if_idle() {
  if (door_.lock_if_idle()) close();
  mail_.end_locked_out();  // One more browser has ended the oldest session.
}

}  // namespace bmsg::cli
