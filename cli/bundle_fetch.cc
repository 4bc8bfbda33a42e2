#include "cli/bundle_fetch.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>

#include "cli/peering.h"
#include "cli/progress.h"
#include "lib/chain/pack.h"
#include "lib/core/scarcity.h"
#include "lib/core/try.h"
#include "lib/net/http_client.h"

namespace bmsg::cli {
namespace {

constexpr std::uint64_t kRangeBytes = std::uint64_t{4} << 20;
constexpr std::chrono::minutes kRangeTime{5};  // A whole file may come in answer to one.
constexpr int kWhole = 200;
constexpr int kPart = 206;

/// A file that nobody else can open, in TMPDIR.
Result<Descriptor> nameless_file() {
  std::error_code none;
  const auto place = std::filesystem::temp_directory_path(none);
  if (none) return Error{Errc::io, "TMPDIR names no directory for what is fetched"};
  Descriptor made(::open(place.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  if (made) return made;
  std::string pattern = (place / "bmsg-XXXXXX").string();
  made = Descriptor(::mkostemp(pattern.data(), O_CLOEXEC));
  if (!made)
    return Error{code_of(errno, Errc::io), fmt::format("cannot make a file in '{}': {}",
                                                       place.string(), std::strerror(errno))};
  ::unlink(pattern.c_str());
  return made;
}

Result<Done> append(const Descriptor& file, ByteView bytes) {
  while (!bytes.empty()) {
    const ssize_t put = ::write(file.number(), bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0)
      return Error{Errc::io, fmt::format("cannot keep what is fetched: {}", std::strerror(errno)),
                   "TMPDIR may name a directory with more room"};
    bytes = bytes.subspan(static_cast<std::size_t>(put));
  }
  return done;
}

/// What "bytes FIRST-LAST/TOTAL" says.
struct Range {
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  std::uint64_t total = 0;
};

std::optional<Range> parse_range(std::string_view text) {
  Range range;
  constexpr std::string_view kUnit = "bytes ";
  if (!text.starts_with(kUnit)) return std::nullopt;
  text.remove_prefix(kUnit.size());
  const auto number = [&text](std::uint64_t& into, std::string_view behind) {
    const auto [stop, failed] = std::from_chars(text.data(), text.data() + text.size(), into);
    if (failed != std::errc()) return false;
    text.remove_prefix(static_cast<std::size_t>(stop - text.data()));
    if (!text.starts_with(behind)) return false;
    text.remove_prefix(behind.size());
    return true;
  };
  const bool is_good = number(range.first, "-") && number(range.last, "/") &&
                       number(range.total, "") && text.empty();
  return is_good ? std::optional(range) : std::nullopt;
}

/// One file on one server, piece by piece.
class Fetch {
 public:
  Fetch(Context& context, std::string url, net::HttpClient& client, std::string path)
      : context_(context), url_(std::move(url)), client_(client), path_(std::move(path)) {}

  /// Nullopt: it is no bundle.
  Result<std::optional<Descriptor>> run() {
    BMSG_TRY_ASSIGN(auto file, nameless_file());
    Progress shown(context_);
    for (std::uint64_t at = 0; !total_ || at < *total_;) {
      BMSG_TRY_ASSIGN(const auto piece, next(at));
      if (!piece || (at == 0 && !begins_a_bundle(*piece))) return std::optional<Descriptor>();
      BMSG_TRY(append(file, *piece));
      at += piece->size();
      shown.update(fmt::format("fetch: {} of {} MiB", at >> 20, *total_ >> 20),
                   {.phase = "fetch",
                    .finished = at,
                    .total = *total_,
                    .rate = 0,
                    .expected = std::nullopt,
                    .p95 = std::nullopt});
    }
    if (::lseek(file.number(), 0, SEEK_SET) != 0)
      return Error{Errc::io, fmt::format("cannot read what was fetched: {}", strerror(errno))};
    return std::optional(std::move(file));
  }

 private:
  static bool begins_a_bundle(const Bytes& piece) {
    const Bytes magic = chain::begin_pack();
    return piece.size() >= magic.size() && std::equal(magic.begin(), magic.end(), piece.begin());
  }

  Error bad(const std::string& cause) const {
    return Error{Errc::protocol, fmt::format("{}: {}", url_, cause)};
  }

  /// The bytes from there on, as many as the server gives at once; nullopt if it gives no file.
  Result<std::optional<Bytes>> next(std::uint64_t at) {
    net::OutgoingRequest request;
    request.target = path_;
    request.fields.push_back({"Range", fmt::format("bytes={}-{}", at, at + kRangeBytes - 1)});
    const net::RequestLimits limits{
        .deadline = kRangeTime,
        .response_bytes_max = static_cast<std::size_t>(at == 0 ? kFetchedAtOnceMax : kRangeBytes)};
    BMSG_TRY_ASSIGN(auto answer, client_.request(request, limits));
    if (at == 0 && answer.status == kWhole) {
      total_ = answer.body.size();
    } else if (answer.status == kPart) {
      BMSG_TRY(check_part(answer, at));
    } else if (at == 0) {
      return std::optional<Bytes>();
    } else {
      return bad(fmt::format("it answers {} where the next part was asked for", answer.status));
    }
    return std::optional(std::move(answer.body));
  }

  Result<Done> check_part(const net::HttpResponse& answer, std::uint64_t at) {
    const auto field = net::find_field(answer.fields, "content-range");
    const auto range = field ? parse_range(*field) : std::nullopt;
    // Less than is there would be asked for again and again.
    const bool fits = range && range->first == at && at < range->total &&
                      range->last == std::min(at + kRangeBytes, range->total) - 1 &&
                      answer.body.size() == range->last - at + 1;
    if (!fits) return bad("it gives another part of the file than was asked for");
    if (total_ && *total_ != range->total) return bad("the file changed while it was fetched");
    if (range->total > kFetchedBytesMax)
      return bad(fmt::format("the file is longer than {} GiB", kFetchedBytesMax >> 30));
    total_ = range->total;
    return done;
  }

  Context& context_;
  const std::string url_;
  net::HttpClient& client_;
  const std::string path_;
  std::optional<std::uint64_t> total_;
};

}  // namespace

Result<std::optional<BundleSource>> fetch_bundle(Context& context, const std::string& url) {
  auto address = net::parse_address(url);
  const bool is_file = address && net::is_mirror(address.value()) && !url.ends_with('/') &&
                       net::is_allowed_peer(address.value());
  if (!is_file) return std::optional<BundleSource>();  // What it is says whoever meets it.
  BMSG_TRY_ASSIGN(const auto settings, context.settings(nullptr));
  BMSG_TRY_ASSIGN(const auto reach, transport_options(settings));
  const std::string path = std::exchange(address.value().path, "/");
  net::HttpClient client(address.value(), {.judge = net::Judge::authorities,
                                           .expected_key = {},
                                           .identity = {},
                                           .proxy = reach.proxy,
                                           .reach = net::Reach::anywhere});
  BMSG_TRY_ASSIGN(auto file, Fetch(context, url, client, path).run());
  if (!file) return std::optional<BundleSource>();
  return std::optional(BundleSource::over(std::move(*file), fmt::format("'{}'", url)));
}

}  // namespace bmsg::cli
