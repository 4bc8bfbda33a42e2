// What enters pool and chain, given to the gateway in order, whoever brought it.

#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "cli/command.h"
#include "cli/file_marks.h"
#include "cli/rpc_host.h"
#include "lib/api/whisper.h"
#include "lib/api/whisper_feed.h"

namespace bmsg::cli {

/// One thread that looks at the files of the store and reads what is new when they change. While
/// keys are locked it waits where it is, so that nothing is missed.
/// Threads: as said at each member.
class RpcPump {
 public:
  struct Parts {
    api::WhisperGateway& gateway;
    RpcHost& host;
    std::function<void()> offered;  // After each message.
    std::function<void()> locked;   // Now and then while keys are locked.
  };

  RpcPump(const Context& like, StoreDir store, Parts parts);
  ~RpcPump();

  /// Begins with what comes from now on.
  Result<Done> start();
  /// Looks at once. Threads: any.
  void hurry();
  /// Threads: any.
  void stop();

 private:
  void run();
  bool wait();
  FileMarks marks() const;
  Result<Done> look();

  std::unique_ptr<Context> context_;
  StoreDir store_;
  Parts parts_;
  std::optional<FileMarks> marks_;
  api::WhisperFeed feed_;

  std::mutex mutex_;
  std::condition_variable woken_;
  bool hurries_ = false;
  bool stopping_ = false;
  std::thread thread_;  // Last: it uses the others.
};

}  // namespace bmsg::cli
