#include "lib/mail/reader.h"

#include <algorithm>
#include <tuple>

#include "lib/chain/block_hash.h"
#include "lib/core/byte_reader.h"
#include "lib/core/limits.h"
#include "lib/core/try.h"

namespace bmsg::mail {
namespace {

constexpr std::size_t kNameBytesMax = 64;

// Names of values. No name of a reader has a slash.
constexpr std::string_view kPlacePrefix = "reader/";
std::string place_name(const std::string& reader) { return std::string(kPlacePrefix) + reader; }
std::string handled_name(const std::string& reader, const MessageId& id) {
  return "handled/" + reader + "/" + to_string(id.view());
}
std::string parked_prefix(const std::string& reader) { return "parked/" + reader + "/"; }
std::string parked_name(const std::string& reader, const MessageId& id) {
  return parked_prefix(reader) + to_string(id.view());
}

std::string late_prefix(const std::string& reader) { return "late/" + reader + "/"; }
std::string late_name(const std::string& reader, const MessageId& id) {
  return late_prefix(reader) + to_string(id.view());
}

Error damaged(const std::string& name) {
  return Error{Errc::corrupt, "mail index: the record of reader '" + name + "' is damaged"};
}

/// Ids of a block's messages, in order; empty if the block is not kept any more.
Result<std::vector<MessageId>> ids_in(const node::ChainReader& chain, const BlockHash& hash) {
  BMSG_TRY_ASSIGN(const auto block, chain.block(hash, Bodies::without));
  std::vector<MessageId> ids;
  if (!block) return ids;
  for (const Message& message : block->messages) ids.push_back(chain::id_of(message.head));
  return ids;
}

/// Of the best chain; nullopt: it is in no block of that.
Result<std::optional<Height>> height_of(const node::ChainReader& chain, const MessageId& id) {
  BMSG_TRY_ASSIGN(const auto places, chain.places_of(id));
  const auto found = std::ranges::find(places, node::Branch::main, &node::MessagePlace::branch);
  return found == places.end() ? std::nullopt : std::optional(found->height);
}

/// The place behind all messages of a block of the best chain.
Result<ReaderPlace> end_of(const node::ChainReader& chain, Height height) {
  BMSG_TRY_ASSIGN(const auto headers, chain.headers(height, 1));
  if (headers.empty()) return Error{Errc::corrupt, "the chain has no block where it had one"};
  return ReaderPlace{height, headers.front().hash, headers.front().sealed.header.count};
}

/// The last block below which nothing can be new for a reader that began there.
Height lowest_new(Height begin) {
  return Height{begin.value - std::min(begin.value, kReorgDepthMax)};
}

/// Takes blocks upwards until a limit or the tip is reached.
class Looker {
 public:
  Looker(const node::ChainReader& chain, const ReaderWish& wish, ReaderLook& look)
      : chain_(chain), wish_(wish), look_(look) {}

  Result<Done> run() {
    // One more: the first is the block that the place lies in.
    BMSG_TRY_ASSIGN(const auto headers, chain_.headers(look_.place.height, wish_.blocks_max + 1));
    look_.more = headers.size() > wish_.blocks_max;
    for (const node::StoredHeader& header : headers) {
      const bool is_first = header.hash == look_.place.block;
      // The best chain has changed since the last question: the next look finds where.
      const bool linked = is_first || header.sealed.header.previous == look_.place.block;
      if (!linked || is_full()) {
        look_.more = true;
        return done;
      }
      if (!is_first) enter(header);
      BMSG_TRY_ASSIGN(const bool passed, messages(header));
      if (!passed) {
        look_.more = true;
        return done;
      }
    }
    return done;
  }

 private:
  bool is_full() const { return look_.events.size() >= wish_.events_max; }

  void enter(const node::StoredHeader& header) {
    look_.place = {header.sealed.header.height, header.hash, 0};
    if (wish_.blocks == BlockEvents::yes) look_.events.push_back({look_.place});
  }

