// A program of the user's, called without a shell: its words as they are given, bytes on its
// standard input, and how it ended.

#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace bmsg::cli {

/// Where what the program prints goes.
enum class ProgramOutput {
  inherited,   // To where ours goes.
  results,     // Standard output is collected; what it complains of is dropped.
  everything,  // Standard output and standard error are collected, as they come.
  nothing,     // All is dropped.
};

/// What becomes of SIGINT, SIGTERM and SIGHUP that this process gets meanwhile.
enum class OurSignals {
  apart,      // What they always do.
  passed_on,  // They go to the program, which has a few seconds to end; a second one kills it.
              // Only one such call at a time in a process.
};

/// What becomes of a program that goes on beyond its limit.
enum class AtLimit { killed, left_running };

/// What to call, and how.
struct ProgramCall {
  std::vector<std::string> words = {};  // The first is looked for in PATH, unless it has a slash.
  std::string input = {};
  std::map<std::string, std::string> variables = {};    // Added to our environment.
  std::optional<std::chrono::milliseconds> limit = {};  // After it the whole process group, then
                                                        // one of its own, is killed.
  AtLimit at_limit = AtLimit::killed;
  ProgramOutput output = ProgramOutput::inherited;
  OurSignals signals = OurSignals::apart;
};

enum class ProgramEnd { exited, killed, not_started, out_of_time };

struct ProgramResult {
  ProgramEnd end = ProgramEnd::not_started;
  int status = 0;  // The exit code; the signal that killed it; why it did not start (errno).
  std::string output = {};  // What was collected, not more than kProgramOutputBytesMax.
  int our_signal = 0;       // The one that was passed on; 0: none came.

  bool succeeded() const { return end == ProgramEnd::exited && status == 0; }
};

inline constexpr std::size_t kProgramOutputBytesMax = 1u << 20;

/// Runs the program to its end. It begins with no signal blocked, and with the usual ones ignored
/// or not as this process was given them.
ProgramResult run_program(const ProgramCall& call);

/// "exited with 3", "was killed by signal 9 (Killed)", "cannot be started: No such file or
/// directory", "ran out of time".
std::string words_for(const ProgramResult& result);

}  // namespace bmsg::cli
