// The link that lets one browser in, once, and how its person learns of it.

#pragma once

#include <mutex>
#include <string>

#include "cli/command.h"

namespace bmsg::cli {

/// Threads: any.
class WebLink {
 public:
  /// `file`: where to write it; empty: to the terminal behind standard error, if there is one.
  WebLink(Context& context, const StoreDir& store, std::string place, std::string file, bool open)
      : context_(context),
        page_(store.run() / "page.html"),
        place_(std::move(place)),
        file_(std::move(file)),
        open_(open) {}
  ~WebLink();
  WebLink(const WebLink&) = delete;
  WebLink& operator=(const WebLink&) = delete;

  /// Errors: Errc::exists if the file cannot be made.
  Result<Done> tell(const std::string& token);
  /// The same, and has the browser go there if that was asked for.
  Result<Done> tell_and_open(const std::string& token);

 private:
  Result<Done> show(const std::string& url);
  Result<Done> open_browser(const std::string& url);

  Context& context_;
  std::filesystem::path page_;
  std::string place_;  // "http://127.0.0.1:8787".
  std::string file_;
  bool open_;
  std::mutex mutex_;
};

}  // namespace bmsg::cli
