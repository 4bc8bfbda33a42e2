#include "lib/net/stdio_bridge.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <string>
#include <thread>

namespace bmsg::net {
namespace {

struct Pipe {
  Pipe() {
    std::array<int, 2> ends{};
    EXPECT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
    reading = Descriptor(ends[0]);
    writing = Descriptor(ends[1]);
  }
  Descriptor reading;
  Descriptor writing;
};

std::string read_all(const Descriptor& from) {
  std::string text;
  std::array<char, 4096> piece{};
  for (;;) {
    const ssize_t got = ::read(from.number(), piece.data(), piece.size());
    if (got <= 0) return text;
    text.append(piece.data(), static_cast<std::size_t>(got));
  }
}

void write_all(const Descriptor& to, const std::string& text) {
  std::size_t sent = 0;
  while (sent < text.size()) {
    const ssize_t put = ::write(to.number(), &text[sent], text.size() - sent);
    if (put <= 0) return;
    sent += static_cast<std::size_t>(put);
  }
}

/// More than pipes, sockets and one piece hold together.
std::string much(char letter) { return std::string(3u << 20, letter); }

class StdioBridge : public ::testing::Test {
 protected:
  StdioBridge() { ::signal(SIGPIPE, SIG_IGN); }

  SocketPair pair_ = make_socket_pair().value();
  Pipe in_;
  Pipe out_;
};

TEST_F(StdioBridge, CarriesMuchBothWaysAtOnceAndPassesTheEndOn) {
  std::thread caller([&] {
    write_all(in_.writing, much('q'));
    in_.writing = Descriptor();
  });
  std::string asked;
  std::thread server([&] {
    write_all(pair_.other, much('a'));
    asked = read_all(pair_.other);  // Comes to its end because the caller's input did.
    pair_.other = Descriptor();
  });
  std::string answered;
  std::thread reader([&] { answered = read_all(out_.reading); });
  EXPECT_TRUE(bridge(pair_.one, in_.reading.number(), out_.writing.number()));
  out_.writing = Descriptor();
  for (std::thread* thread : {&caller, &server, &reader}) thread->join();
  EXPECT_EQ(asked, much('q'));
  EXPECT_EQ(answered, much('a'));
}

TEST_F(StdioBridge, EndsWhenTheServerLeavesThoughInputStaysOpen) {
  write_all(pair_.other, "bye");
  pair_.other = Descriptor();
  EXPECT_TRUE(bridge(pair_.one, in_.reading.number(), out_.writing.number()));
  out_.writing = Descriptor();
  EXPECT_EQ(read_all(out_.reading), "bye");
}

TEST_F(StdioBridge, FailsWhenNobodyTakesTheAnswer) {
  out_.reading = Descriptor();
  write_all(pair_.other, "answer");
  const auto bridged = bridge(pair_.one, in_.reading.number(), out_.writing.number());
  ASSERT_FALSE(bridged);
  EXPECT_EQ(bridged.error().code, Errc::io);
}

TEST_F(StdioBridge, GivesTheRestOfAnAnswerThoughQuestionsAreNotReadAnyMore) {
  ASSERT_EQ(::shutdown(pair_.other.number(), SHUT_RD), 0);
  write_all(in_.writing, "question");
  write_all(pair_.other, "refused");
  std::thread server([&] { pair_.other = Descriptor(); });
  EXPECT_TRUE(bridge(pair_.one, in_.reading.number(), out_.writing.number()));
  server.join();
  out_.writing = Descriptor();
  EXPECT_EQ(read_all(out_.reading), "refused");
}

}  // namespace
}  // namespace bmsg::net
