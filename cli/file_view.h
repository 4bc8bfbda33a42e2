// The files of a message as they are shown and saved.

#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "cli/fetch_file.h"
#include "lib/api/json_objects.h"
#include "lib/mail/records.h"

namespace bmsg::cli {

/// What the message says of its files, in their order.
std::vector<api::AttachmentView> attachment_views(const mail::Content& content);

/// A line for each: number, name, bytes.
std::string attachments_text(const mail::Content& content);

/// The number-th manifest. Errors: Errc::not_found if there are fewer; Errc::corrupt.
Result<mail::Manifest> manifest_of(const mail::Content& content, std::size_t number);

/// Writes all files of a message into a directory, under safe names, none in place of another;
/// where each one is. Each is there whole or not at all. Errors: as FileFetcher; Errc::exists if it
/// may not be made; Errc::io.
Result<std::vector<std::string>> save_files(Context& context, FileFetcher& files,
                                            const mail::Content& content,
                                            const std::filesystem::path& directory);

}  // namespace bmsg::cli
