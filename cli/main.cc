// bmsg: parse, run, report. The last catch, and the only place that turns an outcome into a number.

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <new>
#include <sstream>
#include <system_error>

#include <CLI/CLI.hpp>

#include "cli/command.h"
#include "cli/completion.h"
#include "cli/environment.h"
#include "cli/heap.h"
#include "cli/manual.h"
#include "cli/no_memory.h"
#include "cli/progress.h"
#include "cli/report.h"
#include "cli/run_inner.h"
#include "cli/text.h"
#include "cli/usage.h"
#include "lib/api/json_objects.h"
#include "lib/core/try.h"
#include "lib/crypto/random.h"

namespace bmsg::cli {
namespace {

/// Standard descriptors that are closed are taken: a database must not get one of their numbers
/// and then our output. Reading gives nothing, writing fails.
void take_closed_descriptors() {
  for (int number = STDIN_FILENO; number <= STDERR_FILENO; ++number) {
    // The lowest free number is the one that is closed. Without it nothing can be said anyway.
    if (::fcntl(number, F_GETFD) == -1)
      (void)::open("/dev/null", number == STDIN_FILENO ? O_RDONLY : O_PATH);
  }
}

/// Leaves out of the PATH what is relative, for us and for whatever we start: "." in it, or nothing
/// between two colons, would let whoever owns the working directory bring our pager or editor.
void leave_out_relative_places() {
  const char* path = std::getenv("PATH");
  std::string kept;
  for (const std::string& place : CLI::detail::split(path == nullptr ? "" : path, ':')) {
    if (place.starts_with('/')) kept += (kept.empty() ? "" : ":") + place;
  }
  if (path == nullptr || kept == path) return;
  // An empty one would stand for the working directory, none at all for the system's places.
  kept.empty() ? ::unsetenv("PATH") : ::setenv("PATH", kept.c_str(), 1);
}

/// What must hold before anything secret is touched.
void harden() {
  take_closed_descriptors();
  leave_out_relative_places();
  listen_for_questions();
  ::umask(077);
  ::prctl(PR_SET_DUMPABLE, 0);
  const rlimit no_core{0, 0};
  ::setrlimit(RLIMIT_CORE, &no_core);
  ::signal(SIGXFSZ, SIG_IGN);  // A file size limit becomes an error of the write, not a death.
}

void add_global_options(CLI::App& app, Context& context) {
  GlobalOptions& options = context.options;
  const Command all(app);
  all.add_option("-C,--store", options.store, "The store to use")
      .type_name("DIR")
      .may_be_empty()
      .check([](const std::string& text) {  // Such as an unset variable.
        return std::string(text.empty() ? "an empty word names no store" : "");
      });
  all.add_option("--identity", options.identity, "Which identity to be").type_name("NAME");
  all.add_option("-c", options.settings, "Set a configuration key for this command")
      .type_name("KEY=VALUE")
      .one_value_each();
  all.add_flag("--json", options.json, "Answer in JSON, one object a line");
  all.add_flag("-q,--quiet", options.quiet, "Say nothing but results and errors");
  app.add_flag("-v,--verbose", options.verbose, "Say more on standard error");
  all.add_option("--color", options.color, "auto, always or never")
      .type_name("WHEN")
      .one_of({"auto", "always", "never"});
  all.add_flag("--no-pager", options.no_pager, "Never start a pager");
  all.add_flag("--no-input", options.no_input, "Never ask anything");
  all.add_option("--lock-timeout", options.lock_timeout, "How long to wait for another bmsg")
      .type_name("DUR");
  all.add_option("--log-file", options.log_file, "Append diagnostics to a file").type_name("FILE");
  all.add_option("--passphrase-file", options.passphrase_file,
                 "Read the passphrase from a file, or - for input")
      .type_name("FILE");
  all.add_option("--passphrase-fd", options.passphrase_fd, "Read the passphrase from a descriptor")
      .type_name("N");
  all.add_option("--passphrase-command", options.passphrase_command,
                 "Take the passphrase from a command's output")
      .type_name("CMD");
}

std::string text_of(const Error& error, bool json) {
  if (!json) return describe(error);
  const ExitCode code = exit_code_of(error.code);
  return api::error_json({static_cast<int>(code), name_of(code), error.message, hint_for(error)}) +
         "\n";
}

int report(const Context& context, const Error& error) {
  const ExitCode code = exit_code_of(error.code);
  // With -q, cron has no news of "try again".
  if (context.options.json || !context.options.quiet || code != ExitCode::try_again)
    context.out.tell(text_of(error, context.options.json));
  return static_cast<int>(code);
}

Error out_of_memory() {
  return {Errc::no_resource, std::string(kNoMemory),
          "nothing that was acknowledged is lost; end other programs, or raise the limit "
          "('ulimit -v', 'ulimit -u') and try again"};
}

/// --color, then BMSG_COLOR, then what other programs agreed upon.
bool wants_colors(const Context& context) {
  std::string when = context.options.color;
  if (when.empty()) when = from_environment("BMSG_COLOR");
  const auto settings = context.settings(nullptr);
  if (when.empty() && settings) when = settings.value().text("color.ui");
  if (when == "always" || when == "never") return when == "always";
  if (!from_environment("NO_COLOR").empty()) return false;
  if (!from_environment("CLICOLOR_FORCE").empty()) return true;
  return context.out.to_terminal() && from_environment("TERM") != "dumb";
}

/// What must be known when a command runs, which is inside parse().
Result<Done> prepare(Context& context) {
  GlobalOptions& options = context.options;
  if (options.json) {
    context.out.set_noise(Noise::warnings);
    end_where_memory_ends(text_of(out_of_memory(), true));
  }
  if (options.verbose > 0) context.out.set_noise(Noise::verbose);
  if (options.quiet) context.out.set_noise(Noise::quiet);
  if (!from_environment("BMSG_NO_INPUT").empty()) options.no_input = true;
  if (!options.json) context.out.set_colors(wants_colors(context));
  // Commands that need no settings refuse wrong ones too.
  for (const std::string& one : options.settings) BMSG_TRY(Settings().add_assignment(one));
  return options.log_file.empty() ? Result<Done>(done) : context.out.log_to(options.log_file);
}

int finish(Context& context) {
  if (!context.outcome) return static_cast<int>(ExitCode::ok);
  const auto flushed = context.out.end();
  if (!*context.outcome) return report(context, context.outcome->error());
  if (!flushed) return report(context, flushed.error());
  return static_cast<int>(context.outcome->value());
}

/// Help and version: results like any other. At a terminal --help opens the manual page; -h never.
int help(const CLI::App& app, const CLI::ParseError& error, Context& context,
         const std::vector<std::string>& words) {
  const auto end = std::ranges::find(words, "--");
  const bool wants_page = std::find(words.begin(), end, "--help") != end;
  if (wants_page && context.out.to_terminal() && !context.options.no_pager) {
    const auto named = app.get_subcommands();
    open_page(named.empty() ? "bmsg" : "bmsg-" + named.front()->get_name());
  }
  std::ostringstream text;
  (void)app.exit(error, text, text);  // Zero: it was asked for.
  context.out.raw(text.str());
  context.outcome = ExitCode::ok;
  return finish(context);
}

/// Which commands the parser knows.
enum class Known { named, all };

/// The parser; nullptr if no command is named.
std::unique_ptr<CLI::App> make_parser(Context& context, Known known,
                                      const std::vector<std::string>& words) {
  auto app = std::make_unique<CLI::App>(
      "Encrypted mail for shells, cron and pipelines, on a chain that shows any change", "bmsg");
  app->require_subcommand(1);
  app->fallthrough();
  app->set_version_flag("--version", BMSG_VERSION);
  add_global_options(*app, context);
  if (known == Known::named && !add_named_commands(Command(*app), context, words)) return nullptr;
  if (known == Known::all) add_commands(Command(*app), context);
  app->parse_complete_callback([&context] {
    auto prepared = prepare(context);
    if (prepared) return;
    context.outcome = prepared.error();
    throw CLI::RuntimeError(1);  // Only to leave the parser: the outcome says which.
  });
  return app;
}

/// Parses what is for bmsg, and runs the command if all of it fits.
void parse(CLI::App& app, Context& context, std::vector<std::string> words) {
  words = parted(app, words);
  const auto end = words.begin() + static_cast<std::ptrdiff_t>(own_words(app, words));
  context.program_words.assign(end, words.end());
  words.erase(end, words.end());
  std::ranges::reverse(words);  // As the parser wants them.
  app.parse(std::move(words));
}

/// `bmsg __complete -- WORDS`. Not the parser's business: unfinished words are no mistakes here.
int complete(Context& context, std::vector<std::string> words) {
  const auto app = make_parser(context, Known::all, {});
  words.erase(words.begin());
  if (!words.empty() && words.front() == "--") words.erase(words.begin());
  for (const std::string& line : completions(*app, context, words)) context.out.line(line);
  return context.out.flush() ? 0 : static_cast<int>(ExitCode::io);
}

/// Runs the command if all words fit what the parser knows.
bool run_named(Context& context, const std::vector<std::string>& words) {
  auto app = make_parser(context, Known::named, words);
  if (!app) return false;
  try {
    parse(*app, context, words);
  } catch (const CLI::RuntimeError&) {
    return true;
  } catch (const CLI::ParseError&) {
    context.options = GlobalOptions();  // What is wrong is said with all commands in view.
    return false;
  }
  (void)app.release();  // The process ends; taking it apart would only take time.
  return true;
}

int run(int argc, char** argv) {
  std::vector<std::string> words(argv + std::min(argc, 1), argv + argc);
  SystemClock clock;
  SystemDisk disk;
  crypto::SystemEntropy entropy;
  Context context(clock, disk, entropy);
  if (!words.empty() && words.front() == "__complete") return complete(context, words);
  if (run_named(context, words)) return finish(context);
  auto app = make_parser(context, Known::all, {});
  run_extension(*app, context, words);
  try {
    parse(*app, context, words);  // Runs the chosen command, which sets context.outcome.
  } catch (const CLI::RuntimeError&) {
    return finish(context);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return help(*app, error, context, words);
    words.resize(own_words(*app, words));
    context.options.json = wants_json(words);
    return report(context, usage_error(*app, error, words));
  }
  (void)app.release();  // As above.
  return finish(context);
}

[[noreturn]] void end_by_surprise(const std::exception& error) {
  std::fprintf(stderr, "bmsg: error: unexpected: %s\n", shown_line(error.what()).c_str());
  std::_Exit(static_cast<int>(ExitCode::software));
}

/// What nobody catches ends here, on any thread, and before anything is unwound.
[[noreturn]] void end_by_exception() {
  if (std::current_exception() == nullptr) std::abort();
  try {
    throw;
  } catch (const std::bad_alloc&) {
    end_without_memory();
  } catch (const std::system_error& error) {
    // Of all that we use only a thread throws this, which the system did not let begin.
    if (error.code() == std::errc::resource_unavailable_try_again) end_without_memory();
    end_by_surprise(error);
  } catch (const std::exception& error) {
    end_by_surprise(error);
  }
  std::abort();
}

}  // namespace

Result<Done> parse_inner(CLI::App& app, const std::vector<std::string>& words) {
  const auto whole = parted(app, words);
  try {
    app.parse(std::vector<std::string>(whole.rbegin(), whole.rend()));  // As the parser wants them.
  } catch (const CLI::ParseError& error) {
    return usage_error(app, error, words);
  }
  return done;
}

}  // namespace bmsg::cli

int main(int argc, char** argv) {
  bmsg::cli::end_where_memory_ends(bmsg::cli::text_of(bmsg::cli::out_of_memory(), false));
  std::set_terminate(bmsg::cli::end_by_exception);
  bmsg::cli::give_large_memory_back();
  bmsg::cli::grow_in_large_steps();
  bmsg::cli::harden();
  bmsg::crypto::begin_without_settings();
  const int code = bmsg::cli::run(argc, argv);
  std::fflush(nullptr);
  // Everything of ours has ended; what libraries would free now, the system frees faster.
  std::_Exit(code);
}
