#include "lib/net/ssh_pipe.h"

#include <gtest/gtest.h>

namespace bmsg::net {
namespace {

std::string command_of(const std::string& url) {
  return remote_command(parse_address(url).value());
}

TEST(SshPipe, GivesTheDirectoryToTheShellAsOneWord) {
  EXPECT_EQ(command_of("ssh://host/srv/bmsg"), "bmsg -C '/srv/bmsg' serve --stdio");
  EXPECT_EQ(command_of("ssh://host/a b;$(x)`y`\"z"), "bmsg -C '/a b;$(x)`y`\"z' serve --stdio");
  EXPECT_EQ(command_of("ssh://host/it's"), "bmsg -C '/it'\\''s' serve --stdio");
}

TEST(SshPipe, KnowsTheHomeDirectory) {
  EXPECT_EQ(command_of("ssh://host/~/mail"), "bmsg -C './mail' serve --stdio");
  EXPECT_EQ(command_of("ssh://host/~/-x"), "bmsg -C './-x' serve --stdio");
  EXPECT_EQ(command_of("ssh://host/~ana/mail"), "bmsg -C '/~ana/mail' serve --stdio");
}

}  // namespace
}  // namespace bmsg::net
