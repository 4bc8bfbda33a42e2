// Readers that stop working in the middle.

#pragma once

#include "lib/node/store.h"
#include "tests/mail/reader_over.h"

namespace bmsg::mail {

/// A chain whose disk fails when so many blocks have been read.
class FailingChain final : public node::ChainReader {
 public:
  FailingChain(const node::ChainReader& base, std::size_t good) : base_(base), good_(good) {}

  Result<std::optional<Block>> block(const BlockHash& hash, Bodies bodies) const override {
    if (read_++ >= good_) return Error{Errc::io, "the chain cannot be read"};
    return base_.block(hash, bodies);
  }

  Result<std::string> rules_text() const override { return base_.rules_text(); }
  Result<node::Tip> tip() const override { return base_.tip(); }
  Result<std::optional<BlockHash>> hash_at(Height height) const override {
    return base_.hash_at(height);
  }
  Result<std::optional<node::StoredHeader>> header(const BlockHash& hash) const override {
    return base_.header(hash);
  }
  Result<std::vector<node::StoredHeader>> headers(Height from, std::uint32_t count) const override {
    return base_.headers(from, count);
  }
  Result<std::vector<node::StoredHeader>> tips() const override { return base_.tips(); }
  Result<std::vector<node::MessagePlace>> places_of(const MessageId& id) const override {
    return base_.places_of(id);
  }
  Result<std::optional<Message>> message_at(const node::MessagePlace& place) const override {
    return base_.message_at(place);
  }
  Result<std::vector<MessageId>> ids_with_prefix(ByteView prefix, std::size_t max) const override {
    return base_.ids_with_prefix(prefix, max);
  }
  Result<std::optional<Digest>> tree_node(std::uint8_t level, std::uint64_t index) const override {
    return base_.tree_node(level, index);
  }
  Result<std::vector<node::DroppedBody>> dropped() const override { return base_.dropped(); }
  Result<std::optional<node::DroppedBody>> dropped(const MessageId& id) const override {
    return base_.dropped(id);
  }
  Result<std::vector<node::PooledMessage>> pool(std::uint64_t arrival) const override {
    return base_.pool(arrival);
  }
  Result<std::optional<node::PooledMessage>> pooled(const MessageId& id) const override {
    return base_.pooled(id);
  }
  Result<std::vector<node::Proposal>> proposals() const override { return base_.proposals(); }
  Result<std::optional<node::Proposal>> proposal(const BlockHash& hash) const override {
    return base_.proposal(hash);
  }
  Result<std::vector<node::StoredCharter>> charters() const override { return base_.charters(); }
  Result<std::vector<chain::Evidence>> evidence() const override { return base_.evidence(); }
  bool is_light() const override { return base_.is_light(); }
  Result<std::vector<MessageId>> wanted() const override { return base_.wanted(); }
  Result<std::vector<node::Completion>> completed(std::uint64_t arrival) const override {
    return base_.completed(arrival);
  }
  Result<std::vector<node::Checkpoint>> checkpoints() const override { return base_.checkpoints(); }
  Result<std::vector<node::Peer>> peers() const override { return base_.peers(); }

 private:
  const node::ChainReader& base_;
  std::size_t good_;
  mutable std::size_t read_ = 0;
};

/// An index whose disk fails when so many entries have been asked for.
class FailingMail final : public ReaderOver {
 public:
  FailingMail(const MailReader& base, std::size_t good) : ReaderOver(base), good_(good) {}

  Result<std::optional<MailEntry>> entry(const MessageId& id) const override {
    if (asked_++ >= good_) return Error{Errc::io, "the index cannot be read"};
    return ReaderOver::entry(id);
  }

 private:
  std::size_t good_;
  mutable std::size_t asked_ = 0;
};

}  // namespace bmsg::mail
