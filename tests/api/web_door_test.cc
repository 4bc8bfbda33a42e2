// Who gets in at `bmsg web`, and what is turned away: foreign names, other pages, guesses, the
// idle.

#include "lib/api/web_door.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "tests/api/web_place.h"

namespace bmsg::api {
namespace {

class Door : public DoorTest {
 protected:
  /// Comes in by a fresh link.
  WebSession come_in(WebDoor& at) {
    auto entered = at.enter(at.new_link().value());
    EXPECT_TRUE(std::holds_alternative<WebSession>(entered.value()));
    return std::get<WebSession>(entered.value());
  }
  WebSession come_in() { return come_in(door); }

  int enter(std::string_view token) {
    const auto entered = door.enter(token);
    const auto* refused = std::get_if<WebRefusal>(&entered.value());
    return refused == nullptr ? 200 : refused->status;
  }

  /// As the page asks: everything in order.
  static net::HttpRequest valid(const WebSession& session, WebArea area) {
    const bool changes = area == WebArea::change || area == WebArea::enter;
    net::HttpRequest request;
    request.method = changes ? net::Method::post : net::Method::get;
    request.path = "/api/inbox";
    request.fields = {{"host", kHost},
                      {"sec-fetch-site", "same-origin"},
                      {"cookie", session.cookie.substr(0, session.cookie.find(';'))},
                      {std::string(kWebTokenField), session.token}};
    if (changes) {
      request.fields.push_back({"origin", kOrigin});
      request.fields.push_back({"content-type", "application/json"});
    }
    return request;
  }
};

TEST_F(Door, LetsThePageAskEverything) {
  const auto session = come_in();
  for (const WebArea area : {WebArea::page, WebArea::part, WebArea::enter, WebArea::news,
                             WebArea::call, WebArea::change})
    EXPECT_EQ(status(valid(session, area), area), 200) << static_cast<int>(area);
}

TEST_F(Door, AnswersToItsOwnNamesAlone) {
  const auto session = come_in();
  for (const char* host : {"evil.example",
                           "evil.example:8787",
                           "127.0.0.1.nip.io:8787",
                           "127.0.0.1.nip.io",
                           "[::1]:8787",
                           "[::1]",
                           "127.0.0.1",
                           "127.0.0.1:8788",
                           "127.0.0.1:80",
                           "127.0.0.1:08787",
                           "127.0.0.1:87870",
                           "127.0.0.1:",
                           "localhost",
                           "localhost:8788",
                           "LOCALHOST:8787",
                           "Localhost:8787",
                           "localhost.:8787",
                           "127.0.0.1.:8787",
                           "127.1:8787",
                           "127.0.0.2:8787",
                           "0.0.0.0:8787",
                           "0x7f.0.0.1:8787",
                           "2130706433:8787",
                           "017700000001:8787",
                           "localhost.evil.example:8787",
                           "evil.localhost:8787",
                           "user@127.0.0.1:8787",
                           " 127.0.0.1:8787",
                           "127.0.0.1:8787 ",
                           "127.0.0.1:8787,evil.example",
                           ""}) {
    for (const WebArea area : {WebArea::page, WebArea::call, WebArea::change}) {
      auto request = valid(session, area);
      set(request, "host", host);
      set(request, "origin", std::string("http://") + host);
      EXPECT_EQ(status(request, area), 421) << host;
    }
  }
  auto nameless = valid(session, WebArea::page);
  unset(nameless, "host");
  EXPECT_EQ(status(nameless, WebArea::page), 421);
  auto named = valid(session, WebArea::change);
  set(named, "host", "localhost:8787");
  set(named, "origin", "http://localhost:8787");
  EXPECT_EQ(status(named, WebArea::change), 200);
}

TEST_F(Door, KnowsTheNamesOfWhereItListens) {
  const auto usual = door_options_for(loopback(80));
  EXPECT_EQ(usual.hosts,
            (std::vector<std::string>{"127.0.0.1:80", "127.0.0.1", "localhost:80", "localhost"}));
  const auto six =
      door_options_for({.scheme = net::Scheme::http, .host = "::1", .port = 9, .path = {}});
  EXPECT_EQ(six.hosts.front(), "[::1]:9");
  EXPECT_NE(door_options_for(loopback(1)).cookie, door_options_for(loopback(2)).cookie);
}

TEST_F(Door, BehindASocketTakesAnyPortOfThisMachine) {
  WebDoor at(
      door_options_for(
          {.scheme = net::Scheme::unix_socket, .host = {}, .port = 0, .path = "/run/page.sock"}),
      entropy, clock);
  auto request = valid(come_in(at), WebArea::page);
  for (const char* host : {"localhost", "127.0.0.1", "localhost:1", "127.0.0.1:65535"}) {
    set(request, "host", host);
    EXPECT_EQ(status(at, request, WebArea::page), 200) << host;
  }
  for (const char* host : {"localhost:0", "localhost:65536", "localhost:", "localhost:01",
                           "localhost:x", "localhost:1:2", "evil.example:1", "evil.example", ""}) {
    set(request, "host", host);
    EXPECT_EQ(status(at, request, WebArea::page), 421) << host;
  }
}

TEST_F(Door, TakesNoChangeFromAnotherPage) {
  const auto session = come_in();
  int cases = 0;
  for (const WebArea area : {WebArea::enter, WebArea::change}) {
    for (const char* origin :
         {"", "null", "http://evil.example", "https://127.0.0.1:8787", "http://127.0.0.1",
          "http://127.0.0.1:8788", "http://localhost:8787", "HTTP://127.0.0.1:8787",
          "http://127.0.0.1:8787/", "http://127.0.0.1:8787.evil.example", "file://",
          "http://127.0.0.1:8787 http://evil.example", "127.0.0.1:8787", "*"}) {
      auto request = valid(session, area);
      set(request, "origin", origin);
      EXPECT_EQ(status(request, area), 403) << origin;
      ++cases;
    }
    auto silent = valid(session, area);
    unset(silent, "origin");
    EXPECT_EQ(status(silent, area), 403);
    for (const char* site : {"cross-site", "same-site", "none", "", "Same-Origin"}) {
      auto request = valid(session, area);
      set(request, "sec-fetch-site", site);
      EXPECT_EQ(status(request, area), 403) << site;
      ++cases;
    }
    for (const char* type :
         {"text/plain", "application/x-www-form-urlencoded", "", "multipart/form-data; boundary=x",
          "application/json; charset=utf-8", "Application/JSON", "text/plain; application/json"}) {
      auto request = valid(session, area);
      set(request, "content-type", type);
      EXPECT_EQ(status(request, area), 415) << type;
      ++cases;
    }
    auto untyped = valid(session, area);
    unset(untyped, "content-type");
    EXPECT_EQ(status(untyped, area), 415);
    for (const net::Method method : {net::Method::get, net::Method::head, net::Method::put,
                                     net::Method::del, net::Method::options}) {
      auto request = valid(session, area);
      request.method = method;
      EXPECT_EQ(status(request, area), 405);
      ++cases;
    }
  }
  EXPECT_GE(cases, 40);
}

TEST_F(Door, ShowsAnotherPageNothing) {
  const auto session = come_in();
  for (const WebArea area : {WebArea::news, WebArea::call}) {
    for (const char* site : {"cross-site", "same-site", "none"}) {
      auto request = valid(session, area);
      set(request, "sec-fetch-site", site);
      EXPECT_EQ(status(request, area), 403) << site;
    }
    auto foreign = valid(session, area);
    set(foreign, "origin", "http://evil.example");
    EXPECT_EQ(status(foreign, area), 403);
    auto posted = valid(session, area);
    posted.method = net::Method::post;
    EXPECT_EQ(status(posted, area), 405);
  }
  auto script = valid(session, WebArea::part);
  set(script, "sec-fetch-site", "cross-site");
  EXPECT_EQ(status(script, WebArea::part), 403);
  set(script, "sec-fetch-site", "none");  // Typed by a person.
  EXPECT_EQ(status(script, WebArea::part), 200);
  auto link = valid(session, WebArea::page);
  set(link, "sec-fetch-site", "cross-site");
  EXPECT_EQ(status(link, WebArea::page), 200) << "a link may lead to the page";
}

TEST_F(Door, RefusesFieldsThatStandTwice) {
  const auto session = come_in();
  for (const char* name :
       {"host", "origin", "sec-fetch-site", "cookie", "content-type", kWebTokenField.data()}) {
    auto request = valid(session, WebArea::change);
    const std::string value(*net::find_field(request.fields, name));
    request.fields.push_back({name, value});
    EXPECT_EQ(status(request, WebArea::change), 400) << name;
  }
}

TEST_F(Door, WantsCookieAndTokenOfOneSession) {
  const auto one = come_in();
  const auto other = come_in();
  for (const WebArea area : {WebArea::news, WebArea::call, WebArea::change}) {
    for (const char* name : {"cookie", kWebTokenField.data()}) {
      auto request = valid(one, area);
      unset(request, name);
      EXPECT_EQ(status(request, area), 401) << name;
      const auto foreign = valid(other, area);
      set(request, name, std::string(*net::find_field(foreign.fields, name)));
      EXPECT_EQ(status(request, area), 401) << name;
    }
    auto twice = valid(one, area);
    const std::string pair = one.cookie.substr(0, one.cookie.find(';'));
    set(twice, "cookie", pair + "; " + pair);
    EXPECT_EQ(status(twice, area), 401);
    set(twice, "cookie", "a=b; " + pair + ";c=d");
    EXPECT_EQ(status(twice, area), 200);
    set(twice, "cookie", "x" + pair);
    EXPECT_EQ(status(twice, area), 401);
    auto cut = valid(one, area);
    set(cut, kWebTokenField.data(), one.token.substr(0, 63));
    EXPECT_EQ(status(cut, area), 401);
    set(cut, kWebTokenField.data(), "");
    EXPECT_EQ(status(cut, area), 401);
  }
}

TEST_F(Door, GivesACookieThatNoScriptReadsAndNoOtherPageSends) {
  const auto session = come_in();
  EXPECT_TRUE(session.cookie.starts_with("bmsg-8787="));
  EXPECT_TRUE(session.cookie.ends_with("; HttpOnly; SameSite=Strict; Path=/api/"));
  EXPECT_EQ(session.token.size(), 64);
  EXPECT_EQ(session.cookie.find(session.token), std::string::npos);
}

TEST_F(Door, OpensOnceForALink) {
  const std::string link = door.new_link().value();
  EXPECT_EQ(link.size(), 64);
  EXPECT_EQ(enter(link), 200);
  EXPECT_EQ(enter(link), 403);
  const std::string old = door.new_link().value();
  const std::string fresh = door.new_link().value();
  EXPECT_EQ(enter(old), 403) << "another took its place";
  EXPECT_EQ(enter(fresh), 200);
  EXPECT_EQ(door.sessions(), 2);
}

TEST_F(Door, NeverGivesTheSameLink) {
  std::set<std::string> links;
  for (int i = 0; i < 1000; ++i) links.insert(door.new_link().value());
  EXPECT_EQ(links.size(), 1000);
}

TEST_F(Door, LetsTheOwnerInBesideWhoGuessesLinks) {
  const std::string link = door.new_link().value();
  for (int i = 0; i < 100; ++i) EXPECT_EQ(enter(std::string(64, '0')), 403);
  EXPECT_EQ(enter("no hex"), 403);
  EXPECT_FALSE(door.may_try()) << "nor does a passphrase have to wait";
  EXPECT_EQ(enter(link), 200);
}

TEST_F(Door, MakesWhoGuessesPassphrasesWaitAfterFive) {
  for (int i = 0; i < 4; ++i) door.note_bad_try();
  EXPECT_FALSE(door.may_try()) << "four are not five";
  door.note_bad_try();
  ASSERT_TRUE(door.may_try());
  EXPECT_EQ(door.may_try()->status, 429);
  EXPECT_EQ(door.may_try()->wait, std::chrono::seconds(30));
  EXPECT_EQ(enter(door.new_link().value()), 200) << "a link is no passphrase";
  clock.advance(29);
  EXPECT_TRUE(door.may_try());
  clock.advance(1);
  EXPECT_FALSE(door.may_try());
}

TEST_F(Door, ForgetsBadTriesAfterAGoodOne) {
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 4; ++i) door.note_bad_try();
    door.note_good_try();
  }
  EXPECT_FALSE(door.may_try());
}

