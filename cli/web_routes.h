// What `bmsg web` answers: the files of the page, and the questions that it asks of the store.

#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>

#include "cli/command.h"
#include "cli/web_desk.h"
#include "cli/web_errands.h"
#include "cli/web_mail_routes.h"
#include "cli/web_rest.h"
#include "cli/web_rpc.h"
#include "lib/api/web_door.h"
#include "lib/api/worker.h"
#include "lib/net/http_server.h"

namespace bmsg::cli {

/// Where the routes stand among what they need.
struct WebPlace {
  Context& context;
  StoreDir store;
  api::WebDoorOptions door;
  std::function<void(std::function<void()>)> post;          // Onto the thread of the server.
  std::function<void(const std::string& token)> tell_link;  // Of a link that was made by itself.
  bool rest = false;                                        // The paper's routes, too.
  WebRpc* rpc = nullptr;                                    // Null: not offered.
};

/// The door stands before every answer. What takes time happens on two threads of its own: one for
/// all that opens the store, one for mining.
/// Threads: one, that of the server; but for the constructor and stop().
/// Source:  bmsg-web(1).
class WebRoutes {
 public:
  WebRoutes(WebPlace place, WebDesk& desk);
  ~WebRoutes();

  void handle(net::HttpRequest request, net::Respond respond);
  Result<std::string> new_link() { return door_.new_link(); }
  /// Closes door and keys if nobody did anything for too long.
  void lock_if_idle();
  /// Ends what runs, and waits for it.
  void stop();

 private:
  using Ask = std::function<Result<std::string>(WebDesk& desk)>;

  void change(const std::shared_ptr<net::HttpRequest>& request, const net::Respond& respond);
  void enter(const net::HttpRequest& request, const net::Respond& respond);
  void unlock(const std::shared_ptr<net::HttpRequest>& request, const net::Respond& respond);
  void mine(const net::Respond& respond);
  void stop_mining();
  std::stop_token sending();
  void stop_sending();
  void errand(const std::shared_ptr<net::HttpRequest>& request, const net::Respond& respond);
  void secrets(net::HttpRequest& request, const net::Respond& respond);
  void leave(const net::Respond& respond);
  void ask(const net::Respond& respond, Ask question);
  bool at_desk(std::function<void(WebDesk&)> question);
  void forget_keys();
  void close();
  void tell_link();

  WebPlace place_;
  WebDesk& desk_;
  api::WebDoor door_;
  std::unique_ptr<Context> mining_context_;  // A context is for one thread.
  WebErrands errands_;
  std::stop_source stop_;
  std::mutex mining_mutex_;
  std::stop_source mining_stop_;
  std::mutex sending_mutex_;
  std::stop_source sending_;
  std::atomic<bool> mines_ = false;
  api::Worker desk_worker_;
  api::Worker mining_worker_;
  WebMailRoutes mail_;
  std::unique_ptr<WebRest> rest_;  // Null: not offered.
};

}  // namespace bmsg::cli
