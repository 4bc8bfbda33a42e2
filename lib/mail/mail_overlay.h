// The index as it would be with changes that could not be written yet.

#pragma once

#include "lib/mail/mail_store.h"

namespace bmsg::mail {

/// A MailReader over another one and changes on top, for when the mail lock stays busy.
/// Threads: one at a time.
class MailOverlay final : public MailReader {
 public:
  /// `base` must outlive it.
  explicit MailOverlay(const MailReader& base) : base_(base) {}

  void add(const MailChange& change);

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

 private:
  const MailReader& base_;
  std::map<MessageId, MailEntry> entries_;
  std::map<MessageId, Flags> flags_;
  std::optional<ScanPosition> position_;
  std::map<std::string, std::optional<Bytes>> values_;
  std::uint64_t next_order_ = std::uint64_t{1} << 62;  // Above every order that a store gives.
};

}  // namespace bmsg::mail
