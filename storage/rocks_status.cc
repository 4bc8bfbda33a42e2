#include "storage/rocks_status.h"

#include <fmt/format.h>

#include <string>

namespace bmsg::storage {
namespace {

std::string reason_of(const rocksdb::Status& status) {
  const char* text = status.getState();
  return text != nullptr && *text != '\0' ? std::string(text) : status.ToString();
}

Error failed(Errc code, const rocksdb::Status& status, std::string_view what) {
  return Error{code, fmt::format("{}: {}", what, reason_of(status))};
}

}  // namespace

Error error_of(const rocksdb::Status& status, std::string_view what) {
  return failed(status.IsCorruption() ? Errc::corrupt : Errc::io, status, what);
}

Error open_error_of(const rocksdb::Status& status, std::string_view what) {
  // A lock that is held and a broken disk come under one code: only the text tells them apart.
  if (status.IsIOError() && status.ToString().find("/LOCK") != std::string::npos) {
    return Error{Errc::locked, fmt::format("{}: another program has it open for writing", what)};
  }
  if (status.IsIOError() && !status.IsPathNotFound()) return failed(Errc::io, status, what);
  return failed(Errc::corrupt, status, what);
}

}  // namespace bmsg::storage
