#include "cli/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <csignal>

#include "cli/text.h"

namespace bmsg::cli {
namespace {

constexpr std::chrono::milliseconds kSilence{500};
constexpr std::chrono::milliseconds kBetween{200};

volatile std::sig_atomic_t asked = 0;  // All that a signal handler may touch.

void note_question(int) { asked = 1; }

}  // namespace

void listen_for_questions() {
  struct sigaction action {};
  action.sa_handler = note_question;
  action.sa_flags = SA_RESTART;
  ::sigemptyset(&action.sa_mask);
  (void)::sigaction(SIGUSR1, &action, nullptr);  // Fails for signals that do not exist.
}

void add_progress_option(Command command, Context& context) {
  command.add_option("--progress", context.options.progress, "auto (at a terminal), json or off")
      .type_name("HOW")
      .one_of({"auto", "json", "off"});
}

Progress::Progress(Context& context)
    : context_(context), began_(context.clock.steady()), next_(began_ + kSilence) {
  const std::string& how = context.options.progress;
  const bool is_watched = ::isatty(STDERR_FILENO) == 1 && context.out.noise() != Noise::quiet;
  if (how == "json") form_ = Form::json;
  if (how == "auto" && is_watched && !context.options.json) form_ = Form::line;
}

Progress::~Progress() {
  if (is_shown_) (void)!::write(STDERR_FILENO, "\r\x1b[K", 4);  // Nobody misses it.
}

void Progress::tell(const std::string& line, const api::StatusView& status, Form form) {
  if (form == Form::none) return;
  if (form == Form::json) {
    const std::string text = api::status_json(status) + "\n";
    (void)!::write(STDERR_FILENO, text.data(), text.size());  // Nobody misses a line of progress.
    return;
  }
  const std::string fitting = fitted(shown_line(line), context_.out.columns() - 1);
  const std::string text = fmt::format("\r\x1b[K{}", fitting);
  (void)!::write(STDERR_FILENO, text.data(), text.size());  // As above.
  is_shown_ = true;
}

void Progress::count_blocks(const std::string& phase, std::uint64_t finished, std::uint64_t total) {
  const double seconds = std::chrono::duration<double>(context_.clock.steady() - began_).count();
  const double rate = seconds > 0 ? static_cast<double>(finished) / seconds : 0;
  update(fmt::format("{}: {} of {} blocks, {:.0f} blocks/s", phase, finished, total, rate),
         {.phase = phase,
          .finished = finished,
          .total = total,
          .rate = rate,
          .expected = std::nullopt,
          .p95 = std::nullopt});
}

void Progress::update(const std::string& line, api::StatusView status) {
  const auto now = context_.clock.steady();
  status.elapsed = std::chrono::duration<double>(now - began_).count();
  if (asked != 0) {
    asked = 0;
    if (is_shown_) (void)!::write(STDERR_FILENO, "\r\x1b[K", 4);  // As above.
    const bool json = form_ == Form::json || context_.options.json;
    context_.out.tell((json ? api::status_json(status) : "bmsg: " + shown_line(line)) + "\n");
  }
  if (now < next_) return;
  next_ = now + kBetween;
  if (context_.inner.on_status) context_.inner.on_status(status);
  tell(line, status, form_);
}

}  // namespace bmsg::cli
