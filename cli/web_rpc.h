// JSON-RPC for Whisper's clients on the path "/", by POST and over WebSockets.

#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>

#include "cli/rpc_host.h"
#include "cli/rpc_pump.h"
#include "cli/web_desk.h"
#include "lib/api/strands.h"
#include "lib/api/web_door.h"
#include "lib/net/channel.h"
#include "lib/net/http_server.h"

namespace bmsg::cli {

/// Answers what the door has let in, on threads of its own: calls of one connection in order, and
/// none waits for another one's work on a stamp.
/// Threads: as said at each member.
/// Source:  bmsg-web(1), "Whisper's clients".
class WebRpc {
 public:
  WebRpc(const Context& context, StoreDir store, api::KeyExport exports);
  ~WebRpc();

  /// Opens keys and store. Errors: as RpcKeys, RpcPump.
  Result<Done> start(const std::optional<crypto::SecretBytes>& passphrase);
  /// Ends what runs, and waits for it.
  void stop();

  /// What a request is to the door; nullopt if it is no call.
  static std::optional<api::WebArea> area_of(const net::HttpRequest& request);
  /// What a refused call is told, in words that its client reads.
  static net::HttpResponse refusal(const api::WebRefusal& refused);
  /// Ends the calls whose callers have left. Threads: any.
  void end_left();
  /// Threads: that of the server.
  void handle(net::HttpRequest request, const net::Respond& respond);

  /// The desk has opened or closed its keys, or changed the passphrase: so do we. Threads: that of
  /// the desk.
  void follow(WebDesk& desk);

 private:
  /// A WebSocket.
  struct Line {
    api::WhisperConnection id = 0;
    std::mutex mutex;  // Of what follows, and of the order of what is sent.
    std::shared_ptr<net::Channel> channel;
    bool holds = false;  // An answer is due before what it subscribes to.
    bool closed = false;
    std::stop_source stop;  // Ends its calls.
  };

  /// A call by POST that is not answered yet.
  struct Asked {
    std::shared_ptr<const std::atomic<bool>> has_left;
    std::stop_source stop;
  };

  void call(const net::HttpRequest& request, const net::Respond& respond);
  net::HttpResponse channel_answer();
  void take_text(const std::shared_ptr<Line>& line, std::string text);
  void answer_text(Line& line, const std::string& text);
  std::optional<std::string> answer(const std::string& text,
                                    std::optional<api::WhisperConnection> connection,
                                    std::stop_source stop);
  void forget(api::StrandId id);
  void send_notifications(Line& line);
  void tell();
  void close(const std::shared_ptr<Line>& line);
  void try_agent();
  void change_keys(const std::optional<crypto::SecretBytes>* passphrase);

  std::unique_ptr<Context> context_;
  StoreDir store_;
  RpcHost host_;
  std::unique_ptr<api::WhisperGateway> gateway_;  // Once the rules are read.
  std::unique_ptr<RpcPump> pump_;
  std::stop_source stop_;
  std::atomic<api::StrandId> last_id_ = 0;
  std::atomic<bool> agent_is_stale_ = false;  // It had the keys when they were locked.
  std::mutex asked_mutex_;
  std::map<api::StrandId, Asked> asked_;
  std::mutex lines_mutex_;
  std::map<api::WhisperConnection, std::shared_ptr<Line>> lines_;
  api::Strands strands_;  // Last: its threads use the others.
};

}  // namespace bmsg::cli
