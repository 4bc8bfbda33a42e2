// Meeting a node for the first time: its rules, its key, one sync.

#pragma once

#include <optional>
#include <string>

#include "cli/command.h"
#include "lib/core/ids.h"
#include "lib/crypto/secret_bytes.h"
#include "lib/net/http_client.h"

namespace bmsg::cli {

/// What a node tells whoever has no store yet.
struct Meeting {
  std::string url;
  std::string rules_text;      // Checked for form.
  std::optional<NodeKey> key;  // That it proved; none over plain http.
};

/// Whether `text` is the address of a node rather than a file.
bool is_node_url(const std::string& text);

/// Who asks, and whom.
struct Introduction {
  const crypto::SecretBytes& node_seed;  // Of the store that is to be; shown where it is asked for.
  bool is_kept = false;                  // That key lasts even if nothing comes of the store.
  std::optional<NodeKey> expected{};     // What the node has to prove; none: whatever it has.
  net::Reach reach = net::Reach::anywhere;
};

/// Asks a node for its rules.
/// Errors: as node::Transport; Errc::protocol if it has none.
Result<Meeting> meet(Context& context, const std::string& url, const Introduction& introduction);

enum class FirstSync { yes, no };

/// Keeps `url` as a peer of the store and syncs once. A peer that is away by then is a warning.
Result<Done> join_peer(Context& context, const StoreDir& store, const std::string& url,
                       FirstSync sync);

}  // namespace bmsg::cli
