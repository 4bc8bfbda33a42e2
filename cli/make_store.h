// Making a store: directories, rules, chain, keys; the file that marks it a store comes last.

#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/command.h"
#include "cli/revocation_paper.h"
#include "lib/core/ids.h"
#include "lib/crypto/secret_bytes.h"
#include "lib/mail/keyring.h"

namespace bmsg::cli {

/// What a new store is to hold.
struct NewStore {
  std::string rules_text;
  std::optional<std::string> identity;                 // Its name; absent: no identity.
  std::optional<crypto::SecretBytes> passphrase;       // Absent: none was chosen.
  std::optional<crypto::SecretBytes> node_seed{};      // Of its node key; absent: any.
  std::optional<crypto::SecretBytes> endorser_seed{};  // Absent: it does not endorse.
  bool is_new_chain = false;                           // Then that key has signed nothing of it.
  bool light = false;                                  // Heads only, and own bodies.
  std::vector<mail::Room> rooms{};                     // That an invite brought.
  RevocationPaper* paper = nullptr;                    // Of the identity; the caller hands it out.
};

/// Makes a store in `directory`, which is absent, empty, or holds what a killed attempt left.
/// Until the last step it is no store, so a crash leaves nothing half made.
/// Errors: Errc::exists if there is anything else in it.
struct MadeStore {
  StoreDir store;
  std::optional<IdentityKey> address;  // Of the identity, if one was made.
};
Result<MadeStore> make_store(Context& context, const std::filesystem::path& directory,
                             NewStore wanted);

/// 16 MiB that are given back when the disk is full, so that there is room to clean up.
inline constexpr std::size_t kBallastBytes = 16u << 20;

}  // namespace bmsg::cli
