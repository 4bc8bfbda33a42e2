// From what a person or script gives to a queued message.

#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "cli/attach.h"
#include "cli/command.h"
#include "cli/keyring_file.h"
#include "lib/chain/rules_text.h"
#include "lib/mail/card_directory.h"
#include "lib/mail/contact_book.h"
#include "lib/mail/mailbox.h"
#include "lib/mail/outbox.h"
#include "lib/mail/send.h"
#include "lib/mail/send_once.h"

namespace bmsg::cli {

class Standings;

/// Whether recipients and subject come from the message that is answered.
enum class Reply { none, sender, all };

/// One message as it was asked for.
struct SendRequest {
  std::vector<std::string> to;  // Names, groups and addresses.
  std::string body;
  std::string subject;
  mail::Audience audience = mail::Audience::sealed;
  std::string topic;     // Empty: none.
  std::string reply_to;  // A reference; empty: none.
  Reply reply = Reply::none;
  std::string expires;  // A duration; empty: the setting.
  std::string key;      // The caller's word for this send; empty: none.
  std::string once;     // A duration in which the same letter is sent once; empty: always.
  bool ask_ack = false;
  std::vector<AttachmentWish> attachments = {};
  std::string media_type = {};  // Empty: UTF-8 text.
};

/// What holds for all messages of one command.
struct SendPolicy {
  bool sign = true;
  bool hold = false;
  bool require_verified = false;
  mail::Stale stale = mail::Stale::refused;
};

/// Messages that were queued, or the letter that is held.
struct Queued {
  std::vector<mail::Sent> sent;
  std::optional<MessageId> held;
  std::vector<mail::Addressee> to;
  std::string key = {};   // As it was asked for.
  bool gathered = false;  // It is queued with the next keep().
};

/// The refusal of --require-verified; `whom` as a subject: "'ana'".
Error not_verified(const std::string& whom);

/// Sends from one store, with keys, contacts and rules read once.
class Sender {
 public:
  /// Errors: as unlock_keyring, unless nothing is to be signed.
  static Result<Sender> open(Context& context, const StoreDir& store, const SendPolicy& policy);

  /// Queues durably, or changes nothing.
  /// Errors: Errc::no_recipient, Errc::denied (not verified), Errc::bad_input (not UTF-8, too
  /// long).
  Result<Queued> send(const SendRequest& request, std::stop_token stop);

  /// Seals what `ref` says again, to the newest cards of its recipients, as a new message.
  /// Errors: Errc::not_found, also where a file of it is not whole here any more; Errc::denied if
  /// it
  ///         is not ours; else as send().
  Result<Queued> resend(const std::string& ref, std::stop_token stop);

  /// What send() would do, without doing it: bytes of the message and devices it would be sealed
  /// to.
  struct Estimate {
    std::vector<mail::Addressee> to;
    std::size_t bytes = 0;
    std::string room = {};  // Empty: none.
    Attachments::Work files = {};
    bool has_pipe = false;  // Whose work nobody knows.
  };
  Result<Estimate> estimate(const SendRequest& request);

  /// From now on letters without a key and without files are only sealed and stamped, until keep()
  /// queues them durably together. Errors of send() then are also Errc::locked, where waiting for
  /// another send might be waiting for each other: after keep() it may be tried again.
  void gather();
  /// Queues what was gathered, all or nothing. Errors: as mail::Outbox.
  Result<Done> keep();
  std::size_t gathered_bytes() const { return gathered_bytes_; }

  const chain::ChainRules& rules() const { return rules_; }
  /// Null without a signature.
  const mail::Keyring* keyring() const { return keyring_ ? &keyring_->keyring : nullptr; }
  const mail::ContactBook& contacts() const { return contacts_; }

 private:
  Sender(Context& context, StoreDir store, const SendPolicy& policy);
  Result<mail::Letter> letter_of(const SendRequest& request, const Attachments& files);
  /// Whether the key of a request stands for something else by now.
  Result<Done> check_key_of(const SendRequest& request, mail::Letter letter, Attachments& files);
  /// Puts the files into the letter, made to chunks; its key.
  Result<std::optional<mail::SendKey>> attach(mail::Letter& letter, const SendRequest& request,
                                              Attachments& files, std::stop_token stop);
  Result<Queued> resend_files(mail::Letter& letter, std::stop_token stop);
  Result<Done> check_recipients(const mail::Letter& letter);
  Result<bool> is_repeat(const std::optional<mail::SendKey>& key);
  Result<std::vector<mail::Addressee>> addressees(const SendRequest& request) const;
  /// Takes in what was granted of rooms since: a secret that a later one has replaced opens for
  /// members who were put out. The first: if a letter to these needs it. Errors: as Mailroom.
  Result<Done> learn_grants(const std::vector<std::string>& to);
  Result<Done> learn_grants();
  Result<Done> check_room(const mail::RoomPost& room, const SendRequest& request) const;
  Result<Done> answer(mail::Letter& letter, const SendRequest& request);
  void sign_as_in(const mail::Summary& summary);
  Result<Done> check_verified(const std::vector<mail::Addressee>& to) const;
  Result<Done> address_reply(mail::Letter& letter, const Standings& standings,
                             const mail::MailItem& item, Reply reply) const;
  /// Of the hook pre-send. Errors: Errc::denied.
  Result<Done> ask_leave(const mail::Letter& letter, const std::optional<mail::SendKey>& key);
  Result<Queued> queue(const mail::Letter& letter, const std::optional<mail::SendKey>& key,
                       std::stop_token stop);
  Result<std::uint32_t> ttl_of(const SendRequest& request) const;
  Result<mail::SentOnce> send_letter(const mail::Letter& letter,
                                     const std::optional<mail::SendKey>& key, std::stop_token stop);
  Result<mail::SentOnce> gather_letter(const mail::Letter& letter, std::stop_token stop);
  Result<mail::SentOnce> hold(const mail::Letter& letter, const std::optional<mail::SendKey>& key);
  Result<Done> look_for_cards();
  Result<std::optional<mail::SendKey>> key_of(const SendRequest& request,
                                              const mail::Letter& letter);
  mail::SendContext sending(mail::CardDirectory& cards, mail::Outbox& outbox) const;

  Context* context_;
  StoreDir store_;
  SendPolicy policy_;
  Settings settings_;
  chain::ChainRules rules_;
  std::optional<OpenKeyring> keyring_;
  const mail::Identity* identity_ = nullptr;
  std::optional<crypto::Signer> signer_;  // Of it.
  mail::ContactBook contacts_;
  std::chrono::milliseconds patience_{};
  unsigned threads_ = threads_for(0);
  bool gathers_ = false;
  std::optional<std::chrono::steady_clock::time_point> learnt_;  // Of grants, where it gathers.
  bool has_no_hook_ = false;                        // As it was for the first letter since keep().
  std::unique_ptr<mail::CardDirectory> gathering_;  // With what was looked up for these letters.
  std::vector<mail::OutboxFile> gathered_;
  std::size_t gathered_bytes_ = 0;
  std::unique_ptr<mail::OpenConversations> conversations_;
};

/// The topic that a text means: four ASCII characters or 0x and 8 hex stand for themselves, any
/// other text for the first 4 bytes of H("bmsg1 topic" ‖ text).
Topic topic_of(const std::string& text);

}  // namespace bmsg::cli
