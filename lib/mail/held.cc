#include "lib/mail/held.h"

#include <fmt/format.h>

#include <algorithm>
#include <variant>

#include "lib/core/byte_reader.h"
#include "lib/core/try.h"
#include "lib/crypto/sha512.h"
#include "lib/mail/send_once.h"

namespace bmsg::mail {
namespace {

constexpr std::string_view kMagic = "bmL1";
constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kFileBytesMax = 1u << 20;

/// Under which a held letter is sent.
Digest release_name(const MessageId& held) {
  return crypto::sha512({as_bytes("bmsg1 released"), held.view()});
}

Result<Bytes> encode(const Letter& letter, const IdentityKey& sender) {
  BMSG_TRY_ASSIGN(const Bytes records, encode_records(letter.content));
  Bytes out = to_bytes(sender.view());
  out.push_back(static_cast<std::uint8_t>(letter.audience));
  out.push_back(static_cast<std::uint8_t>(letter.stale));
  append(out, letter.topic.view());
  append_be(out, letter.ttl);
  append_be(out, static_cast<std::uint32_t>(letter.to.size()));
  for (const Addressee& to : letter.to) {
    append(out, to.address.view());
    append_be(out, static_cast<std::uint32_t>(to.name.size()));
    append(out, as_bytes(to.name));
  }
  append(out, records);
  return out;
}

std::optional<HeldLetter> decode(ByteView bytes) {
  ByteReader in(bytes);
  HeldLetter held;
  held.sender = in.fixed<IdentityKey>();
  const auto audience = in.integer<std::uint8_t>();
  const auto stale = in.integer<std::uint8_t>();
  held.letter.topic = in.fixed<Topic>();
  held.letter.ttl = in.integer<std::uint32_t>();
  for (auto left = in.integer<std::uint32_t>(); left > 0 && !in.ran_short(); --left) {
    const auto address = in.fixed<IdentityKey>();
    held.letter.to.push_back({address, to_string(in.take(in.integer<std::uint32_t>()))});
  }
  const ByteView records = in.rest();
  if (!in.finished() || audience > 1 || stale > 1) return std::nullopt;
  held.letter.audience = Audience{audience};
  held.letter.stale = Stale{stale};
  auto read = decode_records(records, Padding::malformed);
  if (std::holds_alternative<BadRecords>(read)) return std::nullopt;
  held.letter.content = std::move(std::get<ReadRecords>(read).content);
  return held;
}

/// The sealed part of a file; nullopt if it is damaged.
std::optional<Bytes> unwrap(ByteView bytes) {
  constexpr std::size_t kFront = kMagic.size() + 1;
  if (bytes.size() < kFront + Digest::kSize) return std::nullopt;
  const ByteView hashed = bytes.first(bytes.size() - Digest::kSize);
  if (crypto::sha512(hashed) != Digest::from(bytes.last(Digest::kSize))) return std::nullopt;
  if (as_text(hashed.first(kMagic.size())) != kMagic || hashed[kMagic.size()] != kVersion) {
    return std::nullopt;
  }
  return to_bytes(hashed.subspan(kFront));
}

/// nullopt if it is damaged, or of another key.
std::optional<HeldLetter> open(const crypto::SecretBytes& mailbox_key, const MessageId& id,
                               ByteView file) {
  const auto sealed = unwrap(file);
  if (!sealed) return std::nullopt;
  const auto plain = open_note(mailbox_key, id, *sealed);
  return plain ? decode(plain.value().view()) : std::nullopt;
}

/// Whether a letter that could not be sent waits for a card, or for somebody else.
bool passes(Errc code) { return code == Errc::no_recipient || code == Errc::locked; }

/// Whether no card will help it, while others can be sent all the same.
Result<bool> is_hopeless(const Letter& letter, const SendContext& context, Errc code) {
  if (code == Errc::bad_input || code == Errc::corrupt || code == Errc::bad_config) return true;
  if (code != Errc::no_recipient) return false;
  for (const Addressee& to : letter.to) {
    BMSG_TRY_ASSIGN(const NewestCards known, context.cards.cards_of(to.address));
    if (known.revoked) return true;
  }
  return false;
}

}  // namespace

bool is_whole_held(ByteView bytes) { return unwrap(bytes).has_value(); }

Result<SealedHeld> HeldLetters::seal(const Letter& letter, const IdentityKey& sender,
                                     Entropy& entropy) const {
  check(letter.content.sender.empty(), "a held letter is signed when it is sealed");
  SealedHeld made;
  BMSG_TRY(entropy.fill({made.id.data(), MessageId::kSize}));
  BMSG_TRY_ASSIGN(Bytes plain, encode(letter, sender));
  auto sealed = seal_note(mailbox_key_, made.id, plain, entropy);
  crypto::wipe(plain);
  if (!sealed) return sealed.error();
  made.file = to_bytes(kMagic);
  made.file.push_back(kVersion);
  append(made.file, sealed.value());
  append(made.file, crypto::sha512(made.file).view());
  return made;
}

Result<MessageId> HeldLetters::hold(const Letter& letter, const IdentityKey& sender,
                                    UnixSeconds since, Entropy& entropy) {
  BMSG_TRY_ASSIGN(const SealedHeld made, seal(letter, sender, entropy));
  BMSG_TRY(outbox_.prepare());
  const auto place = outbox_.directory() / "held" / outbox_name(since, made.id);
  BMSG_TRY(outbox_.disk().replace(place, made.file));
  return made.id;
}

Result<std::vector<HeldLetter>> HeldLetters::all(std::vector<MessageId>* damaged) const {
  std::vector<HeldLetter> found;
  const auto directory = outbox_.directory() / "held";
  BMSG_TRY_ASSIGN(const auto names, outbox_.disk().list(directory));
  for (const std::string& name : names) {
    const auto parsed = parse_outbox_name(name);
    if (!parsed) continue;
    const auto bytes = outbox_.disk().read(directory / name, kFileBytesMax);
    if (!bytes && bytes.error().code != Errc::corrupt) return bytes.error();
    if (bytes && !bytes.value()) continue;  // Released meanwhile.
    auto held = bytes ? open(mailbox_key_, parsed->id, *bytes.value()) : std::nullopt;
    if (!held) {
      if (damaged != nullptr) damaged->push_back(parsed->id);
      continue;
    }
    held->id = parsed->id;
    held->since = parsed->since;
    found.push_back(std::move(*held));
  }
  return found;
}

Result<std::vector<HeldLetters::Released>> HeldLetters::release(const SendContext& context,
                                                                std::stop_token stop,
                                                                std::vector<Stuck>* stuck) {
  check(context.keyring != nullptr, "held letters are released with their keyring");
  std::vector<Released> released;
  std::vector<Stuck> none_asked;
  std::vector<Stuck>& kept = stuck != nullptr ? *stuck : none_asked;
  std::vector<MessageId> damaged;
  BMSG_TRY_ASSIGN(const auto letters, all(&damaged));
  for (const MessageId& id : damaged)
    kept.push_back({id, {Errc::corrupt, "it is damaged, or of another keyring"}});
  for (const HeldLetter& held : letters) {
    SendContext as_sender = context;
    as_sender.identity = context.keyring->find(held.sender);
    if (!as_sender.identity) continue;
    auto sent = release(held, as_sender, stop);
    if (!sent) {
      BMSG_TRY_ASSIGN(const bool hopeless, is_hopeless(held.letter, as_sender, sent.error().code));
      if (hopeless) kept.push_back({held.id, sent.error()});
      if (!hopeless && !passes(sent.error().code)) return sent.error();
      continue;
    }
    if (sent.value()) released.push_back(std::move(*sent.value()));
  }
  return released;
}

/// nullopt: somebody else has sent it, or taken it back.
Result<std::optional<HeldLetters::Released>> HeldLetters::release(const HeldLetter& held,
                                                                  const SendContext& as_sender,
                                                                  std::stop_token stop) {
  const SendKey key{.name = release_name(held.id)};
  BMSG_TRY_ASSIGN(const auto lock,
                  SendKeys(outbox_).lock(key, as_sender.patience, as_sender.clock));
  BMSG_TRY_ASSIGN(const auto waiting, held_names(outbox_));
  if (std::ranges::find(waiting, held.id, &HeldName::id) == waiting.end())
    return std::optional<Released>();
  BMSG_TRY_ASSIGN(auto sent, send_locked(held.letter, key, as_sender, stop));
  BMSG_TRY(remove_held(outbox_, held.id));
  return std::optional(Released{held.id, std::move(sent.sent)});
}

Result<Done> cancel_held(Outbox& outbox, const MessageId& id, std::chrono::milliseconds patience,
                         const Clock& clock) {
  const SendKey key{.name = release_name(id)};
  BMSG_TRY_ASSIGN(const auto lock, SendKeys(outbox).lock(key, patience, clock));
  BMSG_TRY_ASSIGN(const auto sent, released_as(outbox, id));
  BMSG_TRY(remove_held(outbox, id));
  // Whoever sent it died before its file was gone.
  if (!sent.empty()) return Error{Errc::not_found, "the held letter has been sent"};
  return done;
}

Result<std::vector<HeldName>> held_names(const Outbox& outbox) {
  BMSG_TRY_ASSIGN(const auto names, outbox.disk().list(outbox.directory() / "held"));
  std::vector<HeldName> held;
  for (const std::string& name : names) {
    if (const auto parsed = parse_outbox_name(name)) held.push_back({parsed->id, parsed->since});
  }
  return held;
}

Result<Done> remove_held(const Outbox& outbox, const MessageId& id) {
  const auto directory = outbox.directory() / "held";
  BMSG_TRY_ASSIGN(const auto names, outbox.disk().list(directory));
  for (const std::string& name : names) {
    const auto parsed = parse_outbox_name(name);
    if (parsed && parsed->id == id) return outbox.disk().remove(directory / name);
  }
  return Error{Errc::not_found, "no such held letter"};
}

Result<std::vector<MessageId>> released_as(const Outbox& outbox, const MessageId& held) {
  BMSG_TRY_ASSIGN(const auto record, read_key_record(outbox, release_name(held)));
  std::vector<MessageId> ids;
  if (record) {
    for (const KeyRecord::Queued& one : record->messages) ids.push_back(one.id);
  }
  return ids;
}

}  // namespace bmsg::mail
