#include "cli/block_view.h"

#include <fmt/format.h>

#include "cli/refs.h"
#include "cli/times.h"
#include "lib/chain/block_hash.h"
#include "lib/chain/work.h"
#include "lib/core/codec.h"
#include "lib/core/hex.h"
#include "lib/core/try.h"

namespace bmsg::cli {
namespace {

Work work_of_block(const Header& header) {
  const auto target = chain::target_of(header.bits);
  return header.height.value == 0 ? Work() : target ? chain::work_of(*target) : chain::one_work();
}

/// What stands for the block: its work, or who signed it.
std::string weight_in_words(const api::BlockView& view) {
  if (view.header.bits.value != 0)
    return fmt::format("work  {} (in all {})", chain::to_decimal(view.work),
                       chain::to_decimal(view.total_work));
  if (view.header.height.value == 0) return "seals none: it begins the chain";
  return fmt::format("seals {}", view.seals);
}

std::string messages_in_words(std::uint64_t count) {
  return count == 1 ? "1 message" : fmt::format("{} messages", count);
}

}  // namespace

api::BlockView block_view(const node::StoredHeader& stored) {
  const Header& header = stored.sealed.header;
  api::BlockView view;
  view.hash = stored.hash;
  view.header = header;
  view.work = work_of_block(header);
  view.total_work = stored.total_work;
  view.messages = header.count;
  view.size = stored.bytes;
  view.seals = stored.sealed.seal.size();
  view.branch = stored.branch == node::Branch::main ? "main" : "side";
  return view;
}

Result<std::vector<MessageId>> ids_of_block(const node::ChainReader& chain, const BlockHash& hash) {
  BMSG_TRY_ASSIGN(const auto block, chain.block(hash, Bodies::without));
  std::vector<MessageId> ids;
  if (!block) return ids;
  for (const Message& message : block->messages) ids.push_back(chain::id_of(message.head));
  return ids;
}

std::string block_line(const node::StoredHeader& stored) {
  const Header& header = stored.sealed.header;
  return fmt::format("{} {} {}{}", block_name(header.height, stored.hash), to_rfc3339(header.time),
                     messages_in_words(header.count),
                     stored.branch == node::Branch::side ? " (side)" : "");
}

std::string block_text(const api::BlockView& view) {
  const Header& header = view.header;
  std::string text =
      fmt::format("block {}\nhash  {}\nprev  {}\ntime  {}\n{}\nsize  {}, {} bytes\n",
                  block_name(header.height, view.hash), to_hex(view.hash.view()),
                  to_hex(header.previous.view()), to_rfc3339(header.time), weight_in_words(view),
                  messages_in_words(view.messages), view.size);
  for (const MessageId& id : view.ids) text += fmt::format("  {}\n", to_hex(id.view()));
  return text + "\n";
}

api::ObjectView object_view(const MessageId& id, const Message& message) {
  api::ObjectView view;
  view.id = id;
  view.head = message.head;
  view.nonce = message.nonce;
  view.have_body = message.body.has_value();
  return view;
}

std::string object_text(const api::ObjectView& view) {
  const MessageHead& head = view.head;
  return fmt::format(
      "message {}\nsuite   {}\ntopic   {}\ntime    {}\nexpires {}\nsize    {} bytes\nbody    {}\n",
      to_hex(view.id.view()), static_cast<int>(head.suite), to_hex(head.topic.view()),
      to_rfc3339({head.time}), to_rfc3339({head.expiry()}), head.encoded_bytes(),
      view.have_body ? "here" : "not here");
}

Result<std::optional<Message>> find_object(const node::ChainReader& chain, const MessageId& id) {
  BMSG_TRY_ASSIGN(auto pooled, chain.pooled(id));
  if (pooled) return std::optional(std::move(pooled->message));
  BMSG_TRY_ASSIGN(const auto places, chain.places_of(id));
  if (places.empty()) return std::optional<Message>();
  return chain.message_at(places.front());
}

}  // namespace bmsg::cli
