// bmsg-discover: leaves this node's record in a distributed hash table, and learns those of others.
//
// A program of its own because of its library: OpenDHT is under the GPL, version 3 or later, and so
// is this program once it is linked. It knows the store's files and the words of bmsg(1), nothing
// of its inside, and opens no keyring and no database.

#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <ctime>

#include <CLI/CLI.hpp>

#include "cli/discover/seeker.h"
#include "cli/exit_code.h"
#include "cli/report.h"
#include "lib/api/json_objects.h"
#include "lib/core/clock.h"
#include "lib/core/disk.h"
#include "lib/core/try.h"
#include "lib/crypto/random.h"
#include "lib/node/peer_record.h"

namespace bmsg::discover {
namespace {

using cli::ExitCode;

struct Words {
  SeekerOptions options;
  bool once = false;
  bool json = false;
};

void declare(CLI::App& app, Words& words) {
  SeekerOptions& options = words.options;
  app.set_version_flag("--version", BMSG_VERSION);
  app.add_option("-C,--store", options.store, "The store to use")->type_name("DIR");
  app.add_option("--bootstrap", options.bootstrap, "A node of the table; again for more")
      ->type_name("HOST:PORT")
      ->allow_extra_args(false);
  app.add_option("--port", options.port, "UDP port (any that is free)")->type_name("N");
  app.add_flag("--once", words.once, "Put, look and end");
  app.add_option("--advertise", options.advertise, "Where others reach this node")
      ->type_name("HOST:PORT");
  app.add_option("--secret-file", options.secret_file, "The secret that members share")
      ->type_name("FILE");
  app.add_option("--chain", options.chain, "Look once for this chain; there is no store")
      ->type_name("ID");
  app.add_flag("--json", words.json, "Answer in JSON, one object a line");
}

int report(const Error& error, bool json) {
  const ExitCode code = cli::exit_code_of(error.code);
  const std::string text = json ? api::error_json({static_cast<int>(code), cli::name_of(code),
                                                   error.message, cli::hint_for(error)}) +
                                      "\n"
                                : cli::describe(error);
  std::fputs(text.c_str(), stderr);
  return static_cast<int>(code);
}

/// A full disk behind standard output must not look like success.
Result<Done> flush() {
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return done;
  return Error{Errc::io, fmt::format("cannot write standard output: {}", std::strerror(errno))};
}

/// Waits for the next round; true if somebody asks us to end.
bool rest(const sigset_t& signals, std::chrono::seconds longest) {
  const timespec time{static_cast<std::time_t>(longest.count()), 0};
  return ::sigtimedwait(&signals, nullptr, &time) > 0;
}

/// All that is known of who is there, as "bmsg peers learn" reads it.
Result<ExitCode> look_once(Seeker& seeker) {
  BMSG_TRY_ASSIGN(const auto records, seeker.look_once());
  std::fputs(node::print_peer_records(records).c_str(), stdout);
  BMSG_TRY(flush());
  return ExitCode::ok;
}

Result<ExitCode> seek(Words& words, Seeker& seeker, const sigset_t& signals) {
  const auto print = [&](const node::Peer& peer, UnixSeconds now) {
    const std::string line = words.json ? api::peer_json(peer, now) : "found " + peer.url;
    std::fputs((line + "\n").c_str(), stdout);
  };
  for (;;) {
    const auto turn = seeker.turn(print);
    BMSG_TRY(flush());
    if (words.once) {
      if (!turn) return turn.error();
      return ExitCode::ok;
    }
    if (!turn) (void)report(turn.error(), words.json);  // The next round may do.
    if (rest(signals, turn ? kTurnEvery : kTurnAgain)) return ExitCode::ok;
  }
}

int run(Words& words) {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals, signal);
  // Before any thread begins; with --once they end us as they always do.
  if (!words.once) ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  SystemClock clock;
  SystemDisk disk;
  crypto::SystemEntropy entropy;
  if (words.once && words.options.bootstrap.empty()) {
    return report({Errc::bad_usage, "--once needs --bootstrap: nobody comes by in so short a time"},
                  words.json);
  }
  if (!words.options.chain.empty() && (!words.once || words.json))
    return report({Errc::bad_usage, "--chain goes with --once, and without --json"}, words.json);
  auto seeker = Seeker::open(words.options, clock, disk, entropy);
  if (!seeker) return report(seeker.error(), words.json);
  const bool has_store = words.options.chain.empty();
  const auto ended = has_store ? seek(words, *seeker.value(), signals) : look_once(*seeker.value());
  return ended ? static_cast<int>(ended.value()) : report(ended.error(), words.json);
}

int parse(int argc, char** argv) {
  CLI::App app("Meet nodes of the chain in a distributed hash table", "bmsg-discover");
  Words words;
  declare(app, words);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);  // Help and version were asked for.
    return report({Errc::bad_usage, error.what(), "bmsg-discover --help lists the options"},
                  words.json);
  }
  return run(words);
}

}  // namespace
}  // namespace bmsg::discover

int main(int argc, char** argv) {
  ::umask(077);  // It reads the node's key, and perhaps a secret.
  ::prctl(PR_SET_DUMPABLE, 0);
  const rlimit no_core{0, 0};
  ::setrlimit(RLIMIT_CORE, &no_core);
  bmsg::crypto::begin_without_settings();
  try {
    return bmsg::discover::parse(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bmsg-discover: error: unexpected: %s\n", error.what());
    return static_cast<int>(bmsg::cli::ExitCode::software);
  }
}
