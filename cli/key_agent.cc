#include "cli/key_agent.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <ctime>
#include <utility>

#include "lib/api/keyring_json.h"
#include "lib/core/big_endian.h"
#include "lib/core/byte_reader.h"
#include "lib/core/file_lock.h"
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

/// Held by whoever starts or ends an agent: two of them would leave one that nobody finds.
std::filesystem::path lock_of(const StoreDir& store) { return store.run() / "agent.lock"; }

/// Time that goes on while the machine sleeps: keys are not kept longer for it.
class SleeplessClock final : public Clock {
 public:
  explicit SleeplessClock(const Clock& clock) : clock_(clock) {}
  UnixSeconds now() const override { return clock_.now(); }
  std::chrono::steady_clock::time_point steady() const override {
    timespec since{};
    ::clock_gettime(CLOCK_BOOTTIME, &since);
    return std::chrono::steady_clock::time_point(std::chrono::seconds(since.tv_sec) +
                                                 std::chrono::nanoseconds(since.tv_nsec));
  }

 private:
  const Clock& clock_;
};

/// The name of a socket, as long as it is the one that was made.
class SocketName {
 public:
  explicit SocketName(std::filesystem::path path) : path_(std::move(path)), made_(here()) {}

  /// Takes it away, unless somebody else has it by now.
  void remove() const {
    const auto found = here();
    if (made_ && found == made_) ::unlink(path_.c_str());
  }

 private:
  using Made = std::pair<dev_t, ino_t>;
  std::optional<Made> here() const {
    struct stat found {};
    if (::lstat(path_.c_str(), &found) != 0) return std::nullopt;
    return Made(found.st_dev, found.st_ino);
  }

  std::filesystem::path path_;
  std::optional<Made> made_;
};

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
          std::chrono::seconds time, const StoreDir& store) {
  const SocketName name(socket_of(store));
  bool is_told = false;
  const auto answer = [&](ByteView question, Bytes& words) {
    is_told = as_text(question) == kAskEnd;
    // Before it is answered: whoever asks may put another in its place at once.
    if (is_told) name.remove();
    if (is_told) return false;
    if (as_text(question) != kAskKeys) return true;
    const bool opens = keeper.refresh();
    if (opens) keeper.print(words);
    return opens;
  };
  (void)net::answer_local(listening, time, SleeplessClock(context.clock), answer);
  if (is_told) return;
  // Whoever holds the lock takes the name away.
  const auto lock = FileLock::try_take(lock_of(store), "agent");
  if (lock && lock.value()) name.remove();
}

/// Under the lock.
bool end_agent(const StoreDir& store) {
  Bytes answer;
  return bool(net::local_call(socket_of(store), as_bytes(kAskEnd), answer, kPatience));
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
  BMSG_TRY(context.disk.make_directory(store.run()));
  BMSG_TRY_ASSIGN(const auto lock,
                  FileLock::take(lock_of(store), context.command, kPatience, context.clock));
  end_agent(store);
  const StoreDir whole(whole_path(store.root()));
  BMSG_TRY_ASSIGN(const auto listening, net::listen_unix(socket_of(whole), net::Stale::replace));
  // Opened before anybody can ask: the first caller waits for no scrypt.
  Keeper keeper(context.disk, whole, std::move(passphrase));
  if (!keeper.refresh()) return Error{Errc::denied, "the keyring has just been changed"};
  const pid_t child = ::fork();
  if (child < 0)
    return Error{Errc::no_resource, fmt::format("cannot start: {}", std::strerror(errno))};
  if (child > 0) return done;
  leave(listening.number());
  keep(context, listening, keeper, time, whole);
  keeper.wipe();
  ::_exit(0);
}

Result<bool> stop_agent(const Context& context, const StoreDir& store) {
  auto lock = FileLock::take(lock_of(store), context.command, kPatience, context.clock);
  if (!lock && lock.error().code == Errc::locked) return lock.error();
  return end_agent(store);  // Where no file can be made no agent can have been started.
}

}  // namespace bmsg::cli
