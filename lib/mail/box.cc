#include "lib/mail/box.h"

#include <fmt/format.h>

#include "lib/core/try.h"
#include "lib/mail/message_line.h"
#include "lib/mail/open.h"
#include "lib/mail/room.h"

namespace bmsg::mail {
namespace {

constexpr std::string_view kTextStart = "bmsg-box ";
constexpr std::uint8_t kBoxSuite = 1;  // X25519.

Error not_a_box(std::string_view why) {
  return Error{Errc::bad_input, fmt::format("not a box: {}", why)};
}

const char* missing_in(const Content& content) {
  if (content.kind != Kind::box) return "another kind of message";
  if (!content.identity()) return "no identity";
  if (!content.prekey || content.prekey->suite != kBoxSuite) return "no key that we can seal to";
  if (!content.thread) return "no room";
  return nullptr;
}

}  // namespace

Result<Sealed> make_box(const chain::ChainRules& chain, const Room& room, std::uint32_t time,
                        const crypto::SecretBytes& keeper_seed) {
  Content content;
  content.kind = Kind::box;
  content.subject = room.name;
  content.prekey = OfferedKey{kBoxSuite, room_public_key(newest_key(room).secret)};
  content.thread = ThreadId::from(room.id);
  return post(chain, std::move(content), &keeper_seed,
              {.suite = Suite::open, .topic = {}, .time = time, .ttl = chain.rules.maxttl});
}

Result<Box> read_box(const Message& message, const ChainId& chain) {
  const Opened opened = open_public(message, chain);
  if (opened.fault) return not_a_box(fmt::format("{}: {}", name_of(*opened.fault), opened.detail));
  if (opened.signature != SignatureState::good) return not_a_box("signature");
  const Content& content = opened.content;
  if (const char* why = missing_in(content)) return not_a_box(why);
  return Box{.room = to_bytes(content.thread->view()),
             .name = content.subject,
             .keeper = *content.identity(),
             .key = content.prekey->key,
             .message = message};
}

bool looks_like_box(std::string_view text) { return begins_message_line(kTextStart, text); }

std::string to_text(const Box& box) { return to_message_line(kTextStart, box.message); }

Result<Box> box_from_text(std::string_view text, const ChainId& chain) {
  const auto message = read_message_line(kTextStart, text);
  if (!message) return not_a_box(message.error().message);
  return read_box(message.value(), chain);
}

}  // namespace bmsg::mail
