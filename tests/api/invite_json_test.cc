// The object `invite`: its members, in their order.

#include "lib/api/invite_json.h"

#include <gtest/gtest.h>

namespace bmsg::api {
namespace {

const std::string k64(128, '1');
const std::string k32(64, '2');

InviteView view() {
  return {.uri = "bmsg://a:1/x",
          .host = "a:1",
          .chain = ChainId::filled(0x11),
          .node = NodeKey::filled(0x22),
          .checkpoint = node::Checkpoint{Height{7}, BlockHash::filled(0x11)},
          .card = true,
          .dht = true};
}

TEST(InviteJson, HasItsMembersInTheirOrder) {
  EXPECT_EQ(invite_json(view()),
            fmt::format(R"({{"v":1,"type":"invite","uri":"bmsg://a:1/x","host":"a:1","chain":"{}",)"
                        R"("node":"{}","checkpoint":{{"height":7,"hash":"{}"}},)"
                        R"("card":true,"room":false,"dht":true}})",
                        k64, k32, k64));
}

TEST(InviteJson, HasNullWhereNoBlockIsVouchedFor) {
  InviteView bare = view();
  bare.checkpoint.reset();
  EXPECT_NE(invite_json(bare).find(R"("checkpoint":null)"), std::string::npos);
}

}  // namespace
}  // namespace bmsg::api
