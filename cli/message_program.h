// A program of the user's that is given one message: what it is told, and what its end means.

#pragma once

#include <string>
#include <vector>

#include "cli/mailroom.h"
#include "cli/run_program.h"

namespace bmsg::cli {

/// The call: the message as the object of bmsg-json(5), with its body, on standard input; BMSG_ID,
/// BMSG_FROM, BMSG_FROM_NAME, BMSG_THREAD and BMSG_STORE in the environment. Never the body there.
ProgramCall message_call(const std::vector<std::string>& words, const StoreDir& store,
                         const Mailroom& room, const mail::MailText& text);

enum class Verdict {
  handled,
  again,       // It says so (75), was killed, or the system had no room for it: not its fault.
  failed,      // Any other exit code.
  impossible,  // There is no such program, or it may not be run.
};
Verdict verdict_of(const ProgramResult& result);

}  // namespace bmsg::cli
