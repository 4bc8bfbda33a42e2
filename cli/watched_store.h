// What a watch looks at: opened once, and read again when its files say that something has changed.

#pragma once

#include <memory>

#include "cli/file_marks.h"
#include "cli/mailroom.h"

namespace bmsg::cli {

/// Whose changes count: blocks alone, or what comes into the pool too.
enum class WatchedPart { blocks, pool };
/// none: only the chain is looked at, and no key is needed.
enum class WatchKeys { needed, none };

/// A store beside whoever writes to it: `serve`, or commands that come and go.
/// Threads: one.
class WatchedStore {
 public:
  static Result<std::unique_ptr<WatchedStore>> open(Context& context, const StoreDir& store,
                                                    WatchKeys keys, WatchedPart part);

  /// Reads the store as it is now.
  Result<Done> refresh();
  /// Whether it may be another one than refresh() has read. A look at a few names: cheap.
  bool has_changed() const { return marks() != marks_; }

  const node::ChainReader& chain() const { return room_ ? room_->chain() : *chain_; }
  const mail::MailReader& index() const { return room_ ? room_->index() : *index_; }
  /// Null without keys.
  const Mailroom* room() const { return room_.get(); }

 private:
  WatchedStore(Context& context, const StoreDir& store, WatchedPart part)
      : context_(context), store_(store), part_(part) {}
  FileMarks marks() const;

  Context& context_;
  StoreDir store_;
  WatchedPart part_;
  FileMarks marks_;
  std::unique_ptr<Mailroom> room_;
  std::unique_ptr<node::ChainReader> chain_;  // These two without keys.
  std::unique_ptr<mail::MailReader> index_;
};

}  // namespace bmsg::cli
