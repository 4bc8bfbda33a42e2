#include "tests/support/tidy.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <fstream>
#include <initializer_list>
#include <iterator>
#include <optional>
#include <regex>
#include <set>
#include <sstream>

namespace bmsg::testing {
namespace {

namespace fs = std::filesystem;
using Faults = std::vector<std::string>;

constexpr std::size_t kLineColumnsMax = 100;
constexpr std::size_t kFunctionLinesMax = 60;
constexpr std::size_t kFileLinesMax = 400;

struct Floor {
  std::string_view folder;
  std::vector<std::string_view> below;
};

// The table of lib/README.md.
const std::vector<Floor>& floors() {
  static const std::vector<Floor> table = {
      {"lib/core", {}},
      {"lib/crypto", {"lib/core"}},
      {"lib/chain", {"lib/core", "lib/crypto"}},
      {"lib/net", {"lib/core"}},
      {"lib/node", {"lib/core", "lib/crypto", "lib/chain"}},
      {"lib/mail", {"lib/core", "lib/crypto", "lib/chain", "lib/node"}},
      {"lib/api", {"lib/core", "lib/crypto", "lib/chain", "lib/net", "lib/node", "lib/mail"}},
      {"storage", {"lib/core", "lib/chain", "lib/node", "lib/mail"}},
      {"cli",
       {"lib/core", "lib/crypto", "lib/chain", "lib/net", "lib/node", "lib/mail", "lib/api",
        "storage"}},
  };
  return table;
}

struct Contained {
  std::string_view hint;  // A plain word that every match holds: the regular expression is slow.
  std::regex pattern;
  std::vector<std::string_view> homes;
};

const std::vector<Contained>& contained() {
  static const std::vector<Contained> table = {
      {"<openssl/", std::regex("#include <openssl/"), {"lib/crypto/"}},
      {"<secp256k1", std::regex("#include <secp256k1"), {"lib/crypto/"}},
      {"<rocksdb/", std::regex("#include <rocksdb/"), {"storage/"}},
      {"<CLI/", std::regex("#include <CLI/"), {"cli/"}},
      {"<nlohmann/", std::regex("#include <nlohmann/"), {"lib/api/"}},
      {"<opendht/", std::regex("#include <opendht/"), {"cli/discover/"}},
      {"<boost/", std::regex("#include <boost/(asio|beast)"), {"lib/net/"}},
      {".h>", std::regex(R"(#include <(sys/socket|sys/un|netdb|poll)\.h>)"), {"lib/net/"}},
      {"_clock::now(", std::regex(R"(_clock::now\()"), {"lib/core/clock"}},
      {"throw", std::regex(R"(\bthrow\b)"), {"cli/main.cc", "cli/discover/", "lib/core/thread"}},
      {"catch (",
       std::regex(R"(\bcatch \()"),
       {"cli/main.cc", "cli/discover/", "lib/core/thread", "lib/net/loop"}},
      {"std::c", std::regex(R"(\bstd::(cout|cerr)\b)"), {"cli/", "lib/core/check.h"}},
      {"printf(", std::regex(R"(\bprintf\()"), {"cli/", "lib/core/check.h"}},
  };
  return table;
}

bool is_source(const std::string& path) { return path.ends_with(".h") || path.ends_with(".cc"); }
bool is_test(const std::string& path) { return path.starts_with("tests/"); }

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

std::string at(const std::string& path, std::size_t index) {
  return path + ":" + std::to_string(index + 1) + ": ";
}

const Floor* floor_of(std::string_view path) {
  const auto found = std::ranges::find_if(floors(), [&](const Floor& floor) {
    return path.starts_with(floor.folder) && path.substr(floor.folder.size()).starts_with('/');
  });
  return found == floors().end() ? nullptr : &*found;
}

/// What stands between the quotes of an include of ours; nullopt on every other line.
std::optional<std::string_view> included_path(std::string_view line) {
  constexpr std::string_view kStart = "#include \"";
  if (!line.starts_with(kStart)) return std::nullopt;
  line.remove_prefix(kStart.size());
  return line.substr(0, line.find('"'));
}

/// A column is a character, not a byte: UTF-8's continuation bytes do not count.
std::size_t columns(std::string_view line) {
  return static_cast<std::size_t>(std::ranges::count_if(
      line, [](char c) { return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U; }));
}

std::string_view without_trailing_space(std::string_view line) {
  while (!line.empty() && std::isspace(static_cast<unsigned char>(line.back())) != 0) {
    line.remove_suffix(1);
  }
  return line;
}

bool begins_function(const std::vector<std::string>& lines, std::size_t index) {
  static const std::regex other(
      R"(^(namespace|struct|class|enum|extern|union|const|constexpr|static const)\b)");
  const std::string& line = lines[index];
  if (line.empty() || (std::isalpha(static_cast<unsigned char>(line[0])) == 0 && line[0] != '_')) {
    return false;
  }
  if (!without_trailing_space(line).ends_with('{')) return false;
  const auto from =
      lines.begin() + static_cast<std::ptrdiff_t>(index - std::min<std::size_t>(index, 6));
  const auto to = lines.begin() + static_cast<std::ptrdiff_t>(index) + 1;
  const bool has_parameters =
      std::any_of(from, to, [](const std::string& l) { return l.find('(') != std::string::npos; });
  return has_parameters && !std::regex_search(line, other);
}

void add_long_functions(const std::string& path, const std::vector<std::string>& lines,
                        Faults& faults) {
  const auto ends = [](const std::string& line) { return line.starts_with('}'); };
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (!begins_function(lines, i)) continue;
    const auto begin = lines.begin() + static_cast<std::ptrdiff_t>(i);
    const auto end = std::find_if(begin + 1, lines.end(), ends);
    if (end == lines.end()) return;
    const auto length = static_cast<std::size_t>(end - begin) + 1;
    if (length > kFunctionLinesMax) {
      faults.push_back(at(path, i) + "function of " + std::to_string(length) + " lines");
    }
    i += length - 1;
  }
}

/// `file` as seen from the directory of `list`; CMake's names of the root are understood.
std::string resolve(const std::string& list, std::string file) {
  for (const std::string_view root : {"${PROJECT_SOURCE_DIR}/", "${CMAKE_SOURCE_DIR}/"}) {
    if (file.starts_with(root)) return fs::path(file.substr(root.size())).lexically_normal();
  }
  return (fs::path(list).parent_path() / file).lexically_normal();
}

std::set<std::string> named_sources(const Tree& tree) {
  static const std::regex name(R"([^\s()]+\.cc\b)");
  std::set<std::string> named;
  for (const auto& [path, text] : tree) {
    if (!path.ends_with("CMakeLists.txt")) continue;
    for (std::sregex_iterator it(text.begin(), text.end(), name), end; it != end; ++it) {
      named.insert(resolve(path, it->str()));
    }
  }
  return named;
}

std::vector<std::string> enumerators(const std::string& text, std::string_view enumeration) {
  const auto start = text.find("enum class " + std::string(enumeration) + " ");
  if (start == std::string::npos) return {};
  const auto open = text.find('{', start);
  const auto body = text.substr(open + 1, text.find('}', open) - open - 1);
  static const std::regex name(R"(^\s*(\w+)\s*(=[^,]*)?,)");
  std::vector<std::string> names;
  for (const auto& line : lines_of(body)) {
    if (std::smatch found; std::regex_search(line, found, name)) names.push_back(found[1]);
  }
  return names;
}

bool is_written_by_people(const std::string& path) {
  const bool hidden = path.starts_with(".") && !path.starts_with(".ci/");
  if (hidden || path.starts_with("build") || path.find("__pycache__") != std::string::npos) {
    return false;
  }
  constexpr std::array kEndings = {".h", ".cc", ".txt", ".sh", ".py", ".md", ".1", ".5", ".7"};
  return path == "dev" || path.starts_with(".ci/") ||
         std::ranges::any_of(kEndings, [&](const char* ending) { return path.ends_with(ending); });
}

}  // namespace

