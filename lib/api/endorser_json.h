// The objects `endorser` and `evidence` (bmsg-json(5)).

#pragma once

#include <optional>
#include <string>

#include "lib/chain/evidence.h"
#include "lib/node/endorser_standing.h"

namespace bmsg::api {

std::string endorser_json(const node::EndorserStanding& standing, bool is_own,
                          std::uint32_t looked_at);
std::string endorser_key_json(const EndorserKey& key);
/// `text`: the proof itself, if it is to be in it. `posted`: the message that it went out in.
std::string evidence_json(const chain::Evidence& evidence, const EndorserKey& key,
                          const std::optional<std::string>& text,
                          const std::optional<MessageId>& posted = {});

}  // namespace bmsg::api
