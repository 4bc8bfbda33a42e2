#include "cli/web_link.h"

#include <fmt/format.h>
#include <unistd.h>

#include "cli/run_program.h"
#include "lib/core/try.h"

namespace bmsg::cli {
namespace {

constexpr std::chrono::seconds kBrowserPatience{5};

}  // namespace

WebLink::~WebLink() {
  if (open_) (void)context_.disk.remove(page_);  // What it says lets nobody in any more.
}

Result<Done> WebLink::tell(const std::string& token) {
  const std::lock_guard lock(mutex_);
  return show(fmt::format("{}/#t={}", place_, token));
}

Result<Done> WebLink::tell_and_open(const std::string& token) {
  const std::lock_guard lock(mutex_);
  const std::string url = fmt::format("{}/#t={}", place_, token);
  BMSG_TRY(show(url));
  return open_ ? open_browser(url) : Result<Done>(done);
}

Result<Done> WebLink::show(const std::string& url) {
  if (!file_.empty()) {
    const auto written = context_.disk.replace(file_, as_bytes(url + "\n"));
    if (written) return done;
    return Error{Errc::exists, fmt::format("--link-file '{}' cannot be written: {}", file_,
                                           written.error().message)};
  }
  if (::isatty(STDERR_FILENO) == 1)
    context_.out.tell(fmt::format("bmsg: open this once: {}\n", url));
  return done;
}

/// Others on this machine see the words of a program, so the link goes by a file of ours.
Result<Done> WebLink::open_browser(const std::string& url) {
  const std::string text = fmt::format(
      "<!doctype html><meta charset=utf-8><title>bmsg</title>"
      "<meta http-equiv=refresh content=\"0;url={}\">\n",
      url);
  BMSG_TRY(context_.disk.make_directory(page_.parent_path()));
  BMSG_TRY(context_.disk.replace(page_, as_bytes(text)));
  const auto ended = run_program({.words = {"xdg-open", page_.string()},
                                  .limit = kBrowserPatience,
                                  .at_limit = AtLimit::left_running,
                                  .output = ProgramOutput::nothing});
  // Where no desktop takes over, it is the browser.
  if (!ended.succeeded() && ended.end != ProgramEnd::out_of_time)
    context_.out.warn(fmt::format("no browser was opened, xdg-open {}: open '{}' in one",
                                  words_for(ended), page_.string()));
  return done;
}

}  // namespace bmsg::cli
