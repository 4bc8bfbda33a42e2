// MemoryMailStore: a mail index in memory, for tests and where no database may be written.

#pragma once

#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "lib/mail/mail_store.h"

namespace bmsg::mail {

/// The whole index as plain maps.
/// Threads: one at a time.
/// Errors:  none.
class MemoryMailStore final : public MailStore {
 public:
  Result<std::optional<MailEntry>> entry(const MessageId& id) const override;
  Result<std::vector<MailEntry>> newest(std::optional<Place> before,
                                        std::size_t max) const override;
  Result<std::uint64_t> count() const override;
  Result<Flags> flags(const MessageId& id) const override;
  Result<std::vector<MessageId>> with_flag(const std::string& flag) const override;
  Result<std::vector<MessageId>> ids_with_prefix(ByteView prefix, std::size_t max) const override;
  Result<std::optional<ScanPosition>> position() const override;
  Result<std::optional<Bytes>> value(const std::string& name) const override;
  Result<std::map<std::string, Bytes>> values(const std::string& prefix) const override;

  Result<Done> apply(const MailChange& change) override;

 private:
  void put(MailEntry entry);
  void remove(const MessageId& id);

  std::map<MessageId, MailEntry> entries_;
  std::set<std::tuple<UnixSeconds, std::uint64_t, MessageId>> order_;  // By time, then order.
  std::map<MessageId, Flags> flags_;
  std::map<std::string, Bytes> values_;
  std::optional<ScanPosition> position_;
  std::uint64_t next_order_ = 1;
};

}  // namespace bmsg::mail
