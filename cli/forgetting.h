// Forgetting: which messages a wish means here, and what goes beside their bodies.

#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/command.h"
#include "cli/mailroom.h"
#include "lib/chain/rules_text.h"
#include "lib/node/forget.h"
#include "lib/node/service.h"

namespace bmsg::cli {

/// What to forget, as it was given. One of the first four is set.
struct ForgetGiven {
  std::vector<std::string> refs;
  bool expired = false;
  std::string older_than;
  std::string from;
  bool foreign = false;    // Spare what is ours.
  bool ask_peers = false;  // Of others too.
};

/// What that means.
struct ForgetPlan {
  node::DropRule rule = node::DropRule::named;
  std::vector<node::Forgettable> messages;
  std::uint64_t bytes() const;
  std::uint64_t unexpired() const;
};

/// Looks it up, and changes nothing. Ours in the outbox that are not buried are spared where a rule
/// names them. `room` is opened where only the key tells, and null otherwise.
/// Errors: Errc::not_found and Errc::bad_usage as find_message; Errc::try_again for a named one
///         that still waits for blocks; Errc::denied for a charter; Errc::no_recipient.
Result<ForgetPlan> plan_forgetting(Context& context, const StoreDir& store,
                                   const chain::ChainRules& rules, const ForgetGiven& given,
                                   std::unique_ptr<Mailroom>& room);

/// Up to where the chain was searched for mail: what lies above may be ours. nullopt: nobody knows,
/// since the chain has changed.
Result<std::optional<Height>> searched_to(const node::ChainReader& chain,
                                          const mail::MailReader& index);

/// Called with those whose bodies went, as they go.
using OnForgotten = std::function<void(const std::vector<MessageId>& gone)>;

/// Drops the bodies: some at a time, each some whole or not at all.
Result<Done> drop_bodies(node::Service& service, const ForgetPlan& plan,
                         const OnForgotten& on_forgotten);

/// Takes what was forgotten, now or before, out of the index and the outbox: the line, and the key
/// that opened it. Errors: Errc::locked; Errc::io, after which it is taken up where it ended.
Result<Done> forget_in_index(Context& context, const StoreDir& store);

/// What the files of a directory take up on the disk.
std::uint64_t disk_bytes(const std::filesystem::path& directory);

/// "forgotten on DATE (RULE)", if it was; empty otherwise.
Result<std::string> forgotten_words(const node::ChainReader& chain, const MessageId& id);
/// Errors: Errc::not_found if it was, in these words.
Result<Done> check_remembered(const node::ChainReader& chain, const MessageId& id);

}  // namespace bmsg::cli
