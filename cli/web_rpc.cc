#include "cli/web_rpc.h"

#include <algorithm>
#include <array>

#include "cli/key_agent.h"
#include "cli/serve_log.h"
#include "cli/web_answers.h"
#include "lib/core/try.h"

namespace bmsg::cli {
namespace {

constexpr unsigned kQuickThreads = 2;
constexpr unsigned kSlowThreads = 2;    // Each with a keyring to write.
constexpr unsigned kSearchThreads = 8;  // Each with a stamp to search.

/// By words that stand in every call that may take long; to be wrong costs somebody a wait.
api::Pace pace_of(std::string_view text) {
  constexpr std::array<std::string_view, 4> kSlow = {"KeyPair", "SymKey", "PrivateKey",
                                                     "PublicKey"};
  if (text.find("shh_post") != std::string_view::npos) return api::Pace::search;
  const bool is_slow = std::ranges::any_of(
      kSlow, [&](std::string_view word) { return text.find(word) != std::string_view::npos; });
  return is_slow ? api::Pace::slow : api::Pace::quick;
}

net::HttpResponse json_answer(int status, std::string_view text) {
  return finished(net::text_response(status, text, "application/json"));
}

net::HttpResponse error_text(int status, const std::string& message) {
  return json_answer(status, api::print_rpc_error({.message = message}));
}

}  // namespace

WebRpc::WebRpc(const Context& context, StoreDir store, api::KeyExport exports)
    : context_(context_like(context)),
      store_(std::move(store)),
      host_(context, store_, exports),
      strands_({.quick_threads = kQuickThreads,
                .slow_threads = kSlowThreads,
                .search_threads = kSearchThreads}) {}

WebRpc::~WebRpc() { stop(); }

Result<Done> WebRpc::start(const std::optional<crypto::SecretBytes>& passphrase) {
  BMSG_TRY(host_.store_keys().open(passphrase));
  BMSG_TRY(host_.start([this] {
    if (pump_) pump_->hurry();
  }));
  gateway_ = std::make_unique<api::WhisperGateway>(host_);
  pump_ = std::make_unique<RpcPump>(*context_, store_,
                                    RpcPump::Parts{.gateway = *gateway_,
                                                   .host = host_,
                                                   .offered = [this] { tell(); },
                                                   .locked = [this] { try_agent(); }});
  return pump_->start();
}

void WebRpc::stop() {
  stop_.request_stop();
  strands_.stop();
  if (pump_) pump_->stop();
  host_.stop();
}

std::optional<api::WebArea> WebRpc::area_of(const net::HttpRequest& request) {
  if (request.path != "/") return std::nullopt;
  if (request.method == net::Method::post) return api::WebArea::program_call;
  // A client that would rather speak HTTP/2 says so here, too, and is content with the page.
  std::string other(net::find_field(request.fields, "upgrade").value_or(""));
  std::ranges::transform(other, other.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return other == "websocket" ? std::optional(api::WebArea::program_socket) : std::nullopt;
}

net::HttpResponse WebRpc::refusal(const api::WebRefusal& refused) {
  return error_text(refused.status, refused.message);
}

void WebRpc::handle(net::HttpRequest request, const net::Respond& respond) {
  if (request.method == net::Method::get) return respond(channel_answer());
  constexpr int kTooLong = 413;
  if (request.body.size() > api::kRpcBytesMax)
    return respond(error_text(kTooLong, "more than 5 MiB at once"));
  call(request, respond);
}

void WebRpc::call(const net::HttpRequest& request, const net::Respond& respond) {
  const auto text = std::make_shared<const std::string>(to_string(request.body));
  const api::StrandId id = ++last_id_;
  const std::stop_source stop;
  {
    const std::lock_guard lock(asked_mutex_);
    asked_.emplace(id, Asked{request.has_left, stop});
  }
  const bool taken = strands_.post(id, pace_of(*text), text->size(), [=, this] {
    const auto answered = answer(*text, std::nullopt, stop);
    forget(id);
    respond(json_answer(200, answered.value_or(std::string())));  // Nothing is due for nothing.
  });
  constexpr int kBusy = 503;
  if (taken) return;
  forget(id);
  respond(error_text(kBusy, "too much is asked at once"));
}

void WebRpc::forget(api::StrandId id) {
  const std::lock_guard lock(asked_mutex_);
  asked_.erase(id);
}

void WebRpc::end_left() {
  const std::lock_guard lock(asked_mutex_);
  for (auto& [id, asked] : asked_) {
    if (asked.has_left && *asked.has_left) asked.stop.request_stop();
  }
}

/// Until somebody stops it, or all ends.
std::optional<std::string> WebRpc::answer(const std::string& text,
                                          std::optional<api::WhisperConnection> connection,
                                          std::stop_source stop) {
  const std::stop_callback ends(stop_.get_token(), [&stop] { stop.request_stop(); });
  return gateway_->answer(text, connection, stop.get_token());
}

net::HttpResponse WebRpc::channel_answer() {
  const auto line = std::make_shared<Line>();
  line->id = ++last_id_;
  auto offer = std::make_shared<net::ChannelOffer>();
  offer->kind = net::ChannelKind::web_socket;
  offer->opened = [this, line](std::shared_ptr<net::Channel> channel) {
    {
      const std::lock_guard lock(line->mutex);
      line->channel = std::move(channel);
    }
    const std::lock_guard lock(lines_mutex_);
    lines_.emplace(line->id, line);
  };
  offer->text = [this, line](std::string text) { take_text(line, std::move(text)); };
  offer->closed = [this, line] { close(line); };
  net::HttpResponse response = finished({});
  response.channel = std::move(offer);
  return response;
}

void WebRpc::take_text(const std::shared_ptr<Line>& line, std::string text) {
  const api::Pace pace = pace_of(text);
  const std::size_t bytes = text.size();
  const bool taken = strands_.post(
      line->id, pace, bytes, [this, line, text = std::move(text)] { answer_text(*line, text); });
  if (taken) return;
  const std::lock_guard lock(line->mutex);
  if (line->channel) line->channel->close();
}

/// What a subscription brings is lost to a client that does not know its id yet.
void WebRpc::answer_text(Line& line, const std::string& text) {
  if (text.find("subscribe") != std::string::npos) {
    const std::lock_guard lock(line.mutex);
    line.holds = true;
  }
  auto answered = answer(text, line.id, line.stop);
  const std::lock_guard lock(line.mutex);
  line.holds = false;
  if (line.closed) return gateway_->close(line.id);  // What it subscribed to meanwhile.
  if (answered) line.channel->send(std::make_shared<const std::string>(std::move(*answered)));
  send_notifications(line);
}

/// Under the line's lock.
void WebRpc::send_notifications(Line& line) {
  for (std::string& text : gateway_->take_notifications(line.id))
    line.channel->send(std::make_shared<const std::string>(std::move(text)));
}

void WebRpc::tell() {
  for (const api::WhisperConnection id : gateway_->take_ready()) {
    std::shared_ptr<Line> line;
    {
      const std::lock_guard lock(lines_mutex_);
      if (const auto at = lines_.find(id); at != lines_.end()) line = at->second;
    }
    if (!line) continue;
    const std::lock_guard lock(line->mutex);
    if (!line->holds && !line->closed) send_notifications(*line);
  }
}

void WebRpc::close(const std::shared_ptr<Line>& line) {
  {
    const std::lock_guard lock(lines_mutex_);
    lines_.erase(line->id);
  }
  {
    const std::lock_guard lock(line->mutex);
    line->closed = true;
    line->channel.reset();
  }
  line->stop.request_stop();
  strands_.drop(line->id);
  gateway_->close(line->id);
}

void WebRpc::follow(WebDesk& desk) {
  if (desk.check_open()) return change_keys(&desk.context().passphrase);
  if (gateway_->has_keys()) agent_is_stale_ = ask_agent(store_).has_value();
  change_keys(nullptr);
}

/// Null: closes them.
void WebRpc::change_keys(const std::optional<crypto::SecretBytes>* passphrase) {
  gateway_->change_keys([&] {
    if (passphrase == nullptr) return host_.store_keys().close();
    const auto opened = host_.store_keys().open(*passphrase);
    if (!opened)
      ServeLog(context_->out.noise())
          .write(LogLevel::warning, "keys of programs stay closed: " + opened.error().message);
  });
  pump_->hurry();
}

/// An agent that was started since then is somebody's word that they may be open.
void WebRpc::try_agent() {
  auto kept = ask_agent(store_);
  if (!kept) agent_is_stale_ = false;
  if (!kept || agent_is_stale_) return;
  const std::optional<crypto::SecretBytes> passphrase(std::move(kept->passphrase));
  change_keys(&passphrase);
}

}  // namespace bmsg::cli
