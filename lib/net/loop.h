// Beginning to wait: what Asio needs of the system before it can do anything.

#pragma once

#include <boost/system/system_error.hpp>
#include <memory>
#include <utility>

#include "lib/core/result.h"

namespace bmsg::net {

/// Makes an object that has a loop of its own. Only there Asio has no other way than to throw.
/// Errors: Errc::no_resource: the system gives no descriptor or memory for the loop.
template <typename Made, typename... Given>
Result<std::unique_ptr<Made>> make_with_loop(Given&&... given) {
  try {
    return std::make_unique<Made>(std::forward<Given>(given)...);
  } catch (const boost::system::system_error& error) {
    return Error{Errc::no_resource, "cannot wait for any connection: " + error.code().message()};
  }
}

}  // namespace bmsg::net
