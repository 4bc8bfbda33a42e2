// WebDoor: who may ask what of `bmsg web`. It judges what a request says of itself; it reads no
// store, opens no socket and keeps no key.

#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "lib/core/clock.h"
#include "lib/core/entropy.h"
#include "lib/core/fixed_bytes.h"
#include "lib/core/result.h"
#include "lib/net/address.h"
#include "lib/net/http_message.h"

namespace bmsg::api {

/// What a request is after; each asks for more than the one before.
enum class WebArea {
  page,    // The page itself, which says nothing of the store: a link from anywhere may lead here.
  part,    // Its script and styles: for the page alone.
  enter,   // A token for a session.
  news,    // Asked by the page on its own: a session, which it does not keep awake.
  call,    // A look into the store.
  change,  // Everything that leaves something behind.
  // Asked by programs of this user, who know no token:
  program_look,
  program_work,    // By GET, though it leaves something behind: never for another page.
  program_change,  // The same by POST.
  program_call,    // JSON-RPC, which goes by several names.
  program_socket,  // The same over a connection that stays open.
};

/// A request that was turned away, and what it is told.
struct WebRefusal {
  int status = 0;
  std::string name;              // One word, for programs.
  std::string message;           // For people.
  std::chrono::seconds wait{0};  // Try again after so long; 0: that would not help.
};

/// What the one who came in must show from now on: both, with each request.
struct WebSession {
  std::string cookie;  // The whole value of Set-Cookie.
  std::string token;   // For the field kWebTokenField.
};

inline constexpr std::string_view kWebTokenField = "x-bmsg-token";

/// How the door is set up.
struct WebDoorOptions {
  std::vector<std::string> hosts;       // The exact values of Host that are answered.
  bool any_port = false;                // With any port behind them: a tunnel ends here.
  std::string cookie = "bmsg";          // Its name; ports of one host share their cookies.
  std::chrono::seconds idle_lock{900};  // 0: never.
  std::uint32_t bad_tries_max = 5;      // In a row, before one has to wait.
  std::chrono::seconds bad_tries_wait{30};
  std::size_t sessions_max = 8;  // One more ends the oldest.
  std::uint32_t user = 0;        // Whose programs are answered.
  bool any_user = false;         // Those of everybody on this machine.
};

/// How the door of a page that listens at `address` is set up.
WebDoorOptions door_options_for(const net::Address& address);

/// Threads: one.
/// Source:  bmsg-web(1), "Who gets in".
class WebDoor {
 public:
  WebDoor(WebDoorOptions options, Entropy& entropy, const Clock& clock);

  /// A token for one entry, 256 bits in hex; the one before counts no more.
  Result<std::string> new_link();

  /// nullopt: it may pass. Whatever passes with a session, but for news, keeps it awake.
  std::optional<WebRefusal> judge(const net::HttpRequest& request, WebArea area);

  /// Exchanges the token of the link, which counts no more then. Wrong ones cost nobody anything.
  /// Errors: Errc::no_resource.
  Result<std::variant<WebSession, WebRefusal>> enter(std::string_view token);

  /// For guesses at the passphrase: a refusal while one has to wait.
  std::optional<WebRefusal> may_try() const;
  void note_bad_try();
  void note_good_try() { bad_tries_ = 0; }

  /// Ends all sessions.
  void lock() { sessions_.clear(); }
  /// Ends them if nobody did anything for too long; true if it ended any now.
  bool lock_if_idle();
  std::size_t sessions() const { return sessions_.size(); }

 private:
  using Token = FixedBytes<32, struct WebTokenTag>;
  struct Session {
    Token cookie;
    Token token;
  };

  bool knows_host(std::string_view host) const;
  bool has_session(const net::HttpRequest& request) const;
  bool is_idle() const;
  Result<Token> fresh_token();

  WebDoorOptions options_;
  Entropy& entropy_;
  const Clock& clock_;
  std::optional<Token> link_;
  std::vector<Session> sessions_;  // Oldest first.
  std::chrono::steady_clock::time_point active_{};
  std::uint32_t bad_tries_ = 0;
  std::chrono::steady_clock::time_point wait_until_{};
};

/// Gives an answer the fields that every answer of `bmsg web` has: what the page may load, where it
/// may be shown, that nobody keeps it.
void add_web_fields(net::HttpResponse& response);

}  // namespace bmsg::api
