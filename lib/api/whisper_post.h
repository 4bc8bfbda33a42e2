// shh_post: from the parameters of a call to a message with its stamp.

#pragma once

#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "lib/api/whisper_filters.h"
#include "lib/api/whisper_host.h"
#include "lib/api/whisper_values.h"
#include "lib/mail/seal.h"

namespace bmsg::api {

/// What a client asks to be posted. Empty text or bytes: absent.
struct WhisperPost {
  std::string symmetric_key;  // An id.
  Bytes public_key;
  std::string signer;  // The id of a pair.
  std::uint32_t ttl = 0;
  Topic topic;
  Bytes payload;
  std::uint32_t pow_seconds = 0;
  double pow_target = 0;
  std::string peer;  // An enode URL.
};

/// Errors: Errc::bad_usage.
Result<WhisperPost> parse_post(const RpcMembers& members);

/// Seals, and signs if the post names a key pair.
/// Errors: Errc::bad_input with Whisper's words; as mail::seal().
Result<mail::Sealed> seal_post(const WhisperPost& post, WhisperHost& host, const WhisperKeys& keys,
                               std::uint64_t bytes_max);

/// Searches on where the chain's stamp is less than the target, for at most the seconds that the
/// client gives. Needs no key.
/// Errors: Errc::bad_input with Whisper's words; Errc::try_again if stopped.
Result<Message> stamp_post(mail::Sealed sealed, const WhisperPost& post, const WhisperHost& host,
                           std::stop_token stop);

/// Seconds that a post lives: 50 if the client names none, at least six intervals of the chain,
/// since a message that expires before a block holds it is lost, and at most the chain's maxttl.
std::uint32_t whisper_ttl(std::uint32_t asked, const chain::RulesText& rules);

/// The id of the peer in enode://ID@HOST:PORT, 128 hex digits. Errors: Errc::bad_input.
Result<std::string> peer_of_enode(std::string_view url);

}  // namespace bmsg::api
