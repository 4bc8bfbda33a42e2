// An identity as people handle it: the address to paste and the words to read aloud.

#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "lib/core/ids.h"

namespace bmsg {

/// The identity key in bech32m with the prefix "bmsg".
/// Source: BIP-350; bmsg-format(5), "Address".
std::string to_address(const IdentityKey& key);

/// The key that `text` spells; nullopt for anything that to_address() does not write (all upper
/// case is the one exception that BIP-350 makes).
std::optional<IdentityKey> from_address(std::string_view text);

/// Two bytes to a pronounceable five-letter word, words joined by hyphens. An even number of bytes.
/// Source: proquint (Wilkerson, 2009); 127.0.0.1 is lusab-babad.
std::string to_proquint(ByteView bytes);
std::optional<Bytes> from_proquint(std::string_view text);

}  // namespace bmsg
