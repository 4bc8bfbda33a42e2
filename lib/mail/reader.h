// Readers: named places in the chain, for programs that must be given every message.
//
// A reader's place moves upwards through blocks and their messages, in the order of the chain, and
// only past what was handled. Beside it stands, by id and for good, what the reader has handled.
// Thus a message whose block was replaced, however deep, is known when it comes again in another
// block; and a place on a branch that nobody keeps any more goes back to where the reader began,
// and still nothing is given twice. It costs a record of some 100 bytes a message and reader.

#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "lib/core/result.h"
#include "lib/mail/mail_store.h"
#include "lib/node/store.h"

namespace bmsg::mail {

/// Up to where a reader has come: the messages of that block below `index`, and all blocks below
/// it, are passed.
struct ReaderPlace {
  Height height;
  BlockHash block;
  std::uint32_t index = 0;

  bool operator==(const ReaderPlace&) const = default;
};

/// What is kept of a reader.
struct Reader {
  ReaderPlace place;
  Height begin;  // What lies in this block or below was there before the reader.

  bool operator==(const Reader&) const = default;
};

/// A message that its program failed at too often, and where it lay then.
struct Parked {
  MessageId id;
  Height height;
  std::uint32_t index = 0;

  bool operator==(const Parked&) const = default;
};

/// Letters, digits, ".", "_" and "-", 1 to 64 of them, the first no "." or "-".
bool is_reader_name(const std::string& name);

/// nullopt: there is no reader of that name.
Result<std::optional<Reader>> find_reader(const MailReader& mail, const std::string& name);
/// Parked is handled.
Result<bool> is_handled(const MailReader& mail, const std::string& name, const MessageId& id);
/// In the order of the chain.
Result<std::vector<Parked>> parked_of(const MailReader& mail, const std::string& name);

/// What the reader passed before it could be given out: its body or signatures were still to come.
Result<std::vector<MessageId>> late_for(const MailReader& mail, const std::string& name);

// Each adds to a change that the caller applies under the mail lock.
void set_late(MailChange& change, const std::string& name, const MessageId& id);
void clear_late(MailChange& change, const std::string& name, const MessageId& id);
/// Who has to be told of messages that could not be read before: each reader that began below them,
/// or only those that may have passed them: that stand above them, or in a branch that was left.
enum class Told { all, passed };
/// They are late for those. Errors: as ChainReader and MailReader.
Result<Done> set_late_for_readers(Told told, const node::ChainReader& chain, const MailReader& mail,
                                  const std::vector<MessageId>& ids, MailChange& change);
void set_reader(MailChange& change, const std::string& name, const Reader& reader);
void set_handled(MailChange& change, const std::string& name, const MessageId& id);
void set_parked(MailChange& change, const std::string& name, const Parked& parked);

/// The places at the two ends of the chain.
Result<ReaderPlace> first_place(const node::ChainReader& chain);
Result<ReaderPlace> last_place(const node::ChainReader& chain);

/// A new reader at that place of the best chain. What is ours in the blocks below it that a
/// reorganisation may replace counts as handled: it is not new when it comes in another block.
Result<Reader> begin_reader(const node::ChainReader& chain, const MailReader& mail,
                            const std::string& name, const ReaderPlace& place, MailChange& change);

/// Blocks that a reader had come to and that have left the best chain.
struct LeftBranch {
  BlockHash from;                        // The last of them that it had come to.
  BlockHash to;                          // The tip of the best chain.
  std::uint32_t depth = 0;               // How many.
  std::vector<MessageId> messages = {};  // All of theirs that are on the best chain no more.
};

/// A reader's place on the best chain as it is now.
struct Settled {
  ReaderPlace place;
  std::optional<LeftBranch> left = {};
};
Result<Settled> settle(const node::ChainReader& chain, const Reader& reader);

/// One thing for a reader to handle.
struct ReaderEvent {
  ReaderPlace after;                      // Where it stands then.
  std::optional<MessageId> message = {};  // nullopt: the block, before its messages.
};

enum class BlockEvents { no, yes };

/// What a reader wants, and how much one look takes at most.
struct ReaderWish {
  /// Without what is handled; empty: no message.
  std::function<Result<bool>(const MessageId&)> wants = {};
  BlockEvents blocks = BlockEvents::no;
  std::uint32_t blocks_max = 2000;
  std::size_t events_max = 64;
};

/// What comes next for a reader.
struct ReaderLook {
  std::optional<LeftBranch> left = {};  // To be told first.
  ReaderPlace from = {};                // Where it stands now, on the best chain.
  std::vector<ReaderEvent> events = {};
  ReaderPlace place = {};  // Behind all of these, and what is not wanted.
  bool more = false;       // The tip was not reached: look again from there.
};

/// Looks on from a reader's place. Errors: as ChainReader, and those of `wants`.
Result<ReaderLook> look_ahead(const node::ChainReader& chain, const Reader& reader,
                              const ReaderWish& wish);

}  // namespace bmsg::mail
