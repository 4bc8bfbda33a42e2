#include "cli/web_secrets.h"

#include <algorithm>
#include <array>

#include "cli/keyring_file.h"
#include "cli/web_answers.h"
#include "lib/api/web_form.h"
#include "lib/core/try.h"

namespace bmsg::cli {
namespace {

using crypto::SecretBytes;

constexpr int kNotAllowed = 403;
constexpr const char* kBackupName = "attachment; filename=\"bmsg-identity.backup\"";

SecretBytes secret_of(api::WebForm& form, std::string_view name) {
  SecretBytes secret = SecretBytes::from(as_bytes(form.text(name)));
  form.wipe(name);
  return secret;
}

/// Errors: Errc::denied for another than the store's.
Result<Done> check_typed(WebDesk& desk, const SecretBytes& typed) {
  const auto open = reopen_keyring(desk.context(), desk.store(), typed.clone());
  if (open) return done;
  if (open.error().code != Errc::denied) return open.error();
  return Error{Errc::denied, "this is not the passphrase of the store", "type it again"};
}

Result<std::string> change_passphrase(WebDesk& desk, WebSecrets& secrets) {
  if (secrets.fresh.size() == 0)
    return Error{Errc::bad_input, "the new passphrase is empty",
                 "'bmsg passwd --no-passphrase' takes it away"};
  InnerCommand command{.words = {"passwd"}, .parts = {}};
  command.parts.new_passphrase = secrets.fresh.clone();
  BMSG_TRY_ASSIGN(auto lines, desk.change(std::move(command)));
  BMSG_TRY(desk.unlock(std::move(secrets.fresh)));
  return lines;
}

Result<std::string> backup(WebDesk& desk, const WebSecrets& secrets) {
  InnerCommand command{.words = {"id", "backup", "-"}, .parts = {}};
  command.parts.new_passphrase = secrets.typed.clone();
  BMSG_TRY(desk.check_open());
  BMSG_TRY_ASSIGN(auto end, run_inner(desk.context(), std::move(command)));
  return std::move(end.results);
}

net::HttpResponse backup_answer(const Result<std::string>& bytes) {
  if (!bytes) return error_answer(bytes.error());
  auto response = net::text_response(200, bytes.value(), "application/octet-stream");
  response.fields.push_back({"Content-Disposition", kBackupName});
  return finished(std::move(response));
}

}  // namespace

bool WebSecrets::has(std::string_view path) {
  constexpr std::array kPaths = {"/api/passphrase", "/api/backup"};
  return std::ranges::find(kPaths, path) != kPaths.end();
}

Result<WebSecrets> WebSecrets::take(net::HttpRequest& request) {
  auto form = api::WebForm::parse(as_text(request.body), {"passphrase", "new"});
  crypto::wipe(request.body);
  BMSG_TRY_ASSIGN(auto given, std::move(form));
  return WebSecrets{request.path, secret_of(given, "passphrase"), secret_of(given, "new")};
}

WebSecretAnswer answer_secrets(WebDesk& desk, WebSecrets secrets) {
  const auto room = desk.room();
  if (!room) return {error_answer(room.error()), false};  // Or guesses at the lock were forgiven.
  const bool has_passphrase = room.value()->open_keyring().passphrase.size() > 0;
  if (has_passphrase) {
    const auto checked = check_typed(desk, secrets.typed);
    const bool is_wrong = !checked && checked.error().code == Errc::denied;
    if (is_wrong) return {error_answer(checked.error(), kNotAllowed), false};
    if (!checked) return {error_answer(checked.error()), false};
  }
  const bool is_backup = secrets.path == "/api/backup";
  if (is_backup && secrets.typed.size() == 0)
    return {error_answer({Errc::bad_input, "a backup is never without a passphrase"}), true};
  if (is_backup) return {backup_answer(backup(desk, secrets)), true};
  const auto changed = change_passphrase(desk, secrets);
  return {changed ? lines_answer(changed.value()) : error_answer(changed.error()), true};
}

}  // namespace bmsg::cli
