// The page of `bmsg web`, which travels in the program: files of lib/web and Bootstrap's styles.

#pragma once

#include <string_view>
#include <vector>

namespace bmsg::api {

/// One file of the page.
struct WebAsset {
  std::string_view path;  // "/app.js".
  std::string_view type;  // Its Content-Type.
  std::string_view bytes;
};

/// All of them; the page itself is "/".
const std::vector<WebAsset>& web_assets();

}  // namespace bmsg::api
