// Plumbing: check-header, the rules of a header that need no parent and no store.

#include <fmt/format.h>

#include "cli/command.h"
#include "cli/plumbing.h"
#include "lib/chain/block_hash.h"
#include "lib/chain/work.h"
#include "lib/core/codec.h"
#include "lib/core/hex.h"
#include "lib/core/limits.h"
#include "lib/core/try.h"

namespace bmsg::cli {
namespace {

struct Options {};

/// Genesis is computed, and blocks of an endorse chain are signed: neither bears work.
Result<Done> check_work(const Header& header) {
  const bool bears_none = header.height.value == 0 || header.bits.value == 0;
  if (bears_none) {
    if (header.nonce == 0) return done;
    return Error{Errc::bad_input,
                 fmt::format("breaks the rule 'work': nonce {}, expected 0", header.nonce)};
  }
  const auto target = chain::target_of(header.bits);
  if (!target) {
    return Error{Errc::bad_input,
                 fmt::format("breaks the rule 'bits': {:08x} names no target", header.bits.value)};
  }
  const BlockHash hash = chain::hash_of(header);
  if (chain::meets(hash, *target)) return done;
  return Error{Errc::bad_input, fmt::format("breaks the rule 'work': hash {}, target {}",
                                            to_hex(hash.view().first(32)), to_hex(target->view()))};
}

Result<ExitCode> run(const Options&, Context& context) {
  BMSG_TRY_ASSIGN(const auto bytes, read_input(kHeaderBytes));
  BMSG_TRY_ASSIGN(const auto header, decode_header(bytes));
  BMSG_TRY(check_work(header));
  print_id(context, "block", to_hex(chain::hash_of(header).view()));
  return ExitCode::ok;
}

}  // namespace

void add_check_header(Command app, Context& context) {
  add_command(app, context, "check-header", "Check a header's own work",
              std::make_shared<Options>(), run);
}

}  // namespace bmsg::cli