  /// False if it was not passed whole.
  Result<bool> messages(const node::StoredHeader& header) {
    if (!wish_.wants) look_.place.index = header.sealed.header.count;
    if (look_.place.index >= header.sealed.header.count) return true;
    BMSG_TRY_ASSIGN(const auto ids, ids_in(chain_, header.hash));
    if (ids.size() != header.sealed.header.count) return false;  // Forgotten between two questions.
    for (std::size_t i = look_.place.index; i < ids.size(); ++i) {
      if (is_full()) return false;
      BMSG_TRY_ASSIGN(const bool wanted, wish_.wants(ids[i]));
      look_.place.index = static_cast<std::uint32_t>(i + 1);
      if (wanted) look_.events.push_back({look_.place, ids[i]});
    }
    return true;
  }

  const node::ChainReader& chain_;
  const ReaderWish& wish_;
  ReaderLook& look_;
};

}  // namespace

bool is_reader_name(const std::string& name) {
  const auto is_plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  };
  return !name.empty() && name.size() <= kNameBytesMax && name[0] != '.' && name[0] != '-' &&
         std::ranges::all_of(name, is_plain);
}

Result<std::optional<Reader>> find_reader(const MailReader& mail, const std::string& name) {
  BMSG_TRY_ASSIGN(const auto value, mail.value(place_name(name)));
  if (!value) return std::optional<Reader>();
  ByteReader bytes(*value);
  Reader reader;
  reader.place.height.value = bytes.integer<std::uint32_t>();
  reader.place.block = bytes.fixed<BlockHash>();
  reader.place.index = bytes.integer<std::uint32_t>();
  reader.begin.value = bytes.integer<std::uint32_t>();
  if (!bytes.finished()) return damaged(name);
  return std::optional(reader);
}

Result<bool> is_handled(const MailReader& mail, const std::string& name, const MessageId& id) {
  BMSG_TRY_ASSIGN(const auto value, mail.value(handled_name(name, id)));
  return value.has_value();
}

Result<std::vector<Parked>> parked_of(const MailReader& mail, const std::string& name) {
  const std::string prefix = parked_prefix(name);
  BMSG_TRY_ASSIGN(const auto values, mail.values(prefix));
  std::vector<Parked> found;
  for (const auto& [key, value] : values) {
    ByteReader bytes(value);
    const ByteView id = as_bytes(key).subspan(prefix.size());
    if (id.size() != MessageId::kSize) return damaged(name);
    Parked parked{.id = MessageId::from(id), .height = {}, .index = 0};
    parked.height.value = bytes.integer<std::uint32_t>();
    parked.index = bytes.integer<std::uint32_t>();
    if (!bytes.finished()) return damaged(name);
    found.push_back(parked);
  }
  std::ranges::sort(found, {},
                    [](const Parked& one) { return std::tuple(one.height, one.index, one.id); });
  return found;
}

Result<std::vector<MessageId>> late_for(const MailReader& mail, const std::string& name) {
  const std::string prefix = late_prefix(name);
  BMSG_TRY_ASSIGN(const auto values, mail.values(prefix));
  std::vector<MessageId> found;
  for (const auto& [key, value] : values) {
    const ByteView id = as_bytes(key).subspan(prefix.size());
    if (id.size() != MessageId::kSize) return damaged(name);
    found.push_back(MessageId::from(id));
  }
  return found;
}

void set_late(MailChange& change, const std::string& name, const MessageId& id) {
  change.values.insert_or_assign(late_name(name, id), Bytes());
}

void clear_late(MailChange& change, const std::string& name, const MessageId& id) {
  change.values.insert_or_assign(late_name(name, id), std::nullopt);
}

Result<Done> set_late_for_readers(Told told, const node::ChainReader& chain, const MailReader& mail,
                                  const std::vector<MessageId>& ids, MailChange& change) {
  if (ids.empty()) return done;
  BMSG_TRY_ASSIGN(const auto readers, mail.values(std::string(kPlacePrefix)));
  if (readers.empty()) return done;
  std::vector<std::pair<MessageId, Height>> placed;
  for (const MessageId& id : ids) {
    BMSG_TRY_ASSIGN(const auto height, height_of(chain, id));
    // What waits may have stood in a block that was left, and that comes back.
    placed.emplace_back(id, height.value_or(Height{UINT32_MAX}));
  }
  for (const auto& [key, value] : readers) {
    const std::string name = key.substr(kPlacePrefix.size());
    BMSG_TRY_ASSIGN(const auto reader, find_reader(mail, name));
    if (!reader) continue;
    // What it passed in a branch that was left nobody knows any more, and that may come back.
    BMSG_TRY_ASSIGN(const auto hash, chain.hash_at(reader->place.height));
    const bool is_told_of_all = told == Told::all || hash != reader->place.block;
    const Height top = is_told_of_all ? Height{UINT32_MAX} : reader->place.height;
    for (const auto& [id, height] : placed)
      if (height > reader->begin && height <= top) set_late(change, name, id);
  }
  return done;
}

