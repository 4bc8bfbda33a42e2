#include "lib/mail/mailbox.h"

#include <algorithm>
#include <tuple>

#include "lib/core/try.h"
#include "lib/mail/locator.h"

namespace bmsg::mail {
namespace {

constexpr std::size_t kPage = 64;
// Between listing the outbox and reading a file another process may move it on, twice at most.
constexpr int kOutboxTries = 3;

bool matches(const MessageId& id, const Summary& summary, const Flags& flags,
             const ListFilter& filter) {
  const bool invites = flags.contains(std::string(kInvitationFlag));
  if (filter.text_only && !is_text(summary) && !invites) return false;
  if (filter.direction && summary.direction != *filter.direction) return false;
  if (filter.sender && !summary.is_from(*filter.sender)) return false;
  if (filter.thread) {
    const auto thread = summary.thread.value_or(prefix_of<ThreadId>(id));
    if (thread != *filter.thread) return false;
  }
  return !filter.wanted || filter.wanted(id, summary);
}

bool in_time(const MailEntry& entry, const ListFilter& filter) {
  return (!filter.since || entry.time >= *filter.since) &&
         (!filter.until || entry.time < *filter.until);
}

MailText without_body(MailItem item) {
  MailText text{.item = std::move(item), .message = std::nullopt, .opened = {}};
  text.opened.fault = Fault::body;
  text.opened.detail = "absent";
  return text;
}

}  // namespace

bool is_text(const Summary& summary) { return summary.fault || summary.kind == Kind::text; }

ThreadId MailItem::thread() const { return summary.thread.value_or(prefix_of<ThreadId>(id)); }

Result<std::vector<MailItem>> Mailbox::list(const ListFilter& filter, std::size_t max) const {
  if (filter.flag) return list_flagged(filter, max);
  std::vector<MailItem> found;
  Locator locator(chain_, mail_);
  std::optional<MailReader::Place> before;
  // Times are whole seconds: nothing at `until` or later is wanted.
  if (filter.until) before = MailReader::Place{*filter.until, 0};
  while (found.size() < max) {
    BMSG_TRY_ASSIGN(const auto page, mail_.newest(before, std::min(kPage, max)));
    for (const MailEntry& entry : page) {
      if (filter.since && entry.time < *filter.since) return found;
      BMSG_TRY_ASSIGN(auto item, matching(entry, filter));
      if (!item) continue;
      BMSG_TRY(locator.locate(*item));
      found.push_back(std::move(*item));
      if (found.size() == max) return found;
    }
    if (page.empty()) break;
    before = MailReader::Place{page.back().time, page.back().order};
  }
  return found;
}

Result<std::vector<MailItem>> Mailbox::list_flagged(const ListFilter& filter,
                                                    std::size_t max) const {
  BMSG_TRY_ASSIGN(const auto ids, mail_.with_flag(*filter.flag));
  std::vector<MailEntry> entries;
  for (const MessageId& id : ids) {
    BMSG_TRY_ASSIGN(auto entry, mail_.entry(id));
    if (entry && in_time(*entry, filter)) entries.push_back(std::move(*entry));
  }
  std::ranges::sort(entries, [](const MailEntry& a, const MailEntry& b) {
    return std::tie(a.time, a.order) > std::tie(b.time, b.order);
  });
  std::vector<MailItem> found;
  Locator locator(chain_, mail_);
  for (const MailEntry& entry : entries) {
    if (found.size() == max) break;
    BMSG_TRY_ASSIGN(auto item, matching(entry, filter));
    if (!item) continue;
    BMSG_TRY(locator.locate(*item));
    found.push_back(std::move(*item));
  }
  return found;
}

Result<std::optional<MailItem>> Mailbox::matching(const MailEntry& entry,
                                                  const ListFilter& filter) const {
  MailItem item{.id = entry.id, .order = entry.order, .summary = {}, .flags = {}, .block = {}};
  BMSG_TRY_ASSIGN(item.flags, mail_.flags(entry.id));
  if (filter.flag && !item.flags.contains(*filter.flag)) return std::optional<MailItem>();
  if (filter.without_flag && item.flags.contains(*filter.without_flag)) {
    return std::optional<MailItem>();
  }
  BMSG_TRY_ASSIGN(item.summary, open_summary(keys_.mailbox_key, entry.id, entry.sealed));
  if (!matches(entry.id, item.summary, item.flags, filter)) return std::optional<MailItem>();
  if (filter.phrases) {
    BMSG_TRY_ASSIGN(const bool found, says(entry.id, item.summary, *filter.phrases));
    if (!found) return std::optional<MailItem>();
  }
  return std::optional(std::move(item));
}

Result<bool> Mailbox::says(const MessageId& id, const Summary& summary,
                           const Phrases& phrases) const {
  if (phrases.occur_in({summary.subject})) return true;
  if (summary.fault) return false;
  BMSG_TRY_ASSIGN(const auto message, find_message(id));
  std::optional<Bytes> text;
  if (message)
    text = text_alone(*message, keys_.chain, crypto::SecretBytes::from(summary.content_key));
  // Where the body is gone, its beginning is remembered.
  return phrases.occur_in({summary.subject, text ? as_text(*text) : summary.snippet});
}

Result<std::optional<MailItem>> Mailbox::item(const MessageId& id) const {
  BMSG_TRY_ASSIGN(const auto entry, mail_.entry(id));
  if (!entry) return std::optional<MailItem>();
  ListFilter any;
  any.text_only = false;
  BMSG_TRY_ASSIGN(auto item, matching(*entry, any));
  if (item) BMSG_TRY(Locator(chain_, mail_).locate(*item));
  return item;
}

Result<std::optional<MailText>> Mailbox::read(const MessageId& id) const {
  BMSG_TRY_ASSIGN(auto item, this->item(id));
  if (!item) return std::optional<MailText>();
  BMSG_TRY_ASSIGN(auto message, find_message(item->id));
  if (!message) return std::optional(without_body(std::move(*item)));

  const bool is_public = item->summary.audience == Audience::open;
  MailText text{.item = std::move(*item), .message = std::nullopt, .opened = {}};
  text.opened =
      is_public ? open_public(*message, keys_.chain)
                : open_with_content_key(*message, keys_.chain,
                                        crypto::SecretBytes::from(text.item.summary.content_key));
  text.message = std::move(message);
  return std::optional(std::move(text));
}

Result<std::optional<Message>> Mailbox::find_message(const MessageId& id) const {
  BMSG_TRY_ASSIGN(auto pooled, chain_.pooled(id));
  if (pooled && pooled->message.body) return std::optional(std::move(pooled->message));
  BMSG_TRY_ASSIGN(const auto places, chain_.places_of(id));
  for (const node::MessagePlace& place : places) {
    BMSG_TRY_ASSIGN(auto message, chain_.message_at(place));
    if (message && message->body) return message;
  }
  for (int tries = 0; tries < kOutboxTries; ++tries) {
    BMSG_TRY_ASSIGN(const auto entry, outbox_.find(id));
    if (!entry) break;
    BMSG_TRY_ASSIGN(auto file, outbox_.read(*entry));
    if (file) return std::optional(std::move(file->message));
  }
  return std::optional<Message>();
}

}  // namespace bmsg::mail
