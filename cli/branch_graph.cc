#include "cli/branch_graph.h"

#include <set>

#include "lib/core/try.h"

namespace bmsg::cli {
namespace {

bool crosses(const SideBranch& branch, std::uint32_t height) {
  return branch.first() <= height && height <= branch.last();
}

std::string without_trailing_spaces(std::string text) {
  text.erase(text.find_last_not_of(' ') + 1);
  return text;
}

}  // namespace

Result<std::vector<SideBranch>> side_branches(const node::ChainReader& chain) {
  std::vector<SideBranch> branches;
  std::set<BlockHash> listed;
  BMSG_TRY_ASSIGN(const auto tips, chain.tips());
  for (const node::StoredHeader& tip : tips) {
    SideBranch branch;
    for (std::optional at = tip; at && at->branch == node::Branch::side;) {
      if (!listed.insert(at->hash).second) break;
      branch.blocks.push_back(*at);
      BMSG_TRY_ASSIGN(at, chain.header(branch.blocks.back().sealed.header.previous));
    }
    if (!branch.blocks.empty()) branches.push_back(std::move(branch));
  }
  return branches;
}

std::string graph_mark(const std::vector<SideBranch>& branches, std::size_t column,
                       std::uint32_t height) {
  std::string text = column == 0 ? "* " : "| ";
  for (std::size_t i = 0; i < branches.size(); ++i) {
    const bool here = column == i + 1;
    text += here ? "* " : crosses(branches[i], height) ? "| " : "  ";
  }
  return without_trailing_spaces(std::move(text)) + " ";
}

std::string graph_joins(const std::vector<SideBranch>& branches, std::uint32_t height) {
  std::string text = "|";
  bool any = false;
  for (const SideBranch& branch : branches) {
    const bool leaves = branch.first() == height;
    any = any || leaves;
    text += leaves ? "/ " : crosses(branch, height) ? " |" : "  ";
  }
  return any ? without_trailing_spaces(std::move(text)) : std::string();
}

}  // namespace bmsg::cli
