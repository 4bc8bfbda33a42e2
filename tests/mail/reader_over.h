// ReaderOver: an index that answers as another does, for tests that change one answer of it.

#pragma once

#include "lib/mail/mail_store.h"

namespace bmsg::mail {

class ReaderOver : public MailReader {
 public:
  explicit ReaderOver(const MailReader& base) : base_(base) {}

  Result<std::optional<MailEntry>> entry(const MessageId& id) const override {
    return base_.entry(id);
  }
  Result<std::vector<MailEntry>> newest(std::optional<Place> before,
                                        std::size_t max) const override {
    return base_.newest(before, max);
  }
  Result<std::uint64_t> count() const override { return base_.count(); }
  Result<Flags> flags(const MessageId& id) const override { return base_.flags(id); }
  Result<std::vector<MessageId>> with_flag(const std::string& flag) const override {
    return base_.with_flag(flag);
  }
  Result<std::vector<MessageId>> ids_with_prefix(ByteView prefix, std::size_t max) const override {
    return base_.ids_with_prefix(prefix, max);
  }
  Result<std::optional<ScanPosition>> position() const override { return base_.position(); }
  Result<std::optional<Bytes>> value(const std::string& name) const override {
    return base_.value(name);
  }
  Result<std::map<std::string, Bytes>> values(const std::string& prefix) const override {
    return base_.values(prefix);
  }

 private:
  const MailReader& base_;
};

}  // namespace bmsg::mail
