#include "cli/web_errands.h"

#include <algorithm>
#include <array>

#include "cli/web_answers.h"
#include "cli/web_desk.h"
#include "lib/api/web_form.h"
#include "lib/core/try.h"

namespace bmsg::cli {
namespace {

constexpr std::size_t kWaitingMax = 8;
constexpr const char* kSyncTimeout = "--timeout=2m";
const Error kEnds{Errc::try_again, "bmsg web ends; nothing more is asked of peers"};

std::string_view body_of(const net::HttpRequest& request) { return as_text(request.body); }

Result<InnerCommand> sync_command(const net::HttpRequest& request) {
  BMSG_TRY_ASSIGN(const auto form, api::WebForm::parse(body_of(request), {"url"}));
  InnerCommand command{.words = {"sync", kSyncTimeout}, .parts = {}};
  if (form.has("url")) {
    BMSG_TRY_ASSIGN(const auto url, form.filled("url"));
    command.words.insert(command.words.end(), {"--", url});
  }
  return command;
}

Result<InnerCommand> peer_command(const net::HttpRequest& request) {
  BMSG_TRY_ASSIGN(const auto form,
                  api::WebForm::parse(body_of(request), {"verb", "url", "node", "for"}));
  constexpr std::array kVerbs = {"add", "rm", "ban", "unban", "probe"};
  BMSG_TRY_ASSIGN(const auto verb, form.filled("verb"));
  BMSG_TRY_ASSIGN(const auto url, form.filled("url"));
  if (std::ranges::find(kVerbs, verb) == kVerbs.end())
    return Error{Errc::bad_input, "the page does nothing of this name to peers"};
  InnerCommand command{.words = {"peers", verb}, .parts = {}};
  if (verb == "add" && !form.text("node").empty())
    command.words.push_back("--node=" + form.text("node"));
  if (verb == "ban" && !form.text("for").empty())
    command.words.push_back("--for=" + form.text("for"));
  command.words.insert(command.words.end(), {"--", url});
  return command;
}

Result<InnerCommand> verify_command(const net::HttpRequest& request) {
  BMSG_TRY_ASSIGN(const auto form, api::WebForm::parse(body_of(request), {"depth"}));
  const std::string& depth = form.text("depth");
  if (depth != "quick" && depth != "full")
    return Error{Errc::bad_input, "'depth' is quick or full"};
  return InnerCommand{.words = {"verify", "--" + depth}, .parts = {}};
}

}  // namespace

WebErrands::Hand::Hand(const Context& like) : context(context_like(like)), worker(kWaitingMax) {}

WebErrands::WebErrands(const Context& context) : checker_(context), visitor_(context) {}

WebErrands::~WebErrands() { stop(); }

void WebErrands::stop() {
  stop_.request_stop();
  stop_verify();
  for (Hand* hand : {&checker_, &visitor_}) hand->worker.stop();
}

bool WebErrands::has(std::string_view path) {
  constexpr std::array kPaths = {"/api/verify/start", "/api/verify/stop", "/api/sync", "/api/peer"};
  return std::ranges::find(kPaths, path) != kPaths.end();
}

void WebErrands::handle(const net::HttpRequest& request, const net::Respond& respond) {
  if (request.path == "/api/verify/start") return verify(request, respond);
  if (request.path == "/api/verify/stop") {
    stop_verify();
    return respond(lines_answer(std::string()));
  }
  auto command = request.path == "/api/sync" ? sync_command(request) : peer_command(request);
  if (!command) return respond(error_answer(command.error()));
  command.value().parts.stop = stop_.get_token();
  give(visitor_, respond, std::move(command).value());
}

void WebErrands::verify(const net::HttpRequest& request, const net::Respond& respond) {
  auto command = verify_command(request);
  if (!command) return respond(error_answer(command.error()));
  InnerParts& parts = command.value().parts;
  {
    const std::lock_guard lock(mutex_);
    if (verifies_) return respond(error_answer({Errc::try_again, "the chain is being checked"}));
    verifies_ = true;
    verify_stop_ = std::stop_source();
    status_.reset();
    parts.stop = verify_stop_.get_token();
  }
  parts.on_status = [this](const api::StatusView& status) {
    const std::lock_guard lock(mutex_);
    status_ = status;
  };
  const auto done_with = [this, respond](net::HttpResponse response) {
    {
      const std::lock_guard lock(mutex_);
      verifies_ = false;
    }
    respond(std::move(response));
  };
  give(checker_, done_with, std::move(command).value());
}

void WebErrands::stop_verify() {
  const std::lock_guard lock(mutex_);
  verify_stop_.request_stop();
}

std::string WebErrands::progress() const {
  const std::lock_guard lock(mutex_);
  if (!verifies_) return {};
  const api::StatusView begun{.phase = "verify", .total = {}, .expected = {}, .p95 = {}};
  return api::status_json(status_.value_or(begun)) + "\n";
}

void WebErrands::give(Hand& hand, const net::Respond& respond, InnerCommand command) {
  const auto kept = std::make_shared<InnerCommand>(std::move(command));
  const bool taken = hand.worker.post([this, respond, kept, context = hand.context.get()] {
    if (stop_.stop_requested()) return respond(error_answer(kEnds));
    const auto end = run_inner(*context, std::move(*kept));
    respond(end ? lines_answer(lines_of(end.value())) : error_answer(end.error()));
  });
  if (!taken) respond(error_answer({Errc::try_again, "too much is asked at once"}));
}

}  // namespace bmsg::cli
