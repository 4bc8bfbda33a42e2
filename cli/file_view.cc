#include "cli/file_view.h"

#include <fmt/format.h>

#include <optional>

#include "cli/new_file.h"
#include "cli/safe_name.h"
#include "cli/text.h"
#include "lib/core/try.h"

namespace bmsg::cli {
namespace {

constexpr unsigned kSameNamesMax = 10'000;

bool is_taken(const std::filesystem::path& path) {
  std::error_code unreadable;
  return std::filesystem::exists(std::filesystem::symlink_status(path, unreadable));
}

Result<std::filesystem::path> save(Context& context, FileFetcher& files,
                                   const mail::Manifest& manifest,
                                   const std::filesystem::path& directory) {
  const std::string name = safe_name(manifest.name);
  std::optional<NewFile> file;  // Fetched once, however often another is faster with its name.
  for (unsigned number = 1; number <= kSameNamesMax; ++number) {
    const auto path = directory / numbered_name(name, number);
    if (is_taken(path)) continue;
    if (file) file->rename(path);
    if (!file) {
      file.emplace(context.disk, path);
      BMSG_TRY(file->open());
      BMSG_TRY(files.fetch(manifest, [&](ByteView piece) { return file->write(piece); }));
    }
    const auto published = file->publish();
    if (published) return path;
    if (published.error().code != Errc::exists) return published.error();
  }
  return Error{Errc::exists, fmt::format("'{}' and {} of its like are there already",
                                         (directory / name).string(), kSameNamesMax - 1)};
}

}  // namespace

std::vector<api::AttachmentView> attachment_views(const mail::Content& content) {
  std::vector<api::AttachmentView> views;
  for (const Bytes& record : content.manifests) {
    api::AttachmentView& view = views.emplace_back();
    const auto manifest = mail::decode_manifest(record);
    if (!manifest) {
      view.fault = manifest.error().message;
      continue;
    }
    view.name = manifest.value().name;
    view.safe_name = safe_name(view.name);
    view.size = manifest.value().size;
    view.hash = manifest.value().hash;
  }
  return views;
}

std::string attachments_text(const mail::Content& content) {
  std::string text;
  std::size_t number = 0;
  for (const api::AttachmentView& view : attachment_views(content)) {
    text += view.fault ? fmt::format("file    {} (cannot be read: {})\n", number, *view.fault)
                       : fmt::format("file    {} {}, {} bytes\n", number, shown_line(view.name),
                                     view.size);
    ++number;
  }
  return text;
}

Result<mail::Manifest> manifest_of(const mail::Content& content, std::size_t number) {
  if (number >= content.manifests.size()) {
    return Error{
        Errc::not_found,
        fmt::format("no file {} in that message: it has {}", number, content.manifests.size()),
        "'bmsg read REF' lists them, from 0 on"};
  }
  auto manifest = mail::decode_manifest(content.manifests[number]);
  if (manifest) return manifest;
  return Error{Errc::corrupt,
               fmt::format("file {} cannot be read: {}", number, manifest.error().message)};
}

Result<std::vector<std::string>> save_files(Context& context, FileFetcher& files,
                                            const mail::Content& content,
                                            const std::filesystem::path& directory) {
  std::vector<std::string> paths;
  for (std::size_t i = 0; i < content.manifests.size(); ++i) {
    BMSG_TRY_ASSIGN(const auto manifest, manifest_of(content, i));
    const auto saved = save(context, files, manifest, directory);
    if (!saved) {
      Error error = saved.error();
      error.message = fmt::format("file {}, {}: {}", i, file_title(manifest), error.message);
      return error;
    }
    paths.push_back(saved.value().string());
  }
  return paths;
}

}  // namespace bmsg::cli
