#include "lib/mail/forget_request.h"

#include "lib/core/byte_reader.h"
#include "lib/core/hex.h"
#include "lib/core/try.h"
#include "lib/mail/open.h"

namespace bmsg::mail {
namespace {

/// Spares checking the signature of what is something else.
bool looks_like_request(const Message& message) {
  return message.head.suite == Suite::open && message.body &&
         as_text(*message.body).find(kForgetType) != std::string_view::npos;
}

Result<bool> is_by(const node::ChainReader& chain, const ChainId& chain_id, const MessageId& id,
                   const IdentityKey& author) {
  BMSG_TRY_ASSIGN(const auto places, chain.places_of(id));
  for (const node::MessagePlace& place : places) {
    BMSG_TRY_ASSIGN(const auto message, chain.message_at(place));
    if (!message || !message->body || message->head.suite != Suite::open) continue;
    const Opened opened = open_public(*message, chain_id);
    return !opened.fault && opened.signature == SignatureState::good &&
           opened.content.kind == Kind::text && opened.content.identity() == author;
  }
  return false;
}

}  // namespace

bool is_forget_request(Kind kind, std::string_view media_type, std::size_t ids) {
  return kind == Kind::application && media_type == kForgetType && ids > 0 && ids <= kForgetIdsMax;
}

std::optional<ForgetRequest> forget_request_in(const Message& message, const ChainId& chain) {
  if (!looks_like_request(message)) return std::nullopt;
  Opened opened = open_public(message, chain);
  const Content& content = opened.content;
  if (opened.fault || opened.signature != SignatureState::good) return std::nullopt;
  if (!is_forget_request(content.kind, content.media_type, content.re.size())) return std::nullopt;
  const auto author = content.identity();
  if (!author) return std::nullopt;
  return ForgetRequest{*author, content.device.value_or(0), std::move(opened.content.re)};
}

Result<std::vector<MessageId>> owed_to(const ForgetRequest& request, const node::ChainReader& chain,
                                       const ChainId& id) {
  std::vector<MessageId> ids;
  for (const MessageId& asked : request.ids) {
    BMSG_TRY_ASSIGN(const bool is_theirs, is_by(chain, id, asked, request.author));
    if (is_theirs) ids.push_back(asked);
  }
  return ids;
}

Result<Done> ForgetRequests::note(const MessageId& request, const std::vector<MessageId>& ids) {
  Bytes bytes;
  for (const MessageId& id : ids) append(bytes, id.view());
  BMSG_TRY(disk_.make_directory(directory_));
  return disk_.replace(directory_ / to_hex(request.view()), bytes);
}

Result<std::vector<ForgetRequests::Owed>> ForgetRequests::owed() const {
  std::vector<Owed> all;
  std::error_code absent;  // No directory: nobody has asked yet.
  if (!std::filesystem::exists(directory_, absent)) return all;
  BMSG_TRY_ASSIGN(const auto names, disk_.list(directory_));
  for (const std::string& name : names) {
    if (name.size() != 2 * MessageId::kSize) continue;
    BMSG_TRY_ASSIGN(const auto bytes,
                    disk_.read(directory_ / name, kForgetIdsMax * MessageId::kSize));
    if (!bytes) continue;
    Owed owed{.file = directory_ / name, .ids = {}};
    ByteReader reader(*bytes);
    for (std::size_t left = bytes->size() / MessageId::kSize; left > 0; --left)
      owed.ids.push_back(reader.fixed<MessageId>());
    all.push_back(std::move(owed));
  }
  return all;
}

}  // namespace bmsg::mail
