#include "lib/api/kept_answers.h"

#include <algorithm>

#include "lib/api/peer_answers.h"
#include "lib/core/nameless_file.h"

namespace bmsg::api {
namespace {

constexpr std::size_t kFreshMax = 64;
constexpr std::size_t kFreshBytesMax = 16384;
constexpr std::size_t kOptionBytesMax = 64;

}  // namespace

std::optional<KeptName> kept_name(const net::HttpRequest& request) {
  if (request.method != net::Method::get || !request.path.starts_with(kPeerPrefix))
    return std::nullopt;
  KeptName kept{KeptName::Where::lasting, request.path.substr(kPeerPrefix.size())};
  std::string_view option;  // Which may be asked for there.
  if (kept.name == "info" || kept.name == "feed") {
    kept.where = KeptName::Where::fresh;
    option = kept.name == "feed" ? "since" : "";
  } else if (kept.name.starts_with("blocks/")) {
    option = "light";
  } else if (!kept.name.starts_with("headers/") && kept.name != "genesis") {
    return std::nullopt;
  }
  if (request.query.empty()) return kept;
  const auto& [key, value] = *request.query.begin();
  if (request.query.size() != 1 || option.empty() || key != option) return std::nullopt;
  if (value.size() > kOptionBytesMax || (key == "light" && value != "1")) return std::nullopt;
  kept.name.append("?").append(value);
  return kept;
}

KeptAnswers::KeptAnswers(const Disk& disk, std::filesystem::path directory, const Clock& clock,
                         std::function<std::uint64_t()> edition, const KeptLimits& limits)
    : disk_(disk),
      directory_(std::move(directory)),
      clock_(clock),
      edition_of_(std::move(edition)),
      limits_(limits),
      edition_(edition_of_()) {}

void KeptAnswers::forget_if_changed() {
  const std::uint64_t edition = edition_of_();
  if (edition == edition_) return;
  edition_ = edition;
  kept_.clear();
  files_.clear();
}

std::optional<net::HttpResponse> KeptAnswers::find(const std::string& name) {
  const std::lock_guard lock(mutex_);
  forget_if_changed();
  const auto found = kept_.find(name);
  if (found == kept_.end()) return std::nullopt;
  return found->second;
}

/// Notes that it is asked for.
bool KeptAnswers::was_asked(const std::string& name) {
  const std::size_t place = std::hash<std::string>()(name) % kAsked;
  if (asked_.test(place)) return true;
  if (asked_count_ >= kAsked / 2) {  // So full that most names seem known.
    asked_.reset();
    asked_count_ = 0;
  }
  asked_.set(place);
  ++asked_count_;
  return false;
}

bool KeptAnswers::fits(const File& file, std::size_t bytes) const {
  return file.answers < limits_.file_answers && file.bytes + bytes <= limits_.file_bytes;
}

std::optional<net::FilePart> KeptAnswers::room_for(std::size_t bytes) {
  if (bytes > limits_.file_bytes) return std::nullopt;
  if (files_.empty() || !fits(files_.back(), bytes)) {
    const auto now = clock_.steady();
    if (files_.size() >= limits_.files) {
      const File& oldest = files_.front();
      if (now - oldest.made < limits_.file_time) return std::nullopt;
      std::erase_if(kept_,
                    [&](const auto& kept) { return kept.second.file->file == oldest.opened; });
      files_.pop_front();
    }
    const auto free = disk_.free_bytes(directory_);
    if (!free || free.value() < limits_.free_bytes) return std::nullopt;
    auto made = nameless_file(directory_);
    if (!made) return std::nullopt;
    files_.push_back({std::make_shared<const Descriptor>(std::move(made).value()), now});
  }
  File& file = files_.back();
  const net::FilePart part{file.opened, file.bytes, bytes};
  file.bytes += bytes;
  ++file.answers;
  return part;
}

void KeptAnswers::keep(const std::string& name, const net::HttpResponse& response,
                       std::uint64_t edition) {
  const bool never_changes = net::find_field(response.fields, "etag").has_value();
  if (response.status != 200 || !never_changes || response.body.empty()) return;
  std::optional<net::FilePart> part;
  {
    const std::lock_guard lock(mutex_);
    forget_if_changed();
    if (edition != edition_ || !was_asked(name) || kept_.contains(name)) return;
    part = room_for(response.body.size());
  }
  // Without the lock: others find theirs meanwhile.
  if (!part || !write_at(*part->file, response.body, part->offset)) return;
  const std::lock_guard lock(mutex_);
  forget_if_changed();
  const bool is_there =
      std::ranges::any_of(files_, [&](const File& file) { return file.opened == part->file; });
  if (!is_there) return;
  net::HttpResponse kept{response.status, response.content_type, response.fields, {}};
  kept.file = std::move(*part);
  kept_.emplace(name, std::move(kept));
}

std::size_t KeptAnswers::size() const {
  const std::lock_guard lock(mutex_);
  return kept_.size();
}

std::optional<net::HttpResponse> FreshAnswers::find(const std::string& name, const Moment& moment) {
  const std::lock_guard lock(mutex_);
  if (moment_ != moment) return std::nullopt;
  const auto found = fresh_.find(name);
  if (found == fresh_.end()) return std::nullopt;
  return found->second;
}

void FreshAnswers::keep(const std::string& name, const net::HttpResponse& response,
                        const Moment& moment) {
  if (response.status != 200 || response.body.size() > kFreshBytesMax) return;
  const std::lock_guard lock(mutex_);
  if (moment_ != moment) fresh_.clear();
  moment_ = moment;
  if (fresh_.size() < kFreshMax) fresh_.insert_or_assign(name, response);
}

}  // namespace bmsg::api
