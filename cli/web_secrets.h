// What the page does only for whoever types the passphrase anew.

#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "cli/web_desk.h"
#include "lib/net/http_message.h"

namespace bmsg::cli {

/// A passphrase that was typed, and what goes with it.
struct WebSecrets {
  std::string path;  // What is asked for.
  crypto::SecretBytes typed;
  crypto::SecretBytes fresh;  // The one that is to take its place.

  /// Whether a path asks for one; these all change something.
  static bool has(std::string_view path);
  /// Takes them out of a request, which keeps none.
  /// Errors: Errc::bad_input.
  static Result<WebSecrets> take(net::HttpRequest& request);
};

/// The answer, and whether what was typed was right: others guess.
struct WebSecretAnswer {
  net::HttpResponse response;
  bool is_right = false;
};

/// Changes the passphrase of the store as `passwd` does, or makes the bytes of `id backup`. Where
/// the keys have no passphrase yet, the typed one seals the backup alone.
WebSecretAnswer answer_secrets(WebDesk& desk, WebSecrets secrets);

}  // namespace bmsg::cli
