// Programs at the door of `bmsg web`: those of its user without a token, those of others not at
// all, and never a page that passes for one.

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>

#include "lib/api/web_door.h"
#include "tests/api/web_place.h"

namespace bmsg::api {
namespace {

class ProgramsDoor : public DoorTest {
 protected:
  /// As a program of the user asks: no origin, no session, but the right uid.
  static net::HttpRequest of_program(WebArea area) {
    net::HttpRequest request;
    request.fields = {{"host", kHost}};
    request.peer.uid = ::geteuid();
    if (area != WebArea::program_change && area != WebArea::program_call) return request;
    request.method = net::Method::post;
    request.fields.push_back({"content-type", "application/json"});
    return request;
  }

  static constexpr std::array kPrograms = {WebArea::program_look, WebArea::program_work,
                                           WebArea::program_change, WebArea::program_call,
                                           WebArea::program_socket};
};

TEST_F(ProgramsDoor, LetsProgramsOfItsUserAskWithoutASession) {
  for (const WebArea area : kPrograms) {
    EXPECT_EQ(status(of_program(area), area), 200);
    auto page = of_program(area);
    set(page, "origin", kOrigin);
    set(page, "sec-fetch-site", "same-origin");
    EXPECT_EQ(status(page, area), 200);
  }
}

TEST_F(ProgramsDoor, LetsNoProgramOfAnotherUserAsk) {
  WebDoorOptions options = door_options_for(loopback());
  options.any_user = true;
  WebDoor of_all(options, entropy, clock);
  for (const WebArea area : kPrograms) {
    for (const auto uid : {std::optional<std::uint32_t>(), std::optional(::geteuid() + 1)}) {
      auto request = of_program(area);
      request.peer.uid = uid;
      EXPECT_EQ(status(request, area), 403);
      EXPECT_EQ(status(of_all, request, area), 200);
      set(request, "host", "evil.example");
      EXPECT_EQ(status(of_all, request, area), 421);
    }
  }
}

TEST_F(ProgramsDoor, LetsNoOtherPageAskAsAProgram) {
  for (const WebArea area : kPrograms) {
    for (const char* origin : {"", "null", "http://evil.example", "http://localhost:8787",
                               "https://127.0.0.1:8787", "http://127.0.0.1:8787/"}) {
      auto request = of_program(area);
      set(request, "origin", origin);
      EXPECT_EQ(status(request, area), 403) << origin;
    }
    for (const char* site : {"cross-site", "same-site", "", "Same-Origin"}) {
      auto request = of_program(area);
      set(request, "sec-fetch-site", site);
      EXPECT_EQ(status(request, area), 403) << site;
    }
    auto typed = of_program(area);
    set(typed, "sec-fetch-site", "none");
    EXPECT_EQ(status(typed, area), area == WebArea::program_look ? 200 : 403);
    for (const char* host : {"evil.example", "127.0.0.1", "127.0.0.1.nip.io:8787"}) {
      auto request = of_program(area);
      set(request, "host", host);
      EXPECT_EQ(status(request, area), 421) << host;
    }
    auto other = of_program(area);
    other.method = other.method == net::Method::get ? net::Method::post : net::Method::get;
    EXPECT_EQ(status(other, area), 405);
    other.method = net::Method::options;
    EXPECT_EQ(status(other, area), 405);
  }
  for (const char* type : {"text/plain", "application/x-www-form-urlencoded", "",
                           "application/json; charset=utf-8", "text/plain; application/json"}) {
    auto request = of_program(WebArea::program_change);
    set(request, "content-type", type);
    EXPECT_EQ(status(request, WebArea::program_change), 415) << type;
  }
}

TEST_F(ProgramsDoor, KnowsTheNamesOfJsonRpc) {
  for (const auto& [type, wanted] : {std::pair{"application/json", 200},
                                     {"application/json; charset=utf-8", 200},
                                     {"application/json-rpc", 200},
                                     {"application/jsonrequest;charset=x", 200},
                                     {"text/plain", 415},
                                     {"", 415},
                                     {"application/x-www-form-urlencoded", 415},
                                     {"multipart/form-data; application/json", 415},
                                     {"application/jsonp", 415},
                                     {" application/json-rpc", 415}}) {
    auto request = of_program(WebArea::program_call);
    set(request, "content-type", type);
    EXPECT_EQ(status(request, WebArea::program_call), wanted) << type;
  }
}

}  // namespace
}  // namespace bmsg::api
