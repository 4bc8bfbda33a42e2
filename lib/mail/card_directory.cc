#include "lib/mail/card_directory.h"

#include <fmt/format.h>

#include <algorithm>

#include "lib/core/address.h"
#include "lib/core/byte_reader.h"
#include "lib/core/codec.h"
#include "lib/core/try.h"
#include "lib/crypto/sha512.h"
#include "lib/mail/revocation_marks.h"

namespace bmsg::mail {
namespace {

constexpr std::string_view kPositionMagic = "bmC1";
constexpr std::size_t kPositionBytesMax = 256;
constexpr std::size_t kDevicesMax = 255;  // ff stands for all devices.
constexpr std::size_t kFewNames = 512;

Bytes encode(const WalkPlace& place) {
  Bytes bytes = to_bytes(kPositionMagic);
  append_be(bytes, place.height.value);
  append(bytes, place.hash.view());
  append_be(bytes, place.pool_arrival);
  append(bytes, crypto::sha512(bytes).view());
  return bytes;
}

std::optional<WalkPlace> decode_place(ByteView bytes) {
  if (bytes.size() < Digest::kSize) return std::nullopt;
  const ByteView front = bytes.first(bytes.size() - Digest::kSize);
  if (crypto::sha512(front) != Digest::from(bytes.last(Digest::kSize))) return std::nullopt;
  ByteReader reader(front);
  if (as_text(reader.take(kPositionMagic.size())) != kPositionMagic) return std::nullopt;
  WalkPlace place;
  place.height.value = reader.integer<std::uint32_t>();
  place.hash = reader.fixed<BlockHash>();
  place.pool_arrival = reader.integer<std::uint64_t>();
  return reader.finished() ? std::optional(place) : std::nullopt;
}

std::filesystem::path conflict_of(std::filesystem::path file) { return file += ".conflict"; }

}  // namespace

CardDirectory::CardDirectory(Disk& disk, std::filesystem::path directory, const ChainId& chain)
    : disk_(disk), directory_(std::move(directory)), chain_(chain) {}

std::filesystem::path CardDirectory::file_of(const IdentityKey& identity,
                                             std::uint8_t device) const {
  return directory_ / fmt::format("{}.{}", to_address(identity), device);
}

Result<std::optional<Card>> CardDirectory::read(const std::filesystem::path& file) const {
  const auto bytes = disk_.read(file, kMessageBytesMax);
  if (!bytes && bytes.error().code != Errc::corrupt) return bytes.error();
  if (!bytes || !bytes.value()) return std::optional<Card>();
  const auto message = decode_message(*bytes.value());
  if (message) {
    if (auto card = read_card(message.value(), chain_))
      return std::optional(std::move(card).value());
  }
  // A damaged file is as good as none: the next collect() begins anew, and finds the card if the
  // chain has it.
  (void)disk_.remove(directory_ / "position");
  return std::optional<Card>();
}

std::filesystem::path CardDirectory::revocations_file(const IdentityKey& identity) const {
  return directory_ / (to_address(identity) + ".revoked");
}

Result<CardOrder> CardDirectory::put(const Card& card) {
  BMSG_TRY_ASSIGN(const CardOrder order, keep(card));
  if (order == CardOrder::same) BMSG_TRY(disk_.sync_directory(directory_));
  return order;
}

/// What is there already may be left of somebody who died before its name was durable.
Result<CardOrder> CardDirectory::keep(const Card& card) {
  const auto file = file_of(card.identity, card.device);
  BMSG_TRY_ASSIGN(const auto known, read(file));
  const CardOrder order = known ? compare(card, *known) : CardOrder::newer;
  if (order == CardOrder::same || order == CardOrder::older) return order;
  BMSG_TRY(disk_.make_directory(directory_));
  const auto target = order == CardOrder::conflict ? conflict_of(file) : file;
  BMSG_TRY(disk_.replace(target, bmsg::encode(card.message)));
  // A higher number ends the quarrel about a lower one.
  if (known && card.seq > known->seq) BMSG_TRY(disk_.remove(conflict_of(file)));
  return order;
}

Result<NewestCards> CardDirectory::cards_of(const IdentityKey& identity) const {
  if (!remembered_) return look_up(identity);
  auto known = remembered_->find(identity);
  if (known == remembered_->end()) {
    BMSG_TRY_ASSIGN(auto found, look_up(identity));
    known = remembered_->emplace(identity, std::move(found)).first;
  }
  return known->second;
}

Result<NewestCards> CardDirectory::look_up(const IdentityKey& identity) const {
  std::vector<Card> cards;
  // Few names are soon listed. With many, which strangers can publish, asking for each possible
  // name costs half a millisecond whatever the directory holds.
  BMSG_TRY_ASSIGN(const auto names, disk_.list_few(directory_, kFewNames));
  const std::string common = to_address(identity);
  for (std::size_t device = 0; device < kDevicesMax; ++device) {
    const std::string name = fmt::format("{}.{}", common, device);
    if (names && !std::ranges::binary_search(*names, name)) continue;
    const auto file = directory_ / name;
    BMSG_TRY(add_kept(file, identity, device, cards));
  }
  NewestCards known = newest(std::move(cards));
  BMSG_TRY_ASSIGN(const auto revocations, revocations_of(identity));
  for (const Revocation& one : revocations) {
    if (one.statement.scope != kWholeIdentity) known.retired.push_back(one.statement.scope);
    std::erase_if(known.cards, [&](const Card& card) { return one.covers(card.device); });
  }
  known.revoked = ends_identity(revocations);
  known.successors = successors_in(revocations);
  return known;
}

Result<std::vector<Card>> CardDirectory::kept(const IdentityKey& identity,
                                              std::uint8_t device) const {
  std::vector<Card> cards;
  BMSG_TRY(add_kept(file_of(identity, device), identity, device, cards));
  return cards;
}

Result<Done> CardDirectory::add_kept(const std::filesystem::path& file, const IdentityKey& identity,
                                     std::size_t device, std::vector<Card>& cards) const {
  const auto fits = [&](const std::optional<Card>& card) {
    return card && card->identity == identity && card->device == device;
  };
  BMSG_TRY_ASSIGN(auto card, read(file));
  if (!fits(card)) return done;
  cards.push_back(std::move(*card));
  BMSG_TRY_ASSIGN(auto other, read(conflict_of(file)));
  if (fits(other)) cards.push_back(std::move(*other));
  return done;
}

Result<Done> CardDirectory::settle(const Card& chosen) {
  const auto file = file_of(chosen.identity, chosen.device);
  BMSG_TRY(disk_.make_directory(directory_));
  BMSG_TRY(disk_.replace(file, bmsg::encode(chosen.message)));
  return disk_.remove(conflict_of(file));
}

Result<std::vector<Revocation>> CardDirectory::revocations_of(const IdentityKey& identity) const {
  const auto file = revocations_file(identity);
  BMSG_TRY_ASSIGN(const auto bytes, disk_.read(file, kRevocationsBytesMax));
  if (!bytes) return std::vector<Revocation>();
  auto known = decode_revocations(*bytes);
  const bool is_theirs = known && std::ranges::all_of(*known, [&](const Revocation& one) {
                           return one.statement.old_key == identity;
                         });
  if (is_theirs) return std::move(*known);
  return Error{
      Errc::corrupt, fmt::format("'{}' is damaged", file.string()),
      fmt::format("remove '{}': what the chain has is collected again", directory_.string())};
}

Result<bool> CardDirectory::put_statement(ByteView statement,
                                          const std::optional<StatementPost>& post) {
  BMSG_TRY_ASSIGN(const bool is_new, keep_statement(statement, post));
  if (!is_new) BMSG_TRY(disk_.sync_directory(directory_));
  return is_new;
}

Result<bool> CardDirectory::keep_statement(ByteView statement,
                                           const std::optional<StatementPost>& post) {
  const auto read = read_statement(statement);
  if (!read) return Error{Errc::bad_input, "not a revocation: signature"};
  BMSG_TRY_ASSIGN(auto known, revocations_of(read->old_key));
  if (!add_statement(known, statement, post)) return false;
  BMSG_TRY(disk_.make_directory(directory_));
  BMSG_TRY(disk_.replace(revocations_file(read->old_key), encode_revocations(known)));
  return true;
}

Result<std::optional<WalkPlace>> CardDirectory::position() const {
  const auto bytes = disk_.read(directory_ / "position", kPositionBytesMax);
  if (!bytes && bytes.error().code != Errc::corrupt) return bytes.error();
  if (!bytes || !bytes.value()) return std::optional<WalkPlace>();
  return decode_place(*bytes.value());
}

Result<bool> CardDirectory::is_after_revocation(const ForgetRequest& request,
                                                const node::ChainReader& chain,
                                                const MessageId& id) const {
  BMSG_TRY_ASSIGN(const auto places, chain.places_of(id));
  std::optional<Height> block;
  for (const node::MessagePlace& place : places)
    if (place.branch == node::Branch::main) block = place.height;
  return RevocationMarks(*this, chain).is_after(request.author, request.device, block);
}

Result<Done> CardDirectory::collect_one(const node::ChainReader& chain, const MessageId& id,
                                        const Message& message, Collected& collected) {
  if (const auto request = forget_request_in(message, chain_)) {
    BMSG_TRY_ASSIGN(const bool is_late, is_after_revocation(*request, chain, id));
    if (is_late) return done;  // Of whoever has the key that was revoked.
    BMSG_TRY_ASSIGN(const auto ids, owed_to(*request, chain, chain_));
    return ids.empty() ? Result<Done>(done) : forget_requests().note(id, ids);
  }
  if (const auto proof = evidence_in(message, chain_)) {
    BMSG_TRY_ASSIGN(const bool is_ours, is_of_chain(*proof, chain, chain_));
    return is_ours ? evidence().note(*proof) : Result<Done>(done);
  }
  if (const auto statement = statement_in(message, chain_)) {
    const StatementPost post{id, UnixSeconds{message.head.expiry()}};
    BMSG_TRY_ASSIGN(const bool is_new, keep_statement(*statement, post));
    collected.statements += is_new ? 1 : 0;
    collected.again |= !is_new;
    return done;
  }
  if (!looks_like_card(message)) return done;
  const auto card = read_card(message, chain_);
  if (!card) return done;  // A stranger's bad card is no failure of ours.
  BMSG_TRY_ASSIGN(const CardOrder order, keep(card.value()));
  collected.again |= order == CardOrder::same;
  if (order == CardOrder::newer || order == CardOrder::conflict) ++collected.cards;
  return done;
}

Result<CardDirectory::Collected> CardDirectory::collect(const node::ChainReader& chain,
                                                        const WalkLimits& limits) {
  BMSG_TRY_ASSIGN(const auto from, position());
  Collected collected;
  const auto visit = [&](const MessageId& id, const Message& message) {
    return collect_one(chain, id, message, collected);
  };
  BMSG_TRY_ASSIGN(const Walked walked, walk(chain, from, limits, visit, WalkOf::open));
  collected.more = walked.more;
  if (from == walked.place) return collected;
  if (collected.again) BMSG_TRY(disk_.sync_directory(directory_));
  const auto file = directory_ / "position";
  const Bytes place = encode(walked.place);
  if (from) {
    // One that a crash has torn counts for none, and all is walked again.
    BMSG_TRY(disk_.overwrite(file, 0, place));
    return collected;
  }
  BMSG_TRY(disk_.make_directory(directory_));
  BMSG_TRY(disk_.replace(file, place));
  return collected;
}

Result<Done> CardDirectory::collect_all(const node::ChainReader& chain) {
  for (;;) {
    BMSG_TRY_ASSIGN(const auto collected, collect(chain));
    if (!collected.more) return done;
  }
}

}  // namespace bmsg::mail
