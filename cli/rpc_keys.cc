#include "cli/rpc_keys.h"

#include "cli/keyring_file.h"
#include "cli/web_desk.h"
#include "lib/api/whisper_keyring.h"
#include "lib/core/try.h"

namespace bmsg::cli {
namespace {

std::vector<api::WhisperKey> copy_of(const std::vector<api::WhisperKey>& keys) {
  std::vector<api::WhisperKey> made;
  for (const api::WhisperKey& key : keys) made.push_back({key.id, key.kind, key.secret.clone()});
  return made;
}

}  // namespace

RpcKeys::RpcKeys(const Context& like, StoreDir store)
    : context_(context_like(like)), store_(std::move(store)) {
  context_->options.no_input = true;
}

RpcKeys::~RpcKeys() = default;

Result<Done> RpcKeys::open(const std::optional<crypto::SecretBytes>& passphrase) {
  close();
  if (passphrase) context_->passphrase = passphrase->clone();
  auto opened = unlock_keyring(*context_, store_);
  if (!opened) {
    close();
    return opened.error();
  }
  auto keys = api::parse_whisper_keys(opened.value().keyring.shh);
  if (!keys) return keys.error();
  saved_ = copy_of(keys.value());
  keys_ = std::make_unique<api::WhisperKeys>(std::move(keys).value(), *this, context_->entropy);
  return done;
}

void RpcKeys::close() {
  keys_.reset();
  saved_.clear();
  context_->passphrase.reset();
}

Result<Done> RpcKeys::save(const std::vector<api::WhisperKey>& keys) {
  BMSG_TRY_ASSIGN(const auto patience, context_->lock_patience(&store_));
  BMSG_TRY_ASSIGN(const auto lock,
                  FileLock::take(store_.mail_lock(), "web", patience, context_->clock));
  BMSG_TRY_ASSIGN(auto open, unlock_keyring(*context_, store_));
  BMSG_TRY_ASSIGN(open.keyring.shh, api::merge_whisper_keys(open.keyring.shh, saved_, keys));
  BMSG_TRY(save_keyring(*context_, store_, open));
  saved_ = copy_of(keys);
  return done;
}

}  // namespace bmsg::cli
