// Which failures are for want of descriptors or memory.

#pragma once

#include <cerrno>

#include "lib/core/error.h"

namespace bmsg {

/// Whether a system call failed because the system has none left: no fault of what was called.
inline bool is_scarcity(int cause) {
  return cause == EMFILE || cause == ENFILE || cause == ENOMEM || cause == ENOBUFS;
}

/// Errc::no_resource for those; else `other`.
inline Errc code_of(int cause, Errc other) {
  return is_scarcity(cause) ? Errc::no_resource : other;
}

}  // namespace bmsg