void set_reader(MailChange& change, const std::string& name, const Reader& reader) {
  Bytes value;
  append_be(value, reader.place.height.value);
  append(value, reader.place.block.view());
  append_be(value, reader.place.index);
  append_be(value, reader.begin.value);
  change.values.insert_or_assign(place_name(name), std::move(value));
}

void set_handled(MailChange& change, const std::string& name, const MessageId& id) {
  change.values.insert_or_assign(handled_name(name, id), Bytes());
  change.values.insert_or_assign(parked_name(name, id), std::nullopt);
}

void set_parked(MailChange& change, const std::string& name, const Parked& parked) {
  set_handled(change, name, parked.id);
  Bytes value;
  append_be(value, parked.height.value);
  append_be(value, parked.index);
  change.values.insert_or_assign(parked_name(name, parked.id), std::move(value));
}

Result<ReaderPlace> first_place(const node::ChainReader& chain) { return end_of(chain, Height{0}); }

Result<ReaderPlace> last_place(const node::ChainReader& chain) {
  BMSG_TRY_ASSIGN(const auto tip, chain.tip());
  return end_of(chain, tip.height);
}

Result<Reader> begin_reader(const node::ChainReader& chain, const MailReader& mail,
                            const std::string& name, const ReaderPlace& place, MailChange& change) {
  const Reader reader{.place = place, .begin = place.height};
  BMSG_TRY_ASSIGN(const auto headers, chain.headers(lowest_new(reader.begin), kReorgDepthMax + 1));
  for (const node::StoredHeader& header : headers) {
    if (header.sealed.header.height > place.height) break;
    BMSG_TRY_ASSIGN(auto ids, ids_in(chain, header.hash));
    if (header.hash == place.block && ids.size() > place.index) ids.resize(place.index);
    for (const MessageId& id : ids) {
      BMSG_TRY_ASSIGN(const auto entry, mail.entry(id));
      if (entry) set_handled(change, name, id);
    }
  }
  set_reader(change, name, reader);
  return reader;
}

Result<Settled> settle(const node::ChainReader& chain, const Reader& reader) {
  BMSG_TRY_ASSIGN(const auto tip, chain.tip());
  const Height top = reader.place.height;
  std::vector<BlockHash> left;  // From the place downwards.
  BlockHash at = reader.place.block;
  Height fork = top;
  for (;; --fork.value) {
    BMSG_TRY_ASSIGN(const auto hash, chain.hash_at(fork));
    if (hash == at) break;
    BMSG_TRY_ASSIGN(const auto header, chain.header(at));
    if (!header || fork.value == 0) {
      // A branch that is not kept any more does not say where it began. A chain that is being
      // fetched again will have the place again, or show that it has not.
      fork = lowest_new(reader.begin);
      if (tip.height < fork) return Settled{.place = reader.place};
      break;
    }
    left.push_back(at);
    at = header->sealed.header.previous;
  }
  if (left.empty() && fork == top) return Settled{.place = reader.place};
  Settled settled;
  BMSG_TRY_ASSIGN(settled.place, end_of(chain, fork));
  settled.left = LeftBranch{
      .from = reader.place.block, .to = tip.hash, .depth = top.value - std::min(fork, top).value};
  for (auto hash = left.rbegin(); hash != left.rend(); ++hash) {
    BMSG_TRY_ASSIGN(const auto ids, ids_in(chain, *hash));
    for (const MessageId& id : ids) {
      BMSG_TRY_ASSIGN(const auto height, height_of(chain, id));
      if (!height) settled.left->messages.push_back(id);
    }
  }
  return settled;
}

Result<ReaderLook> look_ahead(const node::ChainReader& chain, const Reader& reader,
                              const ReaderWish& wish) {
  BMSG_TRY_ASSIGN(auto settled, settle(chain, reader));
  ReaderLook look;
  look.left = std::move(settled.left);
  look.from = look.place = settled.place;
  BMSG_TRY(Looker(chain, wish, look).run());
  return look;
}

}  // namespace bmsg::mail
