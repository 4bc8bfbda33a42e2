// A process that works on files of a store, and what it finds there.

#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "lib/mail/card_directory.h"
#include "lib/mail/conversation.h"
#include "lib/mail/held.h"
#include "lib/node/endorser_log.h"
#include "tests/support/cut_disk.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_entropy.h"

namespace bmsg::mail {

/// Something that can be asked of a store, and the answer.
using Facts = std::map<std::string, std::string>;

inline constexpr const char* kThere = "there";
inline constexpr const char* kGone = "not there";
inline constexpr std::uint64_t kFilesNow = 1'767'225'760;
inline constexpr std::string_view kKeyringPassphrase = "correct horse";

/// A process with a store: all that it remembers is gone with it.
class Machine {
 public:
  Machine(CutDisk& its_disk, std::filesystem::path its_root);

  Result<Conversation> conversation() const;
  Result<node::EndorserLog> endorser_log() const;
  HeldLetters held() { return {outbox, mailbox_key}; }
  Result<Done> cancel(const MessageId& id);
  /// What a node does with those that are new.
  Result<Done> take(const std::vector<OutboxFile>& files);

  /// Of all files but the messages.
  Facts facts();

  CutDisk& disk;
  std::filesystem::path root;
  FakeClock clock;
  FakeEntropy entropy{7};
  crypto::SecretBytes mailbox_key;
  Outbox outbox;
  CardDirectory cards;
};

}  // namespace bmsg::mail
