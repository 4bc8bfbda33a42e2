// Approves in public what a message does not say: as its signer, whose store would not do it.
//
//   false_approval GENESIS OUTBOX TOPIC ID TEXT <PAPER
//
// PAPER is what `bmsg id backup --paper` prints, TOPIC four characters, TEXT what is approved as
// the text of the message ID; OUTBOX is the folder of a store that takes the approval along.

#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>

#include "lib/chain/block_hash.h"
#include "lib/chain/rules_text.h"
#include "lib/core/clock.h"
#include "lib/core/disk.h"
#include "lib/core/hex.h"
#include "lib/core/try.h"
#include "lib/crypto/random.h"
#include "lib/mail/approval.h"
#include "lib/mail/identity_backup.h"
#include "lib/mail/outbox.h"
#include "lib/mail/seal.h"
#include "lib/mail/stamp.h"

namespace bmsg {
namespace {

std::string text_of(std::istream&& in) {
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

Result<Done> write(char** words) {
  BMSG_TRY_ASSIGN(const auto chain, chain::parse_chain_rules(text_of(std::ifstream(words[1]))));
  const auto id = fixed_from_hex<MessageId>(words[4]);
  if (!id) return Error{Errc::bad_usage, "no id"};
  BMSG_TRY_ASSIGN(const auto seed, mail::seed_on_paper(as_bytes(text_of(std::move(std::cin)))));
  SystemDisk disk;
  const UnixSeconds now = SystemClock().now();
  mail::Content said;
  said.content = to_bytes(words[5]);
  mail::Content content;
  content.kind = mail::Kind::application;
  content.media_type = mail::kApprovalType;
  content.re = {*id};
  content.content = to_bytes(mail::content_hash(said).view());
  BMSG_TRY_ASSIGN(auto made,
                  mail::post(chain, content, &seed,
                             {.suite = Suite::open,
                              .topic = Topic::from(as_bytes(words[3])),
                              .time = static_cast<std::uint32_t>(now.value - now.value % 60),
                              .ttl = 86400}));
  const auto nonce = mail::find_stamp(made.head, chain, 1, {});
  const mail::OutboxFile file{
      .since = now, .message = std::move(made).with_nonce(*nonce), .note = {}};
  std::printf("%s\n", to_hex(chain::id_of(file.message.head).view()).c_str());
  return mail::Outbox(disk, words[2]).queue({file});
}

}  // namespace
}  // namespace bmsg

int main(int count, char** words) {
  bmsg::crypto::begin_without_settings();
  if (count != 6) return 64;
  const auto written = bmsg::write(words);
  if (written) return 0;
  std::fprintf(stderr, "false_approval: %s\n", written.error().message.c_str());
  return 1;
}
