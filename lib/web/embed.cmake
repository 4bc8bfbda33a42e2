# Writes the source that holds the files of the page: cmake -DOUT=... -DASSETS=... -P embed.cmake.
# Each asset is "path|type|file".
set(arrays "")
set(rows "")
set(number 0)
string(REPLACE "," ";" assets "${ASSETS}")
foreach(asset IN LISTS assets)
  string(REPLACE "|" ";" parts "${asset}")
  list(GET parts 0 path)
  list(GET parts 1 type)
  list(GET parts 2 file)
  file(READ "${file}" hex HEX)
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
  string(APPEND arrays "constexpr unsigned char kAsset${number}[] = {${bytes}};\n")
  string(APPEND rows "      {\"${path}\", \"${type}\",\n       "
    "{reinterpret_cast<const char*>(kAsset${number}), sizeof kAsset${number}}},\n")
  math(EXPR number "${number} + 1")
endforeach()
file(WRITE "${OUT}" "#include \"lib/api/web_assets.h\"

namespace bmsg::api {
namespace {

${arrays}
}  // namespace

const std::vector<WebAsset>& web_assets() {
  static const std::vector<WebAsset> all = {
${rows}  };
  return all;
}

}  // namespace bmsg::api
")