TEST_F(Door, LocksWhoDoesNothing) {
  const auto session = come_in();
  clock.advance(899);
  EXPECT_FALSE(door.lock_if_idle());
  EXPECT_EQ(status(valid(session, WebArea::call), WebArea::call), 200);
  clock.advance(899);
  EXPECT_EQ(status(valid(session, WebArea::news), WebArea::news), 200);
  clock.advance(1);  // The news of a second ago kept nobody awake.
  EXPECT_EQ(status(valid(session, WebArea::change), WebArea::change), 401);
  EXPECT_EQ(status(valid(session, WebArea::call), WebArea::call), 401) << "nor did a refusal";
  EXPECT_TRUE(door.lock_if_idle());
  EXPECT_FALSE(door.lock_if_idle()) << "once";
  EXPECT_EQ(door.sessions(), 0);
}

TEST_F(Door, WakesNobodyElseWhoWasIdle) {
  const auto idle = come_in();
  clock.advance(900);
  const auto fresh = come_in();
  EXPECT_EQ(status(valid(idle, WebArea::call), WebArea::call), 401);
  EXPECT_EQ(status(valid(fresh, WebArea::call), WebArea::call), 200);
}

TEST_F(Door, NeverLocksWhereNobodyWantsIt) {
  auto options = door_options_for(loopback());
  options.idle_lock = std::chrono::seconds(0);
  WebDoor open(options, entropy, clock);
  const auto session = come_in(open);
  clock.advance(1'000'000);
  EXPECT_FALSE(open.lock_if_idle());
  EXPECT_EQ(status(open, valid(session, WebArea::call), WebArea::call), 200);
}

TEST_F(Door, EndsAllSessionsWhenLocked) {
  const auto session = come_in();
  door.lock();
  EXPECT_EQ(status(valid(session, WebArea::call), WebArea::call), 401);
}

TEST_F(Door, KeepsEightSessionsAndEndsTheOldest) {
  std::vector<WebSession> all;
  for (int i = 0; i < 8; ++i) all.push_back(come_in());
  EXPECT_EQ(status(valid(all.front(), WebArea::call), WebArea::call), 200);
  all.push_back(come_in());
  EXPECT_EQ(door.sessions(), 8);
  EXPECT_EQ(status(valid(all[0], WebArea::call), WebArea::call), 401);
  EXPECT_EQ(status(valid(all[1], WebArea::call), WebArea::call), 200);
  EXPECT_EQ(status(valid(all[8], WebArea::call), WebArea::call), 200);
}

}  // namespace
}  // namespace bmsg::api
