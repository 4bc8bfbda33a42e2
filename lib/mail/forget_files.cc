#include "lib/mail/forget_files.h"

#include <functional>
#include <unordered_set>

#include "lib/core/try.h"
#include "lib/mail/attachment.h"

namespace bmsg::mail {
namespace {

using Ids = std::unordered_set<MessageId, FixedBytesHash>;

struct Named {
  Ids pieces;
  Ids indexes;

  bool has(const MessageId& id) const { return pieces.contains(id) || indexes.contains(id); }
};

/// Adds what the files of a message are made of, as far as it can be told here.
Result<Done> add_chunks(const Mailbox& box, const node::BlobDirectory& blobs, const MessageId& id,
                        Named& named) {
  BMSG_TRY_ASSIGN(const auto text, box.read(id));
  if (!text || text->opened.fault) return done;
  for (const Bytes& record : text->opened.content.manifests) {
    const auto manifest = decode_manifest(record);
    if (!manifest) continue;
    named.indexes.insert(manifest.value().index);
    BMSG_TRY_ASSIGN(const auto index, blobs.find(manifest.value().index));
    if (!index) continue;
    if (const auto ids = open_index(manifest.value(), *index))
      named.pieces.insert(ids.value().begin(), ids.value().end());
  }
  return done;
}

/// What the other messages of the mailbox need: all of them, or those that are ours.
Result<Named> needed(const Mailbox& box, const node::BlobDirectory& blobs, const Ids& going,
                     const std::function<bool(const Summary&)>& counts) {
  ListFilter others;
  others.text_only = false;
  others.wanted = [&](const MessageId& id, const Summary& summary) {
    return summary.attachments > 0 && !going.contains(id) && counts(summary);
  };
  BMSG_TRY_ASSIGN(const auto items, box.list(others, SIZE_MAX));
  Named named;
  for (const MailItem& item : items) BMSG_TRY(add_chunks(box, blobs, item.id, named));
  return named;
}

bool is_ours(const Summary& summary, const MailKeys& keys) {
  return summary.signature == SignatureState::good && keys.own_of(summary.sender) != nullptr;
}

GoingChunks::Files without(const Named& named, const Named& needed) {
  GoingChunks::Files left;
  for (const MessageId& id : named.pieces) {
    if (!needed.has(id)) left.pieces.push_back(id);
  }
  for (const MessageId& id : named.indexes) {
    if (!needed.has(id)) left.indexes.push_back(id);
  }
  return left;
}

Result<std::uint64_t> remove(node::BlobDirectory& blobs, const std::vector<MessageId>& own,
                             const std::vector<MessageId>& others) {
  std::vector<MessageId> all = own;
  all.insert(all.end(), others.begin(), others.end());
  std::uint64_t gone = 0;
  for (const node::Shelf shelf : {node::Shelf::own, node::Shelf::kept, node::Shelf::fetched}) {
    BMSG_TRY_ASSIGN(const auto some, blobs.remove(shelf, shelf == node::Shelf::own ? own : all));
    gone += some;
  }
  return gone;
}

}  // namespace

Result<GoingChunks> going_chunks(const Mailbox& box, const MailKeys& keys,
                                 const node::BlobDirectory& blobs,
                                 const std::vector<MessageId>& messages) {
  Named own;
  Named others;
  for (const MessageId& id : messages) {
    BMSG_TRY_ASSIGN(const auto item, box.item(id));
    if (!item || item->summary.attachments == 0) continue;
    BMSG_TRY(add_chunks(box, blobs, id, is_ours(item->summary, keys) ? own : others));
  }
  if (own.indexes.empty() && others.indexes.empty()) return GoingChunks();
  const Ids going(messages.begin(), messages.end());
  BMSG_TRY_ASSIGN(const Named by_us, needed(box, blobs, going, [&](const Summary& summary) {
                    return is_ours(summary, keys);
                  }));
  GoingChunks chunks{.own = without(own, by_us), .others = {}};
  if (others.indexes.empty()) return chunks;
  BMSG_TRY_ASSIGN(const Named by_all,
                  needed(box, blobs, going, [](const Summary&) { return true; }));
  chunks.others = without(others, by_all);
  return chunks;
}

Result<std::uint64_t> remove_chunks(node::BlobDirectory& blobs, const GoingChunks& chunks) {
  BMSG_TRY_ASSIGN(const auto pieces, remove(blobs, chunks.own.pieces, chunks.others.pieces));
  BMSG_TRY_ASSIGN(const auto indexes, remove(blobs, chunks.own.indexes, chunks.others.indexes));
  return pieces + indexes;
}

}  // namespace bmsg::mail
