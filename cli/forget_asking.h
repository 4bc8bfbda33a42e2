// Asking others to forget, and doing what others ask.

#pragma once

#include <vector>

#include "cli/command.h"
#include "cli/forgetting.h"
#include "cli/mailroom.h"
#include "lib/mail/card_directory.h"
#include "lib/mail/send.h"
#include "lib/node/service.h"

namespace bmsg::cli {

/// A request that is to be sent, and who signs it.
struct ForgetLetter {
  const mail::Identity* author = nullptr;  // Of the room's keyring.
  mail::Letter letter;
};

/// The requests for what a plan names: public for public messages, sealed to the same people for
/// sealed ones. Sends nothing.
/// Errors: Errc::denied for one that no identity of ours wrote, or that a room got.
Result<std::vector<ForgetLetter>> forget_letters(Context& context, const Mailroom& room,
                                                 const ForgetPlan& plan);

/// Queues them; how many messages that made. Errors: as mail::send().
Result<std::size_t> ask_peers(Context& context, const StoreDir& store, const Mailroom& room,
                              const std::vector<ForgetLetter>& letters);

/// Files away cards, statements and public requests to forget, and does what these ask unless
/// forget.honour is false.
Result<Done> collect_public(Context& context, const StoreDir& store, const node::ChainReader& chain,
                            mail::CardDirectory& cards, node::Service& service);

/// Does what sealed requests ask that came with mail. True if the index was changed.
/// Errors: Errc::locked; as Mailbox.
Result<bool> honour_sealed(Context& context, const StoreDir& store, mail::CardDirectory& cards,
                           const mail::Mailbox& box, const mail::MailKeys& keys,
                           const mail::MailReader& index, const node::ChainReader& chain);

}  // namespace bmsg::cli