Tree read_tree(const fs::path& root) {
  Tree tree;
  for (auto it = fs::recursive_directory_iterator(root); it != fs::recursive_directory_iterator();
       ++it) {
    const std::string path = it->path().lexically_relative(root);
    if (it->is_directory() && (path.starts_with("build") || path == ".git")) {
      it.disable_recursion_pending();
    }
    if (!it->is_regular_file() || !is_written_by_people(path)) continue;
    std::ifstream in(it->path(), std::ios::binary);
    tree[path] = std::string(std::istreambuf_iterator<char>(in), {});
  }
  return tree;
}

Faults find_climbing_includes(const Tree& tree) {
  Faults faults;
  for (const auto& [path, text] : tree) {
    const Floor* own = floor_of(path);
    if (!is_source(path) || own == nullptr) continue;
    const auto lines = lines_of(text);
    for (std::size_t i = 0; i < lines.size(); ++i) {
      const auto target = included_path(lines[i]);
      const Floor* other = target ? floor_of(*target) : nullptr;
      if (other == nullptr || other == own) continue;
      if (std::ranges::find(own->below, other->folder) != own->below.end()) continue;
      faults.push_back(at(path, i) + std::string(own->folder) + " may not include " +
                       std::string(other->folder));
    }
  }
  return faults;
}

