// bmsg: parse, run, report. The only catch, and the only place that turns an outcome into a number.

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <cstdio>
#include <new>

#include <CLI/CLI.hpp>

#include "cli/command.h"
#include "cli/report.h"
#include "lib/api/json_objects.h"
#include "lib/crypto/random.h"

namespace bmsg::cli {
namespace {

/// What must hold before anything secret is touched.
void harden() {
  ::umask(077);
  ::prctl(PR_SET_DUMPABLE, 0);
  const rlimit no_core{0, 0};
  ::setrlimit(RLIMIT_CORE, &no_core);
  ::signal(SIGXFSZ, SIG_IGN);  // A file size limit becomes an error of the write, not a death.
}

void add_global_options(CLI::App& app, Context& context) {
  GlobalOptions& options = context.options;
  app.add_option("-C,--store", options.store, "The store to use")->type_name("DIR");
  app.add_option("--identity", options.identity, "Which identity to be")->type_name("NAME");
  app.add_option("-c", options.settings, "Set a configuration key for this command")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
  app.add_flag("--json", options.json, "Answer in JSON, one object a line");
  app.add_flag("-q,--quiet", options.quiet, "Say nothing but results and errors");
  app.add_flag("-v,--verbose", options.verbose, "Say more on standard error");
  app.add_option("--color", options.color, "auto, always or never")
      ->type_name("WHEN")
      ->check(CLI::IsMember({"auto", "always", "never"}));
  app.add_flag("--no-pager", options.no_pager, "Never start a pager");
  app.add_flag("--no-input", options.no_input, "Never ask anything");
  app.add_option("--lock-timeout", options.lock_timeout, "How long to wait for another bmsg")
      ->type_name("DUR");
  app.add_option("--log-file", options.log_file, "Append diagnostics to a file")->type_name("FILE");
  app.add_option("--passphrase-file", options.passphrase_file,
                 "Read the passphrase from a file, or - for input")
      ->type_name("FILE");
  app.add_option("--passphrase-fd", options.passphrase_fd, "Read the passphrase from a descriptor")
      ->type_name("N");
  app.add_option("--passphrase-command", options.passphrase_command,
                 "Take the passphrase from a command's output")
      ->type_name("CMD");
}

int report(const Context& context, const Error& error) {
  const ExitCode code = exit_code_of(error.code);
  if (context.options.json) {
    const std::string line =
        api::error_json({static_cast<int>(code), name_of(code), error.message, hint_for(error)});
    std::fprintf(stderr, "%s\n", line.c_str());
  } else if (!context.options.quiet || code != ExitCode::try_again) {
    std::fputs(describe(error).c_str(), stderr);  // With -q, cron has no news of "try again".
  }
  return static_cast<int>(code);
}

/// What is wrong with the words of a command, with the nearest that would have been right.
Error usage_error(const CLI::App& app, const CLI::ParseError& error, int argc, char** argv) {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    names.push_back(command->get_name());
  }
  const auto is_command = [&](const std::string& word) {
    return std::ranges::find(names, word) != names.end();
  };
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (is_command(word)) break;
    const CLI::Option* before = i > 1 ? app.get_option_no_throw(argv[i - 1]) : nullptr;
    const bool is_value = before != nullptr && before->get_items_expected_max() > 0;
    if (word.starts_with('-') || is_value) continue;
    const std::string near = nearest(word, names);
    return Error{Errc::bad_usage,
                 near.empty() ? "unknown command '" + word + "'"
                              : "unknown command '" + word + "', did you mean '" + near + "'"};
  }
  std::string text = error.what();
  if (const auto end = text.find('\n'); end != std::string::npos) text.resize(end);
  return Error{Errc::bad_usage, text.empty() ? "a command is needed" : text};
}

int finish(Context& context) {
  if (!context.outcome) return static_cast<int>(ExitCode::ok);
  const auto flushed = context.out.flush();
  if (!*context.outcome) return report(context, context.outcome->error());
  if (!flushed) return report(context, flushed.error());
  return static_cast<int>(context.outcome->value());
}

bool wants_json(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    if (std::string_view(argv[i]) == "--json") return true;
    if (std::string_view(argv[i]) == "--") return false;
  }
  return false;
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
  if (known == Known::named && !add_named_commands(*app, context, words)) return nullptr;
  if (known == Known::all) add_commands(*app, context);
  // Noise must be known when a command runs, which is inside parse().
  app->parse_complete_callback([&context] {
    if (context.options.verbose > 0) context.out.set_noise(Noise::verbose);
    if (context.options.quiet) context.out.set_noise(Noise::quiet);
  });
  return app;
}

/// Runs the command if all words fit what the parser knows.
bool run_named(Context& context, int argc, char** argv) {
  auto app = make_parser(context, Known::named, {argv + 1, argv + argc});
  if (!app) return false;
  try {
    app->parse(argc, argv);
  } catch (const CLI::ParseError&) {
    context.options = GlobalOptions();  // What is wrong is said with all commands in view.
    return false;
  }
  (void)app.release();  // The process ends; taking it apart would only take time.
  return true;
}

int run(int argc, char** argv) {
  SystemClock clock;
  SystemDisk disk;
  crypto::SystemEntropy entropy;
  Context context(clock, disk, entropy);
  if (run_named(context, argc, argv)) return finish(context);
  auto app = make_parser(context, Known::all, {});
  try {
    app->parse(argc, argv);  // Runs the chosen command, which sets context.outcome.
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app->exit(error);  // Help and version.
    context.options.json = wants_json(argc, argv);
    return report(context, usage_error(*app, error, argc, argv));
  }
  (void)app.release();  // As above.
  return finish(context);
}

}  // namespace
}  // namespace bmsg::cli

int main(int argc, char** argv) {
  bmsg::cli::harden();
  bmsg::crypto::begin_without_settings();
  try {
    const int code = bmsg::cli::run(argc, argv);
    std::fflush(nullptr);
    // Everything of ours has ended; what libraries would free now, the system frees faster.
    std::_Exit(code);
  } catch (const std::bad_alloc&) {
    std::fputs("bmsg: error: out of memory\n", stderr);
    return static_cast<int>(bmsg::cli::ExitCode::os_error);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bmsg: error: unexpected: %s\n", error.what());
    return static_cast<int>(bmsg::cli::ExitCode::software);
  }
}
