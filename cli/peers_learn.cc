#include "cli/peers_learn.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/plumbing.h"
#include "cli/session.h"
#include "lib/core/try.h"
#include "lib/node/peer_record.h"
#include "lib/node/peer_table.h"

namespace bmsg::cli {
namespace {

constexpr std::size_t kLinesMax = 1'000;

}  // namespace

Result<ExitCode> learn_peers(Context& context) {
  BMSG_TRY_ASSIGN(const auto store, context.store());
  BMSG_TRY_ASSIGN(const auto input, read_input(kLinesMax * (node::kPeerRecordBytesMax + 1)));
  std::vector<node::PeerRecord> records;
  std::string_view rest = as_text(input);
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    auto record = node::parse_peer_record(line);
    if (record) records.push_back(std::move(record).value());
  }
  BMSG_TRY_ASSIGN(const auto session, open_node(context, store));
  const node::Told told{.source = node::PeerSource::dht, .by = "dht"};
  std::size_t learned = 0;
  for (std::size_t at = 0; at < records.size(); at += node::kRecordsPerAnswerMax) {
    const auto begin = records.begin() + static_cast<std::ptrdiff_t>(at);
    const auto count = std::min(records.size() - at, node::kRecordsPerAnswerMax);
    const std::vector<node::PeerRecord> some(begin, begin + static_cast<std::ptrdiff_t>(count));
    BMSG_TRY_ASSIGN(const std::size_t more, session->service().learn_peers(some, told));
    learned += more;
  }
  context.out.detail(fmt::format("{} records, {} new", records.size(), learned));
  return ExitCode::ok;
}

}  // namespace bmsg::cli
