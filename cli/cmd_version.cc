// bmsg version: versions of the program, of its formats, and of what it is built from.

#include "cli/command.h"
#include "cli/store_dir.h"
#include "lib/api/json_objects.h"
#include "lib/api/versions.h"
#include "lib/crypto/version.h"
#include "storage/version.h"

namespace bmsg::cli {
namespace {

struct Options {};

/// Names and versions; the program's own stands first.
std::vector<std::pair<std::string, std::string>> versions() {
  std::vector<std::pair<std::string, std::string>> all = {
      {"bmsg", BMSG_VERSION},
      {"store", std::to_string(kStoreFormatNumber)},
      {"build", BMSG_BUILD_TYPE},
      {"rocksdb", storage::rocksdb_version()},
      {"openssl", crypto::openssl_version()}};
  const auto libraries = api::library_versions();
  all.insert(all.end(), libraries.begin(), libraries.end());
  return all;
}

Result<ExitCode> run(const Options&, Context& context) {
  if (context.options.json) {
    context.out.line(api::version_json(versions()));
    return ExitCode::ok;
  }
  for (const auto& [name, version] : versions()) context.out.line(name + " " + version);
  return ExitCode::ok;
}

}  // namespace

void add_version(Command app, Context& context) {
  add_command(app, context, "version", "Print the version", std::make_shared<Options>(), run);
}

}  // namespace bmsg::cli
