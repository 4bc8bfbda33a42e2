// Watching: gives out events as they come, to a program or as lines. Behind bmsg watch.

#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "cli/cursor.h"
#include "cli/run_program.h"
#include "lib/mail/mailbox.h"

namespace bmsg::cli {

/// What is wanted, as it was asked for.
struct WatchWish {
  bool sealed = false;  // Messages to us.
  bool open = false;    // Public ones.
  bool blocks = false;
  bool pooled = false;
  std::optional<Topic> topic = {};
  std::optional<Bytes> sender = {};
  std::optional<Bytes> room = {};         // Its id.
  std::vector<std::string> program = {};  // Empty: lines.
  std::uint32_t tries = 5;
  bool stop_on_error = false;
  bool parked = false;
  bool drain = false;
  std::uint64_t count = 0;  // 0: no limit.
  std::optional<std::chrono::seconds> timeout = {};
  std::optional<std::chrono::seconds> heartbeat = {};
};

/// One run. A message is handled when its program exited with 0, or its line was written; only then
/// the cursor moves, and durably before a program is called again. One that waits for signatures is
/// put aside meanwhile and looked at again with every block.
/// Threads: one.
class Watch {
 public:
  Watch(Context& context, const StoreDir& store, const WatchWish& wish, WatchedStore& watched,
        Cursor& cursor);

  /// Errors: Errc::unreachable where the program is to blame; Errc::try_again if the time is over
  ///         while a message waits to be tried again.
  Result<ExitCode> run();

 private:
  enum class End { none, count, time };
  enum class Wake { only_time, changes_too };

  Result<bool> deliver_chain();
  Result<bool> deliver_pool();
  Result<Done> deliver_late();
  Result<std::vector<mail::MailItem>> late_items();
  Result<Done> deliver_late(const mail::MailItem& item);
  Result<bool> wants_or_awaits(const MessageId& id);
  Result<bool> is_pending(const MessageId& id) const;
  bool stands(const mail::MailItem& item) const;
  Result<bool> is_still_to_come(const MessageId& id) const;
  Result<Done> deliver_parked();
  Result<Done> deliver(const mail::ReaderEvent& event);
  Result<Done> deliver_block(const mail::ReaderEvent& event);
  Result<Done> hand_over(const mail::MailText& text, const mail::ReaderEvent& event);
  Result<Done> note_handled(const mail::MailText& text, const mail::ReaderEvent& event);
  Result<Done> give_up(const ProgramResult& result, const mail::ReaderEvent& event);

  Result<bool> wants(const MessageId& id) const;
  Result<Done> tell(const std::string& json, const std::string& words);
  Result<Done> tell_left(const mail::LeftBranch& left);
  Result<Done> tell_heartbeat();
  Result<Done> sleep(std::chrono::milliseconds longest, Wake wake);
  void count_one();
  bool is_over();
  Result<ExitCode> outcome() const;

  Context& context_;
  StoreDir store_;
  const WatchWish& wish_;
  WatchedStore& watched_;
  Cursor& cursor_;
  std::chrono::steady_clock::time_point began_;
  std::chrono::steady_clock::time_point spoke_;  // When the last line was written.
  std::uint64_t pool_arrival_ = 0;               // Of the pool, what is below was looked at.
  std::uint64_t given_ = 0;
  std::uint64_t parked_ = 0;
  End end_ = End::none;
};

}  // namespace bmsg::cli
