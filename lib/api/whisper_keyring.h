// The keys of Whisper's clients as the keyring's member "shh" holds them.

#pragma once

#include <vector>

#include "lib/api/whisper_keys.h"

namespace bmsg::api {

/// Of a keyring's `shh`; empty text: none.
/// Errors: Errc::corrupt for what no writer writes.
/// Source: bmsg-format(5), "Keyring".
Result<std::vector<WhisperKey>> parse_whisper_keys(const crypto::SecretBytes& json);

/// The JSON array.
crypto::SecretBytes print_whisper_keys(const std::vector<WhisperKey>& keys);

/// What a keyring holds once this gateway's changes are in it: others may have changed it since,
/// and their keys stay. `before` and `now`: as this gateway had them, and has them.
/// Errors: as parse_whisper_keys().
Result<crypto::SecretBytes> merge_whisper_keys(const crypto::SecretBytes& there,
                                               const std::vector<WhisperKey>& before,
                                               const std::vector<WhisperKey>& now);

}  // namespace bmsg::api
