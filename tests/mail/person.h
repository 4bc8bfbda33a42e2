// Person: somebody with a store of her own, for tests that send and read.

#pragma once

#include <string>
#include <vector>

#include "lib/core/try.h"
#include "lib/mail/held.h"
#include "lib/mail/mail_overlay.h"
#include "lib/mail/mailbox.h"
#include "lib/mail/memory_mail_store.h"
#include "lib/mail/scan.h"
#include "lib/mail/send.h"
#include "tests/mail/support.h"
#include "tests/mail/test_chain.h"
#include "tests/support/fake_clock.h"
#include "tests/support/temp_dir.h"

namespace bmsg::mail {

/// The worked example's chain without stamps.
inline std::string free_rules_text() {
  std::string text(golden::kGenesisText);
  return text.replace(text.find("\nstamp 16\n"), 10, "\nstamp 0\n");
}
inline const chain::ChainRules& free_chain() {
  static const chain::ChainRules chain = chain::parse_chain_rules(free_rules_text()).value();
  return chain;
}

class Person {
 public:
  explicit Person(std::uint64_t seed, const std::string& name = {}, std::uint8_t device = 0)
      : entropy(seed) {
    keyring = make_keyring(entropy).value();
    keyring.identities.push_back(make_identity(name, device, entropy).value());
    check(bool(outbox.prepare()), "no outbox");
  }

  Identity& self() { return keyring.identities[0]; }
  IdentityKey address() const { return keyring.identities[0].address(); }
  SendContext context() {
    return {.chain = free_chain(),
            .cards = cards,
            .outbox = outbox,
            .clock = clock,
            .entropy = entropy,
            .keyring = &keyring,
            .identity = &self(),
            .patience = std::chrono::milliseconds(0)};
  }
  /// The same over another disk.
  SendContext context_over(Outbox& other) {
    const SendContext own = context();
    return {.chain = own.chain,
            .cards = own.cards,
            .outbox = other,
            .clock = own.clock,
            .entropy = own.entropy,
            .keyring = own.keyring,
            .identity = own.identity,
            .patience = own.patience};
  }
  MailKeys keys() const { return mail_keys(keyring, free_chain().id); }
  Mailbox mailbox(const TestChain& chain, const MailKeys& with) const {
    return Mailbox(chain.store(), mail, with, outbox);
  }

  /// Makes a card and gives it to somebody by hand.
  Card new_card(const InboxPrefix& inbox = {}) {
    const UnixSeconds until{clock.now().value + kCardSeconds};
    self().cards.push_back(make_card_key(self(), free_chain().id, until, entropy).value());
    self().cards.back().inbox = inbox;
    check(bool(send_card(self(), self().cards.back(), cards, context(), {})), "no card");
    return cards.cards_of(address()).value().cards.back();
  }
  void knows(const Card& card) { check(bool(cards.put(card)), "the card was not kept"); }

  Letter letter(const std::vector<IdentityKey>& to, std::string_view words) const {
    Letter made;
    made.content = text(words);
    for (const IdentityKey& one : to) made.to.push_back({one, {}});
    return made;
  }
  MessageId write(const std::vector<IdentityKey>& to, std::string_view words) {
    return send(letter(to, words), context(), {}).value().at(0).id;
  }

  /// What a node does with the outbox.
  void hand_over(TestChain& chain) {
    for (const auto& queued : outbox.new_messages(1000).value()) {
      chain.pool(queued.message);
      check(bool(outbox.mark_taken(queued.name)), "not taken");
    }
  }
  void scan_all(const TestChain& chain, ScanOptions options = {}) {
    for (bool more = true; more;) {
      const auto found = scan(chain.store(), mail, keys(), outbox, entropy, options).value();
      check(apply_scan(mail, outbox, found).value(), "somebody else has scanned");
      more = found.more;
    }
  }
  /// Scans, and lists the first words of what is there, newest first.
  std::vector<std::string> inbox(const TestChain& chain, const ListFilter& filter = {}) {
    scan_all(chain);
    const MailKeys with = keys();
    std::vector<std::string> found;
    for (const MailItem& item : mailbox(chain, with).list(filter, 1000).value()) {
      found.push_back(item.summary.snippet);
    }
    return found;
  }
  MailItem item(const TestChain& chain, const MessageId& id) {
    scan_all(chain);
    const MailKeys with = keys();
    return mailbox(chain, with).item(id).value().value();
  }
  MailText read(const TestChain& chain, const MessageId& id) {
    const MailKeys with = keys();
    return mailbox(chain, with).read(id).value().value();
  }

  TempDir temp;
  SystemDisk disk;
  FakeClock clock;
  FakeEntropy entropy;
  Keyring keyring;
  Outbox outbox{disk, temp.path() / "outbox"};
  CardDirectory cards{disk, temp.path() / "cards", free_chain().id};
  MemoryMailStore mail;
};

/// Ana and Ben, who know each other's card.
class TwoPersons {
 public:
  TwoPersons() {
    ben.knows(ana.new_card());
    ana.knows(ben.new_card());
    ana.hand_over(chain);
    ben.hand_over(chain);
  }

  TestChain chain{free_rules_text()};
  Person ana{1, "ana"};
  Person ben{2, "ben"};
};

}  // namespace bmsg::mail
