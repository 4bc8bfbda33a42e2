// What every node::Store does with bodies that are wanted and come late. Instantiate it with the
// Maker of store_contract.h:
//
//   INSTANTIATE_TYPED_TEST_SUITE_P(Name, LightContract, Maker);

#pragma once

#include "tests/contract/store_contract.h"

namespace bmsg {

template <class Maker>
class LightContract : public StoreContract<Maker> {};

TYPED_TEST_SUITE_P(LightContract);

TYPED_TEST_P(LightContract, CompletesMessagesWhereverTheyStand) {
  const Message late = this->message("late");
  const auto without_body = [&](std::vector<Message> messages) {
    Block block = this->block_after(this->builder_.genesis(), std::move(messages));
    for (Message& message : block.messages) message.body.reset();
    return block;
  };
  const Block one = without_body({late, this->message("other")});
  const Block side = without_body({late});
  this->apply(this->as_main(one));
  this->apply(this->as_side(side));
  const MessageId id = this->id_of(late);
  const MessageId stranger = this->id_of(this->message("stranger"));
  node::ChainChange wanting;
  wanting.want = {id, stranger};
  this->apply(wanting);
  EXPECT_EQ(this->store().wanted().value().size(), 2U);
  EXPECT_TRUE(std::ranges::is_sorted(this->store().wanted().value()));
  node::ChainChange longer;
  longer.bodies.push_back({id, Bytes(late.body->size() + 1)});
  this->expect_misfit(longer);

  node::ChainChange coming;
  coming.bodies = {{id, *late.body}, {stranger, {}}};
  this->apply(coming);
  this->maker_.reopen();
  for (const node::MessagePlace& place : this->store().places_of(id).value())
    EXPECT_EQ(this->store().message_at(place).value(), late);
  const auto whole = this->store().block(this->hash_of(one), Bodies::with).value();
  EXPECT_EQ(std::ranges::count_if(whole->messages, [](const auto& m) { return !m.body; }), 1);
  EXPECT_TRUE(this->store().wanted().value().empty());
  const auto completed = this->store().completed(0).value();
  ASSERT_EQ(completed.size(), 1U);  // Once, and not what stands nowhere.
  EXPECT_EQ(completed[0].id, id);
  this->apply(coming);  // It has its body: nothing comes twice.
  EXPECT_EQ(this->store().completed(0).value(), completed);
  this->apply(this->pooling(this->message("waits")));
  EXPECT_GT(this->store().pool(0).value()[0].arrival, completed[0].arrival);
  EXPECT_TRUE(this->store().completed(completed[0].arrival + 1).value().empty());
}

TYPED_TEST_P(LightContract, WantsNoMoreWhatIsTakenBack) {
  node::ChainChange change;
  change.want = {MessageId::filled(1), MessageId::filled(2), MessageId::filled(2)};
  this->apply(change);
  node::ChainChange back;
  back.unwant = {MessageId::filled(1), MessageId::filled(3)};
  this->apply(back);
  this->maker_.reopen();
  EXPECT_EQ(this->store().wanted().value(), std::vector{MessageId::filled(2)});
}

// What is asked for is looked for there.
TYPED_TEST_P(LightContract, TellsOfTheBestChainFirst) {
  const Message twice = this->message("twice");
  const Block one = this->block_after(this->builder_.genesis(), {twice, this->message("a")});
  const Block other = this->block_after(this->builder_.genesis(), {twice});
  const auto first = [&] {
    return this->store().places_of(this->id_of(twice)).value().at(0).block;
  };
  this->apply(this->as_main(one));
  this->apply(this->as_side(other));
  EXPECT_EQ(first(), this->hash_of(one));
  node::ChainChange change;
  change.disconnect = {this->hash_of(one)};
  change.connect = {this->hash_of(other)};
  change.tree = {this->leaf(other)};
  this->apply(change);
  EXPECT_EQ(first(), this->hash_of(other)) << "its branch is followed now";
}

REGISTER_TYPED_TEST_SUITE_P(LightContract, CompletesMessagesWhereverTheyStand,
                            WantsNoMoreWhatIsTakenBack, TellsOfTheBestChainFirst);

}  // namespace bmsg
