// What every node::Store does with bodies that are dropped. Instantiate it with the Maker of
// store_contract.h:
//
//   INSTANTIATE_TYPED_TEST_SUITE_P(Name, DropContract, Maker);

#pragma once

#include "tests/contract/store_contract.h"

namespace bmsg {

template <class Maker>
class DropContract : public StoreContract<Maker> {};

TYPED_TEST_SUITE_P(DropContract);

TYPED_TEST_P(DropContract, DropsBodiesOnEveryBranchAndListsThem) {
  const Message gone = this->message("gone");
  const Message kept = this->message("kept");
  const Block main = this->block_after(this->builder_.genesis(), {gone, kept});
  const Block side = this->block_after(this->builder_.genesis(), {gone});
  ASSERT_TRUE(this->store().apply(this->as_main(main)));
  ASSERT_TRUE(this->store().apply(this->as_side(side)));
  EXPECT_TRUE(this->store().dropped().value().empty());

  const MessageId id = this->id_of(gone);
  const node::DroppedBody expected{id, UnixSeconds{77}, node::DropRule::older};
  node::ChainChange change;
  change.drop.push_back(expected);
  ASSERT_TRUE(this->store().apply(change));
  // Again, under another rule: what is listed stays as it is.
  change.drop.front() = {id, UnixSeconds{78}, node::DropRule::named};
  ASSERT_TRUE(this->store().apply(change));
  this->maker_.reopen();
  ASSERT_TRUE(this->store().give_back_room());

  EXPECT_EQ(this->store().dropped().value(), std::vector{expected});
  EXPECT_EQ(this->store().dropped(id).value(), expected);
  EXPECT_FALSE(this->store().dropped(this->id_of(kept)).value());
  for (const node::MessagePlace& place : this->store().places_of(id).value())
    EXPECT_FALSE(this->store().message_at(place).value()->body) << place.height.value;
  EXPECT_EQ(this->store().places_of(id).value().size(), 2U);
  const auto block = this->store().block(this->hash_of(main), Bodies::with).value();
  for (const Message& message : block->messages)
    EXPECT_EQ(message.body.has_value(), this->id_of(message) != id);

  // The body comes back with a block that takes the place of the same one.
  ASSERT_TRUE(this->store().apply(this->as_side(side)));
  node::ChainChange forget;
  forget.added.push_back(this->added(main));
  ASSERT_TRUE(this->store().apply(forget));
  EXPECT_TRUE(this->store().dropped().value().empty());
}

REGISTER_TYPED_TEST_SUITE_P(DropContract, DropsBodiesOnEveryBranchAndListsThem);

}  // namespace bmsg
