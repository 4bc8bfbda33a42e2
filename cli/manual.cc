#include "cli/manual.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <utility>

#include "cli/environment.h"
#include "cli/run_program.h"

namespace bmsg::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::pair<std::string_view, std::string_view>, 10> kTopics = {
    {{"tutorial", "bmsg-tutorial"},
     {"security", "bmsg-security"},
     {"protocol", "bmsg-protocol"},
     {"store", "bmsg-store"},
     {"hooks", "bmsg-hooks"},
     {"json", "bmsg-json"},
     {"format", "bmsg-format"},
     {"formats", "bmsg-format"},
     {"environment", "bmsg"},
     {"exit-codes", "bmsg"}}};

/// The page of this very program: below the prefix that it was installed under, or in the sources
/// that it was built in. man(1) might know that of another version.
fs::path find_beside(const std::string& page) {
  std::error_code none;  // Then there is nothing beside it.
  const fs::path place = fs::read_symlink("/proc/self/exe", none).parent_path().parent_path();
  for (const char* section : {"1", "5", "7"}) {
    const std::string file = page + "." + section;
    const fs::path folder = place / "share" / "man" / (std::string("man") + section);
    for (const fs::path& path : {folder / (file + ".gz"), folder / file, place / "man" / file}) {
      if (fs::is_regular_file(path, none)) return path;
    }
  }
  return {};
}

/// Where a page lies; empty if nobody knows.
std::string find_page(const std::string& page) {
  if (const fs::path beside = find_beside(page); !beside.empty()) return beside;
  // man(1) itself says nothing useful of a page that is not there.
  const auto known = run_program({.words = {"man", "-w", page}, .output = ProgramOutput::results});
  return known.succeeded() ? known.output.substr(0, known.output.find('\n')) : std::string();
}

}  // namespace

void open_page(const std::string& page) {
  const std::string file = find_page(page);
  if (file.empty()) return;
  if (const auto pager = from_environment("BMSG_PAGER"); !pager.empty())
    ::setenv("MANPAGER", pager.c_str(), 1);
  ::execlp("man", "man", "-l", file.c_str(), nullptr);
  ::execlp("mandoc", "mandoc", "-a", file.c_str(), nullptr);
}

std::optional<std::string> page_of_topic(std::string_view topic) {
  const auto* const at =
      std::ranges::find(kTopics, topic, [](const auto& one) { return one.first; });
  return at == kTopics.end() ? std::nullopt : std::optional<std::string>(at->second);
}

}  // namespace bmsg::cli
