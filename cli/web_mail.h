// The calls of the page that are about mail: conversations, searching, marking, writing, files on
// their way, the outbox and rooms.

#pragma once

#include <span>

#include "cli/web_call.h"

namespace bmsg::cli {

/// Source: bmsg-web(1), "Mail".
std::span<const WebCall> mail_calls();
std::span<const WebCall> room_calls();

/// A file of a message, and the generation of WebFiles in which it was asked for.
struct ChosenFile {
  mail::Manifest manifest;
  std::uint64_t generation = 0;
};

/// Gets a file of a message, whole and verified, and has it wait among `files`: an object `file`
/// with its ticket. Takes as long as peers take; needs no key.
/// Errors: as FileFetcher; Errc::denied if the keys were closed since it was chosen.
Result<std::string> fetch_for_page(Context& context, const StoreDir& store, WebFiles& files,
                                   const ChosenFile& chosen);

/// What the message says of the file that `body` chooses. Errors: as `read`; Errc::not_found.
Result<ChosenFile> chosen_file(WebDesk& desk, std::string_view body);

}  // namespace bmsg::cli
