// The rooms of a store, and what their keeper does with them.

#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "cli/command.h"
#include "cli/mailroom.h"
#include "lib/api/json_objects.h"
#include "lib/mail/box.h"
#include "lib/mail/room.h"

namespace bmsg::cli {

/// Which secrets a newcomer gets.
enum class History {
  newest,  // The one that is in use.
  all,     // All that are kept.
  none,    // A fresh one, which all others get too.
};

/// Opened once for a command; new mail was scanned and grants were taken when it is there.
class Rooms {
 public:
  static Result<Rooms> open(Context& context, const StoreDir& store);

  /// By name, ascending.
  std::vector<const mail::Contact*> all() const;
  /// A room by our name for it.
  /// Errors: Errc::no_recipient, also for a room of which only the box is here.
  Result<const mail::Room*> find(const std::string& name) const;
  api::ContactView view(const mail::Room& room) const;
  std::string name_of(const mail::Room& room) const;
  /// A member as we call them.
  std::string member_name(const IdentityKey& address) const;
  const Mailroom& mailroom() const { return *mail_; }

  /// These write the keyring under the mail lock first, then queue what is to be granted. Of a
  /// known room they want its keeper, else Errc::denied.
  /// Errors: Errc::exists; Errc::no_recipient for somebody without a contact or a card, before
  ///         anything is changed; Errc::locked.
  Result<const mail::Room*> create(const std::string& name,
                                   const std::vector<std::string>& members);
  Result<Done> invite(const std::string& name, const std::vector<std::string>& members,
                      History history);
  Result<Done> remove(const std::string& name, const std::vector<std::string>& members);
  Result<Done> rotate(const std::string& name);
  Result<mail::Box> box(const std::string& name) const;

  /// Forgets a room, its secrets and its name.
  Result<Done> leave(const std::string& name);

 private:
  Rooms(Context& context, StoreDir store, std::unique_ptr<Mailroom> room)
      : context_(&context), store_(std::move(store)), mail_(std::move(room)) {}

  Result<std::vector<IdentityKey>> members_named(const std::vector<std::string>& names) const;
  Result<Done> want_cards(const std::vector<IdentityKey>& members) const;
  Result<const mail::Identity*> keeper_of(const mail::Room& room, std::string_view what) const;
  using Change = std::function<Result<Done>(mail::Room&)>;
  Result<Done> change(const std::string& name, std::string_view what, const Change& change);
  /// Where one more secret pushes out one that may still be needed: a room that is full.
  enum class Full : std::uint8_t { refuse, warn };
  Result<Done> fresh_epoch(mail::Room& room, Full full) const;
  Result<Done> save(OpenKeyring& open);
  Result<Done> hand_out();

  Context* context_;
  StoreDir store_;
  std::unique_ptr<Mailroom> mail_;
  std::optional<OpenKeyring> changed_;  // In place of the mailroom's, once something was changed.
};

}  // namespace bmsg::cli
