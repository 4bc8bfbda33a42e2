// Sending files: what is refused is refused before the work, and what was sent is not done twice.

#include "cli/attach.h"
#include "cli/attach_again.h"
#include "cli/compose.h"
#include "cli/store_blobs.h"
#include "lib/core/try.h"
#include "lib/mail/addressing.h"

namespace bmsg::cli {

/// Stamping a file may take hours: whoever cannot be written to is told of first.
Result<Done> Sender::check_recipients(const mail::Letter& letter) {
  if (letter.audience == mail::Audience::open || policy_.hold) return done;
  const mail::CardDirectory cards(context_->disk, store_.cards(), rules_.id);
  BMSG_TRY_ASSIGN(auto found,
                  mail::address_anonymous(cards, letter.to, context_->clock.now(), policy_.stale));
  if (!mail::refusal(found)) return done;
  BMSG_TRY(look_for_cards());
  BMSG_TRY_ASSIGN(found,
                  mail::address_anonymous(cards, letter.to, context_->clock.now(), policy_.stale));
  const auto error = mail::refusal(found);
  return error ? Result<Done>(*error) : Result<Done>(done);
}

Result<bool> Sender::is_repeat(const std::optional<mail::SendKey>& key) {
  if (!key) return false;
  mail::Outbox outbox(context_->disk, store_.outbox());
  BMSG_TRY_ASSIGN(const auto earlier, mail::SendKeys(outbox).find(*key, context_->clock.now()));
  return earlier.has_value();
}

Result<std::optional<mail::SendKey>> Sender::attach(mail::Letter& letter,
                                                    const SendRequest& request, Attachments& files,
                                                    std::stop_token stop) {
  BMSG_TRY(files.hash());
  letter.content.manifests = files.outlines();
  // A key stands for what the files say, not for how they were encrypted this time.
  BMSG_TRY_ASSIGN(auto key, key_of(request, letter));
  if (files.has_pipe()) {
    // Whether it is a repeat is known when the pipe was read.
    BMSG_TRY(ask_leave(letter, std::nullopt));
  } else {
    BMSG_TRY_ASSIGN(const bool repeats, is_repeat(key));
    if (repeats) return key;
    BMSG_TRY(ask_leave(letter, key));
  }
  if (files.empty()) return key;
  BMSG_TRY(check_recipients(letter));
  BMSG_TRY_ASSIGN(const auto blobs, open_blobs(*context_, store_));
  const crypto::SecretBytes* mailbox_key = keyring_ ? &keyring_->keyring.archive : nullptr;
  BMSG_TRY_ASSIGN(auto records,
                  files.upload(*context_, *blobs, letter.ttl, mailbox_key, std::move(stop)));
  if (files.has_pipe()) {
    letter.content.manifests = files.outlines();
    BMSG_TRY_ASSIGN(key, key_of(request, letter));
  }
  letter.content.manifests = std::move(records);
  return key;
}

/// The chunks that the first message names go when it does, so the new one gets chunks of its own.
Result<Queued> Sender::resend_files(mail::Letter& letter, std::stop_token stop) {
  BMSG_TRY_ASSIGN(const auto blobs, open_blobs(*context_, store_));
  BMSG_TRY_ASSIGN(const auto files, stored_files(*blobs, letter.content.manifests));
  BMSG_TRY(ask_leave(letter, std::nullopt));
  BMSG_TRY(check_recipients(letter));
  BMSG_TRY_ASSIGN(letter.content.manifests, attach_again(*context_, *blobs, files, letter.ttl,
                                                         &keyring_->keyring.archive, stop));
  return queue(letter, std::nullopt, std::move(stop));
}

}  // namespace bmsg::cli
