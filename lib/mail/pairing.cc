#include "lib/mail/pairing.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "lib/core/address.h"
#include "lib/core/try.h"
#include "lib/crypto/agree.h"
#include "lib/crypto/random.h"
#include "lib/mail/sealed_pairing.h"

namespace bmsg::mail {
namespace {

constexpr std::size_t kCodeBytes = 16;
constexpr std::size_t kTypedBytesMax = 1024;  // Of a code with all its blanks.
/// The least that readers take: nobody guesses 128 random bits, so nothing is gained by slowness.
constexpr crypto::ScryptCost kCost{.log2_n = 10, .r = 8, .p = 1};
constexpr std::size_t kLog2NAt = 4;       // In a keyring file.
constexpr unsigned kDevicesToDraw = 254;  // 1 to 254: 0 is the first device, ff stands for all.

constexpr const char* kTakeAgain = "take the file over again, or make another: 'bmsg pair export'";

Error damaged(std::string_view what) {
  return Error{Errc::corrupt, fmt::format("the pair file is damaged: {}", what), kTakeAgain};
}

Error no_code(std::string_view why) {
  return Error{Errc::denied, fmt::format("this is no pair code: {}", why),
               "it is 8 words of 5 letters, as 'bmsg pair export' printed it"};
}

Identity without_prekeys(const Identity& identity) {
  Identity made;
  made.name = identity.name;
  made.seed = identity.seed.clone();
  made.revocation = identity.revocation;
  made.inbox_bits = identity.inbox_bits;  // Else mail to both devices would be two messages.
  return made;
}

Room copy_of(const Room& room) {
  Room made;
  made.id = room.id;
  made.name = room.name;
  made.keeper = room.keeper;
  for (const RoomSecret& key : room.keys)
    made.keys.push_back({key.epoch, key.secret.clone(), key.replaced});
  made.members = room.members;
  made.unknown = room.unknown.clone();
  return made;
}

/// What one book calls somebody in the other.
using Names = std::unordered_map<std::string, std::string>;

/// A person or a room; nullopt if it is there or was added under its own name.
std::optional<std::string> add_one(ContactBook& book, const Contact& contact, Names& names) {
  const Contact* same =
      contact.kind == ContactKind::person ? book.by_address(*contact.address) : nullptr;
  if (!contact.room.empty()) same = book.by_room(contact.room);
  const Contact* taken = book.find(contact.name);
  if (same == nullptr && taken != nullptr && contact.kind == ContactKind::room &&
      taken->kind == contact.kind && taken->address == contact.address &&
      taken->room == contact.room) {
    same = taken;
  }
  if (same != nullptr) {
    names.emplace(contact.name, same->name);
    if (same->name == contact.name) return std::nullopt;
    return fmt::format("contact '{}' is '{}' here and stays so", contact.name, same->name);
  }
  if (taken != nullptr) {
    return fmt::format("contact '{}' is another one here; {} was not added", contact.name,
                       to_address(*contact.address));
  }
  if (const auto added = book.add(contact); !added) {
    return fmt::format("contact '{}' was not added: {}", contact.name, added.error().message);
  }
  names.emplace(contact.name, contact.name);
  return std::nullopt;
}

std::optional<std::string> add_group(ContactBook& book, const Contact& group, const Names& names) {
  Contact here = group;
  here.members.clear();
  for (const std::string& member : group.members) {
    if (const auto known = names.find(member); known != names.end())
      here.members.push_back(known->second);
  }
  std::ranges::sort(here.members);
  if (const Contact* there = book.find(group.name)) {
    if (there->kind == ContactKind::group && there->members == here.members) return std::nullopt;
    return fmt::format("group '{}' is another one here and stays so", group.name);
  }
  const bool whole = here.members.size() == group.members.size();
  if (const auto added = book.add(std::move(here)); !added)
    return fmt::format("group '{}' was not added: {}", group.name, added.error().message);
  if (whole) return std::nullopt;
  return fmt::format("group '{}' lacks those who were not added", group.name);
}

}  // namespace

Prekey public_half(const CardKey& key) {
  const auto made = crypto::public_key_of(crypto::Curve::x25519, key.secret);
  check(made.has_value(), "a prekey of the keyring is no key");
  return Prekey::from(*made);
}

Pairing pairing_of(const Keyring& keyring, const Identity* only, ContactBook contacts) {
  Pairing made{.keyring = {}, .contacts = std::move(contacts)};
  for (const Identity& identity : keyring.identities) {
    if (only != nullptr && only != &identity) continue;
    made.keyring.identities.push_back(without_prekeys(identity));
  }
  for (const Room& room : keyring.rooms) made.keyring.rooms.push_back(copy_of(room));
  made.keyring.shh = keyring.shh.clone();
  return made;
}

Result<crypto::SecretBytes> make_pair_code(Entropy& entropy) {
  BMSG_TRY_ASSIGN(const auto code, crypto::random_secret(entropy, kCodeBytes));
  return words_of(code.view());
}

Result<crypto::SecretBytes> read_pair_code(ByteView typed) {
  if (typed.size() > kTypedBytesMax) return no_code("it is too long");
  const auto code = secret_in(typed);
  if (!code) return no_code("a word is no proquint");
  if (code->size() != kCodeBytes) return no_code("it has not 8 words");
  return words_of(code->view());
}

Result<Bytes> seal_pairing(const crypto::SecretBytes& json, const crypto::SecretBytes& code,
                           Entropy& entropy) {
  return seal_with_sum(json, code.view(), kCost, entropy);
}

Result<Done> check_pairing(ByteView file) {
  if (!as_text(file).starts_with("bmK1"))
    return Error{Errc::corrupt, "this is no pair file", kTakeAgain};
  if (const auto damage = find_damage(file)) return damaged(*damage);
  // A keyring may ask for 4 GiB, and one without a passphrase for no work at all.
  if (file[kLog2NAt] < kCost.log2_n || file[kLog2NAt] > kPairLog2NMax)
    return damaged("its cost is out of bounds");
  return done;
}

Result<crypto::SecretBytes> open_pairing(ByteView file, const crypto::SecretBytes& code) {
  BMSG_TRY(check_pairing(file));
  auto json = open_keyring(keyring_in(file), code.view());
  if (json || json.error().code != Errc::denied) return json;
  return Error{Errc::denied, "wrong code for this pair file",
               "each file has a code of its own; 'bmsg pair export' makes another pair"};
}

std::vector<std::string> add_missing(ContactBook& book, const ContactBook& from) {
  std::vector<std::string> told;
  Names names;
  const auto contacts = from.all();
  const auto note = [&](std::optional<std::string> line) {
    if (line) told.push_back(std::move(*line));
  };
  for (const Contact* one : contacts) {
    if (one->kind != ContactKind::group) note(add_one(book, *one, names));
  }
  for (const Contact* one : contacts) {
    if (one->kind == ContactKind::group) note(add_group(book, *one, names));
  }
  return told;
}

Result<std::uint8_t> draw_device(const NewestCards& known, Entropy& entropy) {
  std::vector<std::uint8_t> free;
  for (unsigned number = 1; number <= kDevicesToDraw; ++number) {
    const auto device = static_cast<std::uint8_t>(number);
    const bool taken = std::ranges::find(known.cards, device, &Card::device) != known.cards.end();
    const bool dead = std::ranges::find(known.retired, device) != known.retired.end();
    if (!taken && !dead) free.push_back(device);
  }
  if (free.empty()) return Error{Errc::bad_input, "this identity has no device number left"};
  const std::size_t fair = 256 - 256 % free.size();  // From there on some would come more often.
  for (;;) {
    std::uint8_t drawn = 0;
    BMSG_TRY(entropy.fill({&drawn, 1}));
    if (drawn < fair) return free[drawn % free.size()];
  }
}

Result<OwnCard> judge_own_card(const CardDirectory& cards, const Identity& identity,
                               const ChainId& chain) {
  std::vector<Prekey> ours;
  const CardKey* newest = nullptr;
  Prekey mine;
  for (const CardKey& key : identity.cards) {
    if (key.chain != chain) continue;
    ours.push_back(public_half(key));
    if (newest != nullptr && key.seq < newest->seq) continue;
    newest = &key;
    mine = ours.back();
  }
  if (newest == nullptr) return OwnCard::fine;  // No card was ever meant for this chain.
  BMSG_TRY_ASSIGN(const auto kept, cards.kept(identity.address(), identity.device));
  bool seen = false;
  for (const Card& card : kept) {
    seen |= card.prekey == mine;
    if (std::ranges::find(ours, card.prekey) != ours.end()) continue;
    if (card.seq < newest->seq) continue;
    // The first device came by no draw. A card above ours is one whose prekey was lost with what a
    // backup does not have; two of one number are an alarm, which its owner has to judge.
    if (identity.device == 0) return card.seq > newest->seq ? OwnCard::outbid : OwnCard::rival;
    if (card.seq > newest->seq || (card.seq == newest->seq && card.prekey < mine))
      return OwnCard::yield;
    return OwnCard::outbid;
  }
  return seen ? OwnCard::fine : OwnCard::unseen;
}

}  // namespace bmsg::mail
