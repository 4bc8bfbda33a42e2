#include "cli/fresh_keyring.h"

#include "cli/aside.h"
#include "cli/passphrase.h"
#include "lib/core/try.h"

namespace bmsg::cli {
namespace {

Result<bool> has_keyring(const Context& context, const StoreDir& store) {
  BMSG_TRY_ASSIGN(const auto file, context.disk.read(store.keyring(), mail::kKeyringBytesMax));
  return file.has_value();
}

}  // namespace

void add_fresh_keyring_option(Command command, bool& no_passphrase) {
  command.add_flag("--no-passphrase", no_passphrase,
                   "If the keyring is lost: keep the new one without a passphrase");
}

Result<KeyringToFill> keyring_to_fill(const Context& context, const StoreDir& store,
                                      bool no_passphrase) {
  BMSG_TRY_ASSIGN(const bool is_there, has_keyring(context, store));
  if (is_there && no_passphrase)
    return Error{Errc::bad_usage, "--no-passphrase: this store has a keyring, which stays as it is",
                 "'bmsg passwd --no-passphrase' takes its passphrase away"};
  if (is_there) {
    BMSG_TRY_ASSIGN(auto open, unlock_keyring(context, store));
    return KeyringToFill{std::move(open), false};
  }
  BMSG_TRY_ASSIGN(auto keyring, mail::make_keyring(context.entropy));
  OpenKeyring open{std::move(keyring), crypto::SecretBytes(), mail::kNoPassphraseCost};
  if (no_passphrase) return KeyringToFill{std::move(open), true};
  BMSG_TRY_ASSIGN(open.passphrase, new_passphrase(context, store.root().string()));
  if (open.passphrase.size() == 0)
    return Error{Errc::bad_usage, "the passphrase is empty; --no-passphrase says that on purpose"};
  open.cost = crypto::ScryptCost{};
  return KeyringToFill{std::move(open), true};
}

Result<OpenKeyring> reopen_to_fill(Context& context, const StoreDir& store, KeyringToFill asked) {
  BMSG_TRY_ASSIGN(const bool is_there, has_keyring(context, store));
  if (is_there || !asked.is_fresh)
    return reopen_keyring(context, store, std::move(asked.open.passphrase));
  // First of the two: whoever is killed in between has neither, and begins again.
  BMSG_TRY(put_aside(context, store.mail(), "the private index of the keyring that is lost"));
  BMSG_TRY(context.disk.make_directory(store.keyring().parent_path()));
  return std::move(asked.open);
}

}  // namespace bmsg::cli
