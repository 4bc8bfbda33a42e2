#include "storage/rocks_status.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>
#include <system_error>

namespace bmsg::storage {
namespace {

std::string reason_of(const rocksdb::Status& status) {
  const char* text = status.getState();
  return text != nullptr && *text != '\0' ? std::string(text) : status.ToString();
}

Error failed(Errc code, const rocksdb::Status& status, std::string_view what) {
  return Error{code, fmt::format("{}: {}", what, reason_of(status))};
}

/// The disk is not to blame where the system had no memory or no descriptor for a call; only the
/// text says that, whatever the code is.
bool lacks_resource(const rocksdb::Status& status) {
  const std::string reason = reason_of(status);
  constexpr auto kLacks = std::to_array({ENOMEM, EMFILE, ENFILE});
  return !status.IsCorruption() && std::ranges::any_of(kLacks, [&](int code) {
    return reason.ends_with(std::generic_category().message(code));
  });
}

}  // namespace

Error error_of(const rocksdb::Status& status, std::string_view what) {
  if (lacks_resource(status)) return failed(Errc::no_resource, status, what);
  return failed(status.IsCorruption() ? Errc::corrupt : Errc::io, status, what);
}

Error open_error_of(const rocksdb::Status& status, std::string_view what) {
  if (lacks_resource(status)) return failed(Errc::no_resource, status, what);
  // A lock that is held and a broken disk come under one code: only the text tells them apart. So
  // do files that are damaged and those that could not be opened, for want of descriptors too.
  const std::string text = status.ToString();
  const auto says = [&](std::string_view part) { return text.find(part) != std::string::npos; };
  if (status.IsIOError() && says("/LOCK") && !says("open a file for lock")) {
    return Error{Errc::locked, fmt::format("{}: another program has it open for writing", what)};
  }
  const bool is_missing = status.IsPathNotFound() || says("No such file or directory");
  const bool is_untried = says("Direct I/O is not supported");  // It could not open a file for it.
  if ((says("IO error") && !is_missing) || is_untried) return failed(Errc::io, status, what);
  return failed(Errc::corrupt, status, what);
}

}  // namespace bmsg::storage
