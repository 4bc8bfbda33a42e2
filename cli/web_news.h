// Tells the page what has changed, whoever changed it, over streams that stay open.

#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "cli/command.h"
#include "cli/file_marks.h"
#include "lib/net/channel.h"
#include "lib/net/http_message.h"

namespace bmsg::cli {

/// One thread looks at the files of the store, and only while somebody listens. Whoever listens is
/// told by an event `state` with the object of that name: once at the beginning, then after each
/// change. A stream ends with the session that asked for it.
/// Threads: one, that of the server; but for the constructor and stop().
class WebNews {
 public:
  /// Runs work on the thread of the server.
  using Post = std::function<void(std::function<void()>)>;
  /// Whether a request would still be let in.
  using Judge = std::function<bool(const net::HttpRequest&)>;

  WebNews(const Context& context, StoreDir store, Post post, Judge judge);
  ~WebNews();

  /// A stream for whoever asks; nullopt: too many are open.
  std::optional<net::HttpResponse> open(const std::shared_ptr<net::HttpRequest>& request);
  /// Ends those whose session has ended.
  void end_locked_out();
  /// Ends the watching, and waits for it.
  void stop();

 private:
  struct Stream {
    std::shared_ptr<net::HttpRequest> request;
    std::shared_ptr<net::Channel> channel;
    bool knows = false;  // How things stand: it was told once.
  };
  enum class To { all, those_who_know_nothing };
  /// Lives as long as a stream may still be told of.
  struct Streams;

  void run();
  bool wait_for_listener();
  std::shared_ptr<const std::string> read_state();
  FileMarks marks() const;
  void send(const std::shared_ptr<const std::string>& text, To whom);
  void note_listeners();

  std::unique_ptr<Context> context_;  // Of the thread.
  StoreDir store_;
  Post post_;
  Judge judge_;
  std::shared_ptr<Streams> streams_;
  std::chrono::milliseconds pause_{0};  // Of the thread.

  std::mutex mutex_;
  std::condition_variable woken_;
  std::size_t listeners_ = 0;
  bool is_new_ = false;  // Somebody who knows nothing yet.
  bool stopping_ = false;
  std::thread thread_;  // Last: it uses the others.
};

}  // namespace bmsg::cli
