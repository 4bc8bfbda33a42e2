// What the page asks of the store, answered with the objects that commands print.

#pragma once

#include <memory>
#include <stop_token>
#include <string>

#include "cli/command.h"
#include "cli/compose.h"
#include "cli/mailroom.h"
#include "cli/mining.h"
#include "cli/run_inner.h"
#include "cli/web_files.h"
#include "lib/api/rest_json.h"
#include "lib/api/web_mail_input.h"

namespace bmsg::cli {

/// Answers are JSON Lines, as those of the commands that do the same.
/// Threads: one at a time.
/// Errors:  as those commands; Errc::denied where the keys are closed.
class WebDesk {
 public:
  WebDesk(Context& context, StoreDir store)
      : context_(context), store_(std::move(store)), files_(context, store_) {}

  /// Opens the keys as every command does, and keeps them.
  Result<Done> open();
  /// The same with a passphrase that somebody typed into the page.
  Result<Done> unlock(crypto::SecretBytes passphrase);
  /// Forgets the keys and all that was read with them; if they have a passphrase, until unlock().
  void lock();

  /// What a command prints, run here with the keys that are open.
  Result<std::string> run(InnerCommand command);
  /// The same for one that changes something, which nobody may who lacks the passphrase.
  Result<std::string> change(InnerCommand command);

  /// Of the store, and of who it belongs to.
  Result<std::string> identity();
  /// As `status`; needs no key.
  Result<std::string> state();
  /// As `inbox --all -n 500`.
  Result<std::string> inbox();
  /// As `read` of a full id.
  Result<std::string> message(const std::string& id);
  /// Takes away its flag "unread", and acknowledges it where the contact's policy says so. `body`
  /// is {"id": S}.
  Result<std::string> mark_read(std::string_view body);
  /// As `send --stdin` of one line, with files that were brought to files().
  Result<std::string> send(std::string_view body, std::stop_token stop);
  /// Posts to everybody, signed, under the name of the author.
  Result<std::string> post(const api::RestPost& post, std::stop_token stop);
  /// As `outbox`.
  Result<std::string> outbox();
  /// As `contact list`.
  Result<std::string> contacts();

  // For those who answer more.
  Context& context() { return context_; }
  const StoreDir& store() const { return store_; }
  /// Errors: Errc::denied where the keys are closed.
  Result<Done> check_open() const;
  /// Opened, and as new as the store.
  Result<Mailroom*> room();
  /// Files on their way, in and out. Threads: any.
  WebFiles& files() { return files_; }
  /// What a letter asks for.
  Result<SendRequest> request_of(const api::WebLetter& letter);

 private:
  Result<std::string> queue(const SendRequest& request, const SendPolicy& policy,
                            std::stop_token stop);

  Context& context_;
  StoreDir store_;
  WebFiles files_;
  std::unique_ptr<Mailroom> room_;
  bool locked_ = false;  // A passphrase has to be typed.
};

/// A context like this one for another thread.
std::unique_ptr<Context> context_like(const Context& context);

/// Mines one block as `mine` does, and tells hook and peers. `bury`: nullopt: the setting.
/// Errors: Errc::try_again if no block was found in time.
Result<Mined> mine_and_tell(Context& context, const StoreDir& store,
                            std::optional<std::uint32_t> bury, std::stop_token stop,
                            const std::function<void(const api::StatusView&)>& on_status = {});

/// Mines one block as `mine` does, and tells hook and peers: the object `block`, or a `summary` if
/// there was none to be made or somebody stopped it.
Result<std::string> mine_for_page(Context& context, const StoreDir& store, std::stop_token stop,
                                  const std::function<void(const api::StatusView&)>& on_status);

}  // namespace bmsg::cli
