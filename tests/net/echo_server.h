// EchoServer: a real HttpServer on a free port, with a handler for each thing that tests ask.

#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "lib/core/check.h"
#include "lib/core/clock.h"
#include "lib/net/http_server.h"

namespace bmsg::net {

inline Listener on_loopback() {
  return Listener{.address = {Scheme::http, "127.0.0.1", 0, {}}, .identity = {}};
}

/// Paths: /echo gives the body back; /path and below, the path; /hold keeps the answer until
/// release(); /drop never answers; /size?bytes=N, that many bytes; all others 404.
class EchoServer {
 public:
  explicit EchoServer(const ServerOptions& options = {},
                      const std::vector<Listener>& listeners = {on_loopback()}) {
    auto started = HttpServer::start(
        listeners, [this](HttpRequest request, Respond respond) { handle(request, respond); },
        options, clock_);
    check(bool(started), "the server does not start");
    server_ = std::move(started).value();
  }

  HttpServer& server() { return *server_; }
  Address address(std::size_t i = 0) const { return server_->bound_addresses()[i]; }
  int requests() const { return requests_; }
  Peer last_peer() const {
    const std::lock_guard lock(mutex_);
    return last_peer_;
  }
  /// Whether the caller of the last request still waits.
  bool is_awaited() const {
    const std::lock_guard lock(mutex_);
    return !has_left_ || !*has_left_;
  }
  std::size_t held_count() const {
    const std::lock_guard lock(mutex_);
    return held_.size();
  }
  /// Answers everything held, from the calling thread.
  void release() {
    std::vector<Respond> all;
    {
      const std::lock_guard lock(mutex_);
      all.swap(held_);
    }
    for (const Respond& respond : all) respond(text_response(200, "released"));
  }

 private:
  void handle(const HttpRequest& request, const Respond& respond) {
    ++requests_;
    {
      const std::lock_guard lock(mutex_);
      last_peer_ = request.peer;
      has_left_ = request.has_left;
      if (request.path == "/hold") held_.push_back(respond);
    }
    if (request.path == "/hold" || request.path == "/drop") return;
    if (request.path == "/size") {
      const auto size = std::stoul(request.query.at("bytes"));
      return respond(HttpResponse{200, "application/octet-stream", {}, Bytes(size, 'x')});
    }
    if (request.path.starts_with("/path")) return respond(text_response(200, request.path));
    if (request.path != "/echo") return respond(text_response(404, "no"));
    HttpResponse response = text_response(200, "");
    response.body = request.body;
    respond(std::move(response));
  }

  SystemClock clock_;
  std::atomic<int> requests_ = 0;
  mutable std::mutex mutex_;
  Peer last_peer_;
  std::shared_ptr<const std::atomic<bool>> has_left_;
  std::vector<Respond> held_;
  std::unique_ptr<HttpServer> server_;  // Last: its thread uses the members above.
};

}  // namespace bmsg::net
