#include "cli/listing.h"

#include <fmt/format.h>
#include <unistd.h>

#include <charconv>

#include "lib/core/hex.h"
#include "lib/core/try.h"

namespace bmsg::cli {
namespace {

constexpr std::size_t kListedMax = 1000;
constexpr std::size_t kLineBytes = 2 * MessageId::kSize + 1;

std::filesystem::path listing_file(const StoreDir& store) { return store.run() / "listing"; }

}  // namespace

Result<Done> keep_listing(Context& context, const StoreDir& store,
                          const std::vector<MessageId>& ids) {
  if (!context.out.to_terminal()) return done;
  std::string text;
  for (std::size_t i = 0; i < ids.size() && i < kListedMax; ++i)
    text += to_hex(ids[i].view()) + "\n";
  const auto kept = context.disk.replace(listing_file(store), as_bytes(text));
  // A store that cannot be written, or a full disk, can be read all the same.
  if (!kept) context.out.note("':N' will not name what is listed here: " + kept.error().message);
  return done;
}

Result<std::string> listed_ref(const Context& context, const StoreDir& store,
                               const std::string& ref) {
  if (!ref.starts_with(':')) return ref;
  if (!context.out.to_terminal()) {
    return Error{Errc::bad_usage,
                 fmt::format("'{}' is for a person at a terminal; scripts name the full id", ref)};
  }
  std::size_t number = 0;
  const auto [end, failed] = std::from_chars(ref.data() + 1, ref.data() + ref.size(), number);
  if (failed != std::errc() || end != ref.data() + ref.size() || number == 0)
    return Error{Errc::bad_usage, fmt::format("'{}' is no number of a listing", ref)};
  BMSG_TRY_ASSIGN(const auto listing,
                  context.disk.read(listing_file(store), kListedMax * kLineBytes));
  const std::size_t listed = listing ? listing->size() / kLineBytes : 0;
  if (number > listed) {
    return Error{Errc::not_found,
                 fmt::format("no '{}': the last listing here has {}", ref, listed)};
  }
  return std::string(as_text(*listing).substr((number - 1) * kLineBytes, kLineBytes - 1));
}

}  // namespace bmsg::cli
