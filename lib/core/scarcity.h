// Which failures are for want of descriptors or memory. Internal to lib/net.

#pragma once

#include <cerrno>

namespace bmsg::net {

/// Whether a system call failed because the system has none left: no fault of what was called.
inline bool is_scarcity(int cause) {
  return cause == EMFILE || cause == ENFILE || cause == ENOMEM || cause == ENOBUFS;
}

}  // namespace bmsg::net
