#include "cli/web_mail_routes.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "cli/web_answers.h"
#include "cli/web_mail.h"
#include "lib/api/web_mail_input.h"
#include "lib/core/try.h"

namespace bmsg::cli {
namespace {

constexpr std::size_t kFetchesMax = 8;  // That wait for the one before.
constexpr std::array<std::string_view, 4> kPaths = {"/api/events", "/api/progress",
                                                    "/api/file/fetch", "/api/file/piece"};
const Error kTooMuch{Errc::try_again, "too much is asked at once"};
const Error kEnds{Errc::try_again, "bmsg web ends; nothing more is asked of peers"};

std::string text_in(const net::HttpRequest& request, std::string_view name) {
  const auto found = request.query.find(name);
  return found == request.query.end() ? std::string() : found->second;
}

Result<std::uint64_t> number_in(const net::HttpRequest& request, std::string_view name) {
  const std::string text = text_in(request, name);
  std::uint64_t number = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  if (!text.empty() && read.ec == std::errc() && read.ptr == text.data() + text.size())
    return number;
  return Error{Errc::bad_input, fmt::format("'{}' is no number from 0 on", name)};
}

/// Never shown, whatever is in it: saved, under a name that is safe.
Result<net::HttpResponse> piece_answer(WebFiles& files, const net::HttpRequest& request) {
  BMSG_TRY_ASSIGN(const auto at, number_in(request, "at"));
  BMSG_TRY_ASSIGN(auto piece, files.piece(text_in(request, "file"), at));
  net::HttpResponse response{.status = 200,
                             .content_type = "application/octet-stream",
                             .fields = {{"Content-Disposition", api::saved_as(piece.name)}},
                             .body = std::move(piece.bytes)};
  return finished(std::move(response));
}

}  // namespace

void WorkBoard::note(const api::StatusView& status) {
  const std::lock_guard lock(mutex_);
  if (!status.phase.empty()) known_[status.phase] = status;
  if (status.phase.empty()) std::erase_if(known_, [](auto& one) { return one.first != "mine"; });
}

void WorkBoard::end_mining() {
  const std::lock_guard lock(mutex_);
  known_.erase("mine");
}

std::string WorkBoard::lines() const {
  const std::lock_guard lock(mutex_);
  std::string lines;
  for (const auto& [phase, status] : known_) lines += api::status_json(status) + "\n";
  return lines;
}

WebMailRoutes::WebMailRoutes(const Context& context, StoreDir store, WebNews::Post post,
                             WebNews::Judge judge, AtDesk at_desk)
    : store_(std::move(store)),
      at_desk_(std::move(at_desk)),
      news_(context, store_, std::move(post), std::move(judge)),
      fetching_context_(context_like(context)),
      fetching_(kFetchesMax) {
  fetching_context_->inner.stop = stop_.get_token();
}

bool WebMailRoutes::has(std::string_view path) {
  return std::ranges::find(kPaths, path) != kPaths.end();
}

bool WebMailRoutes::is_change(std::string_view path) { return path == "/api/file/fetch"; }

bool WebMailRoutes::is_news(std::string_view path) {
  return path == "/api/events" || path == "/api/progress";
}

void WebMailRoutes::handle(const std::shared_ptr<net::HttpRequest>& request,
                           const net::Respond& respond) {
  if (request->path == "/api/progress") return respond(lines_answer(board_.lines()));
  if (request->path == "/api/file/fetch") return fetch(request, respond);
  if (request->path == "/api/file/piece") return give_piece(request, respond);
  auto stream = news_.open(request);
  respond(stream ? finished(std::move(*stream)) : error_answer(kTooMuch));
}

/// Where the keys are, what is wanted; and on a thread of its own, since peers may take long.
void WebMailRoutes::fetch(const std::shared_ptr<net::HttpRequest>& request,
                          const net::Respond& respond) {
  const bool taken = at_desk_([this, request, respond](WebDesk& desk) {
    auto found = chosen_file(desk, as_text(request->body));
    if (!found) return respond(error_answer(found.error()));
    const auto chosen = std::make_shared<ChosenFile>(std::move(found).value());
    WebFiles* files = &desk.files();
    const bool waits = fetching_.post([this, chosen, files, respond] {
      if (stop_.stop_requested()) return respond(error_answer(kEnds));
      const auto got = fetch_for_page(*fetching_context_, store_, *files, *chosen);
      respond(got ? lines_answer(got.value()) : error_answer(got.error()));
    });
    if (!waits) respond(error_answer(kTooMuch));
  });
  if (!taken) respond(error_answer(kTooMuch));
}

void WebMailRoutes::give_piece(const std::shared_ptr<net::HttpRequest>& request,
                               const net::Respond& respond) {
  const bool taken = at_desk_([request, respond](WebDesk& desk) {
    auto answer = piece_answer(desk.files(), *request);
    respond(answer ? std::move(answer).value() : error_answer(answer.error()));
  });
  if (!taken) respond(error_answer(kTooMuch));
}

void WebMailRoutes::stop() {
  stop_.request_stop();
  news_.stop();
  fetching_.stop();
}

}  // namespace bmsg::cli
