#include "cli/key_agent.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "lib/api/keyring_json.h"
#include "lib/core/big_endian.h"
#include "lib/core/byte_reader.h"
#include "lib/core/try.h"
#include "lib/crypto/sha512.h"
#include "lib/net/local_call.h"
#include "lib/net/unix_socket.h"

namespace bmsg::cli {
namespace {

constexpr std::string_view kAskKeys = "bmsg-agent 1 keys";
constexpr std::string_view kAskEnd = "bmsg-agent 1 end";
constexpr std::chrono::seconds kPatience{
    30};  // The agent may have to open a changed keyring first.
constexpr std::size_t kLengthBytes = 4;

std::filesystem::path socket_of(const StoreDir& store) { return store.run() / "agent.sock"; }

/// The keyring as the agent holds it. Shape: passphrase length 4, passphrase, JSON text.
class Keeper {
 public:
  Keeper(const Disk& disk, StoreDir store, crypto::SecretBytes passphrase)
      : disk_(disk), store_(std::move(store)), passphrase_(std::move(passphrase)) {}

  /// False if the passphrase does not open the keyring any more: then there is nothing to keep.
  bool refresh() {
    const auto file = disk_.read(store_.keyring(), mail::kKeyringBytesMax);
    if (!file || !file.value()) return false;
    const Digest digest = crypto::sha512(*file.value());
    if (json_.size() > 0 && digest == digest_) return true;
    auto json = mail::open_keyring(*file.value(), passphrase_.view());
    if (!json) return false;
    json_ = std::move(json).value();
    digest_ = digest;
    return true;
  }
  void print(Bytes& answer) const {
    answer.reserve(kLengthBytes + passphrase_.size() + json_.size());  // No copy is left behind.
    append_be(answer, static_cast<std::uint32_t>(passphrase_.size()));
    append(answer, passphrase_.view());
    append(answer, json_.view());
  }
  void wipe() {
    passphrase_ = crypto::SecretBytes();
    json_ = crypto::SecretBytes();
  }

 private:
  const Disk& disk_;
  StoreDir store_;
  crypto::SecretBytes passphrase_;
  crypto::SecretBytes json_;
  Digest digest_;
};

/// Away from terminal, directory and files of whoever started it, but for the socket.
void leave(int listening) {
  ::setsid();
  (void)!::chdir("/");  // Only so that no file system is kept busy.
  const int nowhere = ::open("/dev/null", O_RDWR);
  for (int descriptor = 0; descriptor <= 2; ++descriptor) ::dup2(nowhere, descriptor);
  // What the caller had open would stay so: a lock of its script, the end of a pipe.
  const auto kept = static_cast<unsigned>(listening);
  if (kept > 3) ::close_range(3, kept - 1, 0);
  ::close_range(std::max(kept + 1, 3u), ~0u, 0);
  ::mlockall(MCL_CURRENT | MCL_FUTURE);  // Where the limits allow it.
  ::signal(SIGPIPE, SIG_IGN);
}

void keep(const Context& context, const Descriptor& listening, Keeper& keeper,
          std::chrono::seconds time, const std::filesystem::path& socket) {
  const auto answer = [&](ByteView question, Bytes& words) {
    if (as_text(question) == kAskEnd) return false;
    if (as_text(question) != kAskKeys) return true;
    const bool opens = keeper.refresh();
    if (opens) keeper.print(words);
    return opens;
  };
  // Whatever the end: the socket goes first, so that nobody waits for an answer.
  (void)net::answer_local(listening, time, context.clock, answer);
  ::unlink(socket.c_str());
}

}  // namespace

std::optional<OpenKeyring> ask_agent(const StoreDir& store) {
  Bytes answer;
  const auto asked = net::local_call(socket_of(store), as_bytes(kAskKeys), answer, kPatience);
  if (!asked || answer.size() < kLengthBytes) return std::nullopt;
  const auto size = load_be<std::uint32_t>(answer.data());
  std::optional<OpenKeyring> open;
  if (size <= answer.size() - kLengthBytes) {
    const ByteView rest = ByteView(answer).subspan(kLengthBytes);
    auto keyring = api::parse_keyring(crypto::SecretBytes::from(rest.subspan(size)));
    if (keyring) {
      open =
          OpenKeyring{std::move(keyring).value(), crypto::SecretBytes::from(rest.first(size)), {}};
    }
  }
  crypto::wipe(answer);
  return open;
}

Result<Done> start_agent(Context& context, const StoreDir& store, crypto::SecretBytes passphrase,
                         std::chrono::seconds time) {
  stop_agent(store);
  const auto socket = whole_path(socket_of(store));
  BMSG_TRY(context.disk.make_directory(store.run()));
  BMSG_TRY_ASSIGN(const auto listening, net::listen_unix(socket, net::Stale::replace));
  // Opened before anybody can ask: the first caller waits for no scrypt.
  Keeper keeper(context.disk, StoreDir(whole_path(store.root())), std::move(passphrase));
  if (!keeper.refresh()) return Error{Errc::denied, "the keyring has just been changed"};
  const pid_t child = ::fork();
  if (child < 0)
    return Error{Errc::no_resource, fmt::format("cannot start: {}", std::strerror(errno))};
  if (child > 0) return done;
  leave(listening.number());
  keep(context, listening, keeper, time, socket);
  keeper.wipe();
  ::_exit(0);
}

bool stop_agent(const StoreDir& store) {
  Bytes answer;
  return bool(net::local_call(socket_of(store), as_bytes(kAskEnd), answer, kPatience));
}

}  // namespace bmsg::cli
