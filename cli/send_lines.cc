#include "cli/send_lines.h"

#include <chrono>
#include <utility>
#include <vector>

#include "cli/deliver.h"
#include "cli/line_input.h"
#include "cli/report.h"
#include "cli/session.h"
#include "lib/api/send_line.h"
#include "lib/core/try.h"

namespace bmsg::cli {
namespace {

// Nobody waits longer for an answer than they gain by the company.
constexpr std::size_t kTogetherMax = 1024;
constexpr std::size_t kTogetherBytesMax = 4u << 20;
constexpr std::chrono::milliseconds kTogetherFor{250};

Result<SendRequest> request_of(const std::string& line, const SendOptions& options) {
  BMSG_TRY_ASSIGN(auto given, api::parse_send_line(line));
  if (given.body.empty() && options.allow_empty.empty() && given.attachments.empty())
    return Error{Errc::bad_usage, "the message is empty"};
  BMSG_TRY_ASSIGN(auto files, attachment_wishes(given.attachments, {}));
  return SendRequest{.to = std::move(given.to),
                     .body = std::move(given.body),
                     .subject = given.subject,
                     .audience = given.open ? mail::Audience::open : mail::Audience::sealed,
                     .topic = given.topic,
                     .reply_to = given.reply_to,
                     .expires = given.expires.empty() ? options.expires : given.expires,
                     .key = given.key,
                     .once = options.once,
                     .ask_ack = options.ask_ack || given.ask_ack,
                     .attachments = std::move(files)};
}

/// Answers that nobody has been told yet.
class Answers {
 public:
  Answers(Sender& sender, const SendOptions& options, Context& context)
      : sender_(sender), options_(options), context_(context) {}

  /// Sends what a line says; durable and told with the next tell().
  void send(const std::string& line);
  /// Whether that has to be now.
  bool is_full() const {
    return answers_.size() >= kTogetherMax || sender_.gathered_bytes() >= kTogetherBytesMax ||
           (!answers_.empty() && context_.clock.steady() - since_ >= kTogetherFor);
  }
  Result<Done> tell();
  ExitCode outcome() const { return outcome_; }

 private:
  Result<Queued> answer(const std::string& line);
  void tell_error(const Error& error);

  Sender& sender_;
  const SendOptions& options_;
  Context& context_;
  std::vector<Result<Queued>> answers_;
  std::chrono::steady_clock::time_point since_;  // The first of them.
  ExitCode outcome_ = ExitCode::ok;
};

Result<Queued> Answers::answer(const std::string& line) {
  BMSG_TRY_ASSIGN(const auto request, request_of(line, options_));
  if (options_.dry_run) {
    if (!answers_.empty()) BMSG_TRY(tell());  // This line's answer comes after them.
    BMSG_TRY(send_dry(sender_, request, context_));
    return Queued();
  }
  // These are durable by themselves, and may want a conversation that the others have.
  const bool alone = !request.key.empty() || !request.once.empty() || !request.attachments.empty();
  if (alone && !answers_.empty()) BMSG_TRY(tell());
  return sender_.send(request, std::stop_token());
}

void Answers::send(const std::string& line) {
  if (answers_.empty()) since_ = context_.clock.steady();
  auto answered = answer(line);
  if (!answered && answered.error().code == Errc::locked && !answers_.empty()) {
    // Another send has this conversation, and may wait for one of ours.
    const auto told = tell();
    answered = told ? answer(line) : Result<Queued>(told.error());
  }
  answers_.push_back(std::move(answered));
}

void Answers::tell_error(const Error& error) {
  const ExitCode code = exit_code_of(error.code);
  context_.out.line(
      api::error_json({static_cast<int>(code), name_of(code), error.message, hint_for(error)}));
  outcome_ = ExitCode::partial;
}

Result<Done> Answers::tell() {
  const auto kept = sender_.keep();
  for (const Result<Queued>& answer : std::exchange(answers_, {})) {
    if (!answer) {
      tell_error(answer.error());
    } else if (!kept && answer.value().gathered) {
      tell_error(kept.error());
    } else if (!options_.dry_run) {
      print_queued(context_, answer.value());
    }
  }
  return context_.out.flush();
}

}  // namespace

Result<ExitCode> send_lines(int descriptor, const SendOptions& options, const StoreDir& store,
                            Context& context) {
  BMSG_TRY_ASSIGN(auto sender, Sender::open(context, store, policy_of(options)));
  sender.gather();
  Answers answers(sender, options, context);
  LineInput input(descriptor, api::kSendLineBytesMax);
  Result<bool> more = true;
  for (std::string line; (more = input.next(line)) && more.value();) {
    if (!line.empty()) answers.send(line);
    if (answers.is_full() || !input.has_line()) BMSG_TRY(answers.tell());
  }
  BMSG_TRY(answers.tell());
  poke_node(store);
  if (!more) return more.error();
  return answers.outcome();
}

}  // namespace bmsg::cli
