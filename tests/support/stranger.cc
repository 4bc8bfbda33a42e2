// A stranger's program: mail as the rules allow it and ours would never write it. The name in the
// card, the subject and the text are taken as they come.
//
//   stranger GENESIS CARD OUTBOX NAME SUBJECT [pair] <TEXT
//
// CARD is the file with the recipient's card, OUTBOX the folder of a store that takes both
// messages along; CARD.reply is written with the stranger's own card as text. With `pair` the mail
// is signed by a key of secp256k1, as Whisper's clients have them.

#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <string_view>

#include "lib/chain/rules_text.h"
#include "lib/core/clock.h"
#include "lib/core/disk.h"
#include "lib/core/try.h"
#include "lib/crypto/agree.h"
#include "lib/crypto/random.h"
#include "lib/crypto/sign.h"
#include "lib/mail/card.h"
#include "lib/mail/outbox.h"
#include "lib/mail/seal.h"
#include "lib/mail/stamp.h"

namespace bmsg {
namespace {

std::string text_of(std::istream&& in) {
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

Result<mail::OutboxFile> stamped(const chain::ChainRules& chain, mail::Sealed sealed,
                                 UnixSeconds now) {
  const auto nonce = mail::find_stamp(sealed.head, chain, 1, {});
  return mail::OutboxFile{
      .since = now, .message = std::move(sealed).with_nonce(*nonce), .note = {}};
}

enum class SignedBy { identity, pair };

Result<Done> write(char** words, SignedBy signed_by) {
  BMSG_TRY_ASSIGN(const auto chain, chain::parse_chain_rules(text_of(std::ifstream(words[1]))));
  BMSG_TRY_ASSIGN(const auto to, mail::card_from_text(text_of(std::ifstream(words[2])), chain.id));
  SystemDisk disk;
  SystemClock clock;
  crypto::SystemEntropy entropy;
  const UnixSeconds now = clock.now();
  const auto minute = static_cast<std::uint32_t>(now.value - now.value % 60);
  BMSG_TRY_ASSIGN(const auto seed, crypto::random_secret(entropy, crypto::kSeedBytes));
  BMSG_TRY_ASSIGN(const auto secret, crypto::random_secret(entropy, Prekey::kSize));
  const auto prekey = crypto::public_key_of(crypto::Curve::x25519, secret);
  BMSG_TRY_ASSIGN(auto card, mail::make_card(chain,
                                             {.name = words[4],
                                              .prekey = Prekey::from(*prekey),
                                              .time = minute,
                                              .ttl = mail::kCardSeconds},
                                             seed));
  mail::Content content;
  content.subject = words[5];
  content.content = to_bytes(text_of(std::move(std::cin)));
  const auto signer =
      signed_by == SignedBy::pair ? mail::SigningKey::of_pair(seed) : mail::SigningKey(&seed);
  BMSG_TRY_ASSIGN(auto sealed,
                  mail::seal(chain, content, {{to_bytes(to.prekey.view()), to.identity}}, signer,
                             {.time = minute, .ttl = 86400}, entropy));
  BMSG_TRY_ASSIGN(const auto first, stamped(chain, std::move(card), now));
  BMSG_TRY_ASSIGN(const auto second, stamped(chain, std::move(sealed), now));
  BMSG_TRY_ASSIGN(const auto own, mail::read_card(first.message, chain.id));
  std::ofstream(std::string(words[2]) + ".reply") << mail::to_text(own) << '\n';
  return mail::Outbox(disk, words[3]).queue({first, second});
}

}  // namespace
}  // namespace bmsg

int main(int count, char** words) {
  bmsg::crypto::begin_without_settings();
  const bool is_pair = count == 7 && std::string_view(words[6]) == "pair";
  if (count != 6 && !is_pair) return 64;
  const auto written =
      bmsg::write(words, is_pair ? bmsg::SignedBy::pair : bmsg::SignedBy::identity);
  if (written) return 0;
  std::fprintf(stderr, "stranger: %s\n", written.error().message.c_str());
  return 1;
}
