#include "cli/own_files.h"

#include <fmt/format.h>

#include <functional>
#include <optional>

#include "cli/endorser_key.h"
#include "cli/hooks.h"
#include "cli/keyring_file.h"
#include "cli/policies.h"
#include "cli/session.h"
#include "cli/signed_charters.h"
#include "lib/chain/checkpoint_note.h"
#include "lib/core/try.h"
#include "lib/mail/card.h"
#include "lib/mail/conversation.h"
#include "lib/mail/held.h"
#include "lib/mail/revocation.h"
#include "lib/mail/send_key.h"
#include "lib/node/blob_directory.h"
#include "lib/node/endorser_log.h"

namespace bmsg::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kSmallBytesMax = 1u << 20;
constexpr const char* kFromBackup = "'bmsg restore' brings back what a backup has of it";
constexpr const char* kCardsAgain =
    "remove it: what the chain has is collected again by the next 'bmsg mine' or 'bmsg sync', and "
    "'bmsg contact add' takes a card from a file";

class Looking {
 public:
  Looking(Context& context, const StoreDir& store, const chain::ChainRules& rules)
      : context_(context), store_(store), rules_(rules) {}

  Result<std::vector<OwnFault>> all() {
    BMSG_TRY(look_at_keys());
    BMSG_TRY(note("contacts", read_contacts(context_, store_), kFromBackup));
    BMSG_TRY(note("policies", read_policies(context_, store_), kFromBackup));
    for (const Hook hook : all_hooks()) {
      BMSG_TRY(
          note("hooks", state_of(context_, store_, hook), "'bmsg hooks enable' makes it anew"));
    }
    BMSG_TRY(look_at_cards());
    BMSG_TRY(look_at_outbox());
    BMSG_TRY(look_at_signed());
    BMSG_TRY(look_at_chunks());
    return std::move(faults_);
  }

 private:
  /// An error of a reader is a fault if it is about what is in the file.
  template <class T>
  Result<Done> note(const char* kind, const Result<T>& read, const char* next) {
    if (read) return done;
    const Error& error = read.error();
    if (error.code == Errc::not_found) return done;
    if (error.code != Errc::corrupt && error.code != Errc::bad_config) return error;
    for (const OwnFault& known : faults_) {
      if (known.kind == kind && known.detail.starts_with(error.message)) return done;
    }
    faults_.push_back(
        {kind, fmt::format("{}; {}", error.message, error.hint.empty() ? next : error.hint)});
    return done;
  }

  void damaged(const char* kind, const fs::path& file, const char* next) {
    faults_.push_back({kind, fmt::format("'{}' is damaged; {}", file.string(), next)});
  }

  /// Nobody is asked for a passphrase: with one it is checked by whoever opens it.
  Result<Done> look_at_keys() {
    Context quiet(context_.clock, context_.disk, context_.entropy);
    quiet.options = context_.options;
    quiet.options.no_input = true;
    const auto open = unlock_keyring(quiet, store_);
    if (!open && open.error().code == Errc::corrupt) BMSG_TRY(note("keyring", open, kFromBackup));
    BMSG_TRY(note("node key", read_node_seed(context_, store_), kFromBackup));
    return note("endorser key", read_endorser_seed(context_, store_), kFromBackup);
  }

  using Judge = std::function<bool(const std::string& name, ByteView bytes)>;

  /// Judges each file of a directory whose name fits.
  Result<Done> look_in(const fs::path& directory, const char* kind, const char* next,
                       const std::function<bool(const std::string&)>& fits, const Judge& is_whole) {
    BMSG_TRY_ASSIGN(const auto names, context_.disk.list(directory));
    for (const std::string& name : names) {
      if (!fits(name)) continue;
      const auto bytes = context_.disk.read(directory / name, kSmallBytesMax);
      if (!bytes && bytes.error().code != Errc::corrupt) return bytes.error();
      if (bytes && !bytes.value()) continue;  // It went meanwhile.
      if (!bytes || !is_whole(name, *bytes.value())) damaged(kind, directory / name, next);
    }
    return done;
  }

  Result<Done> look_at_cards() {
    const auto is_of_somebody = [](const std::string& name) { return name.starts_with("bmsg1"); };
    return look_in(store_.cards(), "card", kCardsAgain, is_of_somebody,
                   [this](const std::string& name, ByteView bytes) {
                     return name.ends_with(".revoked") ? bool(mail::decode_revocations(bytes))
                                                       : mail::is_whole_card(bytes, rules_.id);
                   });
  }

  Result<Done> look_at_outbox() {
    const auto plain = [](const std::string& name) { return name.find('.') == std::string::npos; };
    const auto dated = [](const std::string& name) { return !name.starts_with('.'); };
    BMSG_TRY(look_in(
        store_.outbox() / "keys", "key of a send",
        "remove it: what was sent stays, and the key is free again", plain,
        [](const std::string&, ByteView bytes) { return bool(mail::decode_key_record(bytes)); }));
    BMSG_TRY(look_in(
        store_.outbox() / "seq", "conversation", "remove it: its numbers begin again", plain,
        [](const std::string&, ByteView bytes) { return mail::is_whole_conversation(bytes); }));
    return look_in(store_.outbox() / "held", "held letter",
                   "'bmsg outbox cancel' takes it back; write it again", dated,
                   [](const std::string&, ByteView bytes) { return mail::is_whole_held(bytes); });
  }

  Result<Done> look_at_signed() {
    BMSG_TRY_ASSIGN(const auto log, context_.disk.read(store_.endorser_log(), kSmallBytesMax));
    const auto seed = read_endorser_seed(context_, store_);
    if (log && seed && seed.value() &&
        !node::EndorserLog::is_whole(endorser_key_of(*seed.value()), as_text(*log))) {
      damaged("endorser log", store_.endorser_log(),
              "the next 'bmsg endorse' begins it anew and leaves the present turn");
    }
    BMSG_TRY(note("charters", SignedCharters::read(context_.disk, store_), kFromBackup));
    BMSG_TRY_ASSIGN(const auto note_text, context_.disk.read(store_.last_signed(), kSmallBytesMax));
    if (note_text && !chain::parse_checkpoint_note(as_text(*note_text))) {
      damaged("checkpoint", store_.last_signed(),
              "if you are sure what you signed last, put that note there");
    }
    return done;
  }

  /// Ours alone: what is damaged of others' counts as absent, and comes again.
  Result<Done> look_at_chunks() {
    const node::BlobDirectory blobs(context_.disk, store_.blobs(), rules_, context_.clock, 0);
    BMSG_TRY_ASSIGN(const auto own, blobs.list(node::Shelf::own));
    for (const node::Blob& blob : own) {
      BMSG_TRY_ASSIGN(const auto chunk, blobs.find(blob.id));
      if (chunk) continue;
      const std::string name = node::file_name_of(blob);
      damaged("chunk", store_.blobs() / "own" / name.substr(0, 1) / name,
              "'bmsg resend' sends the message and its files again");
    }
    return done;
  }

  Context& context_;
  const StoreDir& store_;
  const chain::ChainRules& rules_;
  std::vector<OwnFault> faults_;
};

}  // namespace

Result<std::vector<OwnFault>> damaged_own_files(Context& context, const StoreDir& store,
                                                const chain::ChainRules& rules) {
  return Looking(context, store, rules).all();
}

}  // namespace bmsg::cli
