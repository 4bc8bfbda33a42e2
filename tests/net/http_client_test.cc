// The client against servers that are slow, lie, or are not there.

#include "lib/net/http_client.h"

#include <gtest/gtest.h>

#include <random>

#include "tests/net/echo_server.h"
#include "tests/net/http_asking.h"
#include "tests/net/raw_client.h"
#include "tests/net/scripted_server.h"
#include "tests/support/no_threads.h"

namespace bmsg::net {
namespace {

using namespace std::chrono_literals;

/// What the client makes of `answer`, and of the end that follows it.
Result<HttpResponse> ask(const std::string& answer, std::size_t bytes_max = 1000) {
  ScriptedServer server(always(answer));
  HttpClient client(server.address());
  return client.request(get("/"), {.deadline = 10s, .response_bytes_max = bytes_max});
}

Errc fault_of(const std::string& answer, std::size_t bytes_max = 1000) {
  const auto response = ask(answer, bytes_max);
  EXPECT_FALSE(response) << answer.substr(0, 200);
  return response ? Errc::bad_usage : response.error().code;
}

TEST(HttpClient, ReadsAnswersWithALengthInChunksAndToTheEnd) {
  for (const char* answer :
       {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1;x=y\r\nc\r\n0\r\nT: "
        "1\r\n\r\n",
        "HTTP/1.1 200 OK\r\n\r\nabc", "HTTP/1.0 200 OK\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nContent-Encoding: identity\r\nContent-Length: 3\r\n\r\nabc"}) {
    const auto response = ask(answer);
    ASSERT_TRUE(response) << answer << response.error().message;
    EXPECT_EQ(response.value().status, 200);
    EXPECT_EQ(as_text(response.value().body), "abc") << answer;
    EXPECT_FALSE(find_field(response.value().fields, "t"));
  }
}

TEST(HttpClient, TakesABodyOfTheLimitAndRefusesOneByteMoreHoweverItIsSent) {
  const std::string starts[] = {"HTTP/1.1 200 OK\r\nContent-Length: ", "HTTP/1.1 200 OK\r\n\r\n",
                                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"};
  for (const std::size_t size : {1000u, 1001u}) {
    const std::string body(size, 'x');
    const std::string answers[] = {
        starts[0] + std::to_string(size) + "\r\n\r\n" + body, starts[1] + body,
        starts[2] + (size == 1000 ? "3e8\r\n" : "3e9\r\n") + body + "\r\n0\r\n\r\n"};
    for (const std::string& answer : answers) {
      if (size == 1000) {
        EXPECT_TRUE(ask(answer)) << answer.substr(0, 60);
      } else {
        EXPECT_EQ(fault_of(answer), Errc::protocol);
      }
    }
  }
}

TEST(HttpClient, RefusesAnswersThatAreNotProperHttp) {
  for (const char* answer :
       {"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: +3\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
        "HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551616\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
        "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\n\x1f\x8b\x08",
        "HTTP/1.1 200 OK\r\nContent-Encoding: br\r\n\r\nabc",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 20 OK\r\n\r\n", "HTTP/9.1 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nX y: z\r\n\r\n",
        "<html>Please log in</html>"}) {
    EXPECT_EQ(fault_of(answer), Errc::protocol) << answer;
  }
}

TEST(HttpClient, BlamesTheLineWhereAnAnswerIsCut) {
  const std::string answers[] = {
      "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"};
  for (const std::string& answer : answers) {
    ASSERT_TRUE(ask(answer));
    for (std::size_t length = 0; length < answer.size(); ++length)
      EXPECT_EQ(fault_of(answer.substr(0, length)), Errc::unreachable) << length;
  }
}

TEST(HttpClient, NeverAcceptsRandomBytes) {
  const char* const given = std::getenv("BMSG_SEED");
  const unsigned long seed = given ? std::strtoul(given, nullptr, 10) : 1;
  SCOPED_TRACE("BMSG_SEED=" + std::to_string(seed));
  std::mt19937_64 random(seed);
  ScriptedServer server([&random](const ScriptedServer::Guest& guest) {
    guest.read_until("\r\n\r\n");
    std::string junk(random() % 2000, '\0');
    for (char& c : junk) c = static_cast<char>(random());
    if (random() % 2 == 0) junk = "HTTP/1.1 200 OK\r\n" + junk;
    (void)guest.send(junk);  // The client may have had enough.
  });
  HttpClient client(server.address());
  for (int i = 0; i < 300; ++i) {
    const auto response = client.request(get("/"), kLimits);
    ASSERT_FALSE(response);
    EXPECT_TRUE(response.error().code == Errc::protocol ||
                response.error().code == Errc::unreachable);
  }
}

TEST(HttpClient, StopsReadingAnEndlessHeadAndAnEndlessChunkLine) {
  EXPECT_EQ(fault_of("HTTP/1.1 200 OK\r\nX: " + std::string(1 << 20, 'x')), Errc::protocol);
  EXPECT_EQ(fault_of("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;" +
                     std::string(1 << 20, 'x')),
            Errc::protocol);
}

TEST(HttpClient, StopsReadingAnEndlessBodyAtTheLimit) {
  std::atomic<std::size_t> sent = 0;
  ScriptedServer server([&sent](const ScriptedServer::Guest& guest) {
    guest.read_until("\r\n\r\n");
    const std::string piece(65536, 'x');
    bool goes_on = guest.send("HTTP/1.1 200 OK\r\n\r\n");
    while (goes_on) {
      goes_on = guest.send(piece);
      sent += piece.size();
    }
  });
  HttpClient client(server.address());
  const auto response = client.request(get("/"), {.deadline = 10s, .response_bytes_max = 100'000});
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, Errc::protocol);
  EXPECT_LE(client.bytes_in(), 100'000u + 2 * 65536u);
}

TEST(HttpClient, GivesUpAtItsDeadlineThoughBytesStillDrip) {
  ScriptedServer server([](const ScriptedServer::Guest& guest) {
    guest.read_until("\r\n\r\n");
    bool goes_on = guest.send("HTTP/1.1 200 OK\r\nX: ");
    while (goes_on) {
      std::this_thread::sleep_for(10ms);
      goes_on = guest.send("x");
    }
  });
  HttpClient client(server.address());
  const auto start = std::chrono::steady_clock::now();
  const auto response = client.request(get("/"), {.deadline = 200ms, .response_bytes_max = 1000});
  EXPECT_LT(std::chrono::steady_clock::now() - start, 5s);
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, Errc::unreachable);
  EXPECT_EQ(response.error().message, to_string(server.address()) + ": no answer within 0.2 s");
}

TEST(HttpClient, FollowsNoRedirect) {
  ScriptedServer elsewhere(always("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
  for (const std::string& target :
       {to_string(elsewhere.address()) + "/", std::string("file:///etc/passwd")}) {
    const auto response =
        ask("HTTP/1.1 302 Found\r\nLocation: " + target + "\r\nContent-Length: 0\r\n\r\n");
    ASSERT_TRUE(response);
    EXPECT_EQ(response.value().status, 302);
  }
  EXPECT_EQ(elsewhere.guests(), 0);
}

TEST(HttpClient, NamesAddressAndReasonWhenNobodyListens) {
  Address address;
  {
    const EchoServer server;
    address = server.address();
  }
  HttpClient client(address);
  const auto response = client.request(get("/"), kLimits);
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, Errc::unreachable);
  EXPECT_EQ(response.error().message,
            "cannot reach " + to_string(address) + ": Connection refused");
}

TEST(HttpClient, NamesTheHostWhenItDoesNotResolve) {
  HttpClient client({Scheme::http, "no-such-host.invalid", 80, {}});
  const auto response = client.request(get("/"), {.deadline = 2s, .response_bytes_max = 1000});
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, Errc::no_host);
  EXPECT_NE(response.error().message.find("no-such-host.invalid"), std::string::npos);
}

TEST(HttpClient, BlamesNoNameForWantOfAThreadToLookItUp) {
  HttpClient client({Scheme::http, "no-such-host.invalid", 80, {}});
  const NoThreads full;
  const auto response = client.request(get("/"), {.deadline = 2s, .response_bytes_max = 1000});
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, Errc::no_resource) << response.error().message;
}

TEST(HttpClient, NeverLooksUpAnOnionServiceItself) {
  HttpClient client({Scheme::http, "abc.onion", 80, {}});
  const auto response = client.request(get("/"), kLimits);
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, Errc::no_host);
}

TEST(HttpClient, ReachesOnlyPublicAddressesIfToldSo) {
  ScriptedServer server(always("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
  for (const char* host : {"127.0.0.1", "localhost"}) {
    HttpClient client({Scheme::http, host, server.port(), {}}, {.reach = Reach::public_only});
    const auto response = client.request(get("/"), kLimits);
    ASSERT_FALSE(response);
    EXPECT_EQ(response.error().code, Errc::unreachable);
  }
  EXPECT_EQ(server.guests(), 0);
}

TEST(HttpClient, AsksAgainWhenAnIdleConnectionWasClosed) {
  ScriptedServer server(always("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na"));
  HttpClient client(server.address());
  for (int i = 0; i < 3; ++i) {
    const auto response = client.request(get("/"), kLimits);
    ASSERT_TRUE(response) << response.error().message;
  }
  EXPECT_EQ(server.guests(), 3);
}

TEST(HttpClient, DropsAConnectionThatSaysMoreThanItWasAsked) {
  for (const auto& [more, connections] : {std::pair("", 1), std::pair("HTTP/1.1 200 OK", 2)}) {
    const std::string answer = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na";
    ScriptedServer server([&](const ScriptedServer::Guest& guest) {
      while (!guest.read_until("\r\n\r\n").empty() && guest.send(answer + more)) {
      }
    });
    HttpClient client(server.address());
    for (int i = 0; i < 2; ++i) {
      const auto response = client.request(get("/"), kLimits);
      ASSERT_TRUE(response);
      EXPECT_EQ(as_text(response.value().body), "a");
    }
    EXPECT_EQ(server.guests(), connections);
  }
}

TEST(HttpClient, PutsThePathOfTheAddressInFront) {
  EchoServer server;
  Address address = server.address();
  address.path = "/path/prefix";
  HttpClient client(address);
  EXPECT_EQ(as_text(client.request(get("/x"), kLimits).value().body), "/path/prefix/x");
}

TEST(HttpClient, SendsNoRequestThatWouldBeTwo) {
  EchoServer server;
  HttpClient client(server.address());
  const auto response = client.request(get("/path HTTP/1.1\r\nHost: b\r\n\r\nGET /"), kLimits);
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, Errc::bad_input);
  EXPECT_EQ(server.requests(), 0);
}

TEST(HttpClient, EndsARequestThatIsCancelledAndEveryLaterOne) {
  EchoServer server;
  HttpClient client(server.address());
  std::thread other([&] {
    EXPECT_TRUE(eventually([&] { return server.held_count() == 1; }));
    client.cancel();
  });
  const auto response = client.request(get("/hold"), kLimits);
  other.join();
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, Errc::try_again);
  EXPECT_EQ(client.request(get("/path"), kLimits).error().code, Errc::try_again);
}

TEST(HttpClient, EndsARequestThatIsDroppedAndNoLaterOne) {
  EchoServer server;
  HttpClient client(server.address());
  client.drop_request();  // None runs.
  EXPECT_TRUE(client.request(get("/path"), kLimits));
  client.drop_request();
  std::thread other([&] {
    EXPECT_TRUE(eventually([&] { return server.held_count() == 1; }));
    client.drop_request();
  });
  const auto response = client.request(get("/hold"), kLimits);
  other.join();
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, Errc::try_again);
  EXPECT_TRUE(client.request(get("/path"), kLimits));
}

TEST(HttpClient, TalksOverASocketPair) {
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  const auto client = HttpClient::over(Descriptor(ends[0]), {Scheme::http, "host", 1, {}});
  const Descriptor far_end(ends[1]);
  std::thread other([&] {
    const ScriptedServer::Guest guest(far_end.number());
    for (int i = 0; i < 2; ++i) {
      guest.read_until("\r\n\r\n");
      (void)guest.send("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na");
    }
  });
  EXPECT_TRUE(client->request(get("/"), kLimits));
  EXPECT_TRUE(client->request(get("/"), kLimits));
  other.join();
}

}  // namespace
}  // namespace bmsg::net
