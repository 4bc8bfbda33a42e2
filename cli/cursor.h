// Where a watch stands: a named reader, whose place is kept in the store and which one process at
// a time delivers to; or one without a name, which is forgotten when the watch ends.

#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/watched_store.h"
#include "lib/core/file_lock.h"
#include "lib/mail/memory_mail_store.h"
#include "lib/mail/reader.h"

namespace bmsg::cli {

/// Held by whoever delivers to a reader; empty without a name. It is taken before the store is
/// opened: what another run has handled until then is known.
/// Errors: Errc::bad_usage; Errc::locked naming who delivers to it.
Result<std::optional<FileLock>> take_reader(Context& context, const StoreDir& store,
                                            const std::string& name);

/// Threads: one.
class Cursor {
 public:
  /// A reader that is new begins at `since`: "now" or empty, "all", a time, or behind a message.
  /// `lock` is that of take_reader(). Errors: Errc::bad_usage, Errc::not_found.
  static Result<std::unique_ptr<Cursor>> open(Context& context, const StoreDir& store,
                                              const WatchedStore& watched, const std::string& name,
                                              std::optional<FileLock> lock,
                                              const std::string& since);

  const std::string& name() const { return name_; }
  const mail::Reader& reader() const { return reader_; }
  Result<bool> has_handled(const MessageId& id) const;
  Result<std::vector<mail::Parked>> parked() const;

  // What has become of an event. It is durable when save() returns, and known here at once.
  void handled(const mail::ReaderEvent& event);
  void park(const mail::ReaderEvent& event);
  void move(const mail::ReaderPlace& place);
  /// The place passes a message whose body is not here yet, or that waits for signatures; and it
  /// came, or is not wanted.
  void expect(const MessageId& id);
  void settle_late(const MessageId& id);
  Result<std::vector<MessageId>> late() const;
  Result<Done> save();

 private:
  Cursor(Context& context, const StoreDir& store, const WatchedStore& watched, std::string name)
      : context_(context), store_(store), watched_(watched), name_(std::move(name)) {}
  Result<Done> begin(const std::string& since);
  Result<mail::ReaderPlace> place_of(const std::string& since) const;

  Context& context_;
  StoreDir store_;
  const WatchedStore& watched_;
  std::string name_;  // Empty: none.
  std::optional<FileLock> lock_;
  mail::Reader reader_;
  mail::MailChange unsaved_;
  mail::MemoryMailStore own_;  // All that this process has changed, but for:
  std::map<MessageId, bool> own_late_;
};

/// Readers that were ever delivered to, as far as locks tell: for completion.
std::vector<std::string> cursor_names(const Context& context, const StoreDir& store);

/// Only those that the reader has not handled; what is parked has not been, and what waits for
/// signatures is not to be. A reader that nobody has made has handled nothing.
Result<std::vector<mail::MailItem>> not_handled(const Mailroom& room, const std::string& name,
                                                std::vector<mail::MailItem> items);

/// Marks messages as handled by the reader, durably, and makes it if there is none. Its place moves
/// as far as all is handled, unless somebody delivers to it, who then moves it.
Result<Done> handle_by_hand(Context& context, const StoreDir& store, const Mailroom& room,
                            const std::string& name, const std::vector<MessageId>& ids);

/// Errors: Errc::bad_usage.
Result<Done> check_reader_name(const std::string& name);

}  // namespace bmsg::cli