Faults find_foreign_words(const Tree& tree) {
  Faults faults;
  for (const auto& [path, text] : tree) {
    if (!is_source(path) || is_test(path)) continue;
    const auto lines = lines_of(text);
    for (std::size_t i = 0; i < lines.size(); ++i) {
      const std::string statement = lines[i].substr(0, lines[i].find("//"));
      for (const auto& [hint, pattern, homes] : contained()) {
        const bool home = std::ranges::any_of(
            homes, [&](std::string_view folder) { return path.starts_with(folder); });
        if (home || statement.find(hint) == std::string::npos) continue;
        if (!std::regex_search(statement, pattern)) continue;
        faults.push_back(at(path, i) + statement + " belongs in " + std::string(homes.front()));
      }
    }
  }
  return faults;
}

Faults find_long_things(const Tree& tree) {
  Faults faults;
  for (const auto& [path, text] : tree) {
    if (!is_source(path)) continue;
    const auto lines = lines_of(text);
    if (lines.size() > kFileLinesMax) {
      faults.push_back(path + ": " + std::to_string(lines.size()) + " lines");
    }
    for (std::size_t i = 0; i < lines.size(); ++i) {
      if (columns(lines[i]) > kLineColumnsMax) faults.push_back(at(path, i) + "line too long");
    }
    if (!is_test(path)) add_long_functions(path, lines, faults);  // Tables of cases are long.
  }
  return faults;
}

Faults find_leftover_words(const Tree& tree) {
  static const std::regex word(R"(\b(TO)"
                               R"(DO|FIX)"
                               R"(ME|X)"
                               R"(XX|HA)"
                               R"(CK)\b)");
  static const std::regex issue(R"(#\d)");
  Faults faults;
  for (const auto& [path, text] : tree) {
    const auto lines = lines_of(text);
    for (std::size_t i = 0; i < lines.size(); ++i) {
      if (!std::regex_search(lines[i], word) || std::regex_search(lines[i], issue)) continue;
      faults.push_back(at(path, i) + "leftover word without an issue");
    }
  }
  return faults;
}

Faults find_unbuilt_sources(const Tree& tree) {
  const auto named = named_sources(tree);
  Faults faults;
  for (const auto& [path, text] : tree) {
    if (path.ends_with(".cc") && !named.contains(path)) {
      faults.push_back(path + ": no CMakeLists.txt names it");
    }
  }
  return faults;
}

Faults find_untested_enumerators(const Tree& tree, std::string_view header,
                                 std::string_view enumeration) {
  const auto found = tree.find(std::string(header));
  if (found == tree.end()) return {std::string(header) + ": no such file"};
  std::set<std::string> seen;
  const std::regex use(std::string(enumeration) + R"(::(\w+))");
  for (const auto& [path, text] : tree) {
    // A fake that returns a code is no test of it.
    if (!is_test(path) || !is_source(path) || path.starts_with("tests/support/")) continue;
    for (std::sregex_iterator it(text.begin(), text.end(), use), end; it != end; ++it) {
      seen.insert((*it)[1]);
    }
  }
  const auto names = enumerators(found->second, enumeration);
  Faults faults;
  if (names.empty()) faults.push_back(std::string(header) + ": no enumerator found");
  for (const auto& name : names) {
    if (seen.contains(name)) continue;
    faults.push_back(std::string(enumeration) + "::" + name + ": no test names it");
  }
  return faults;
}

}  // namespace bmsg::testing
