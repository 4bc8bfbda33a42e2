// BodyShare: one body's part of what all connections receive at this moment. Internal to lib/net.

#pragma once

#include <cstddef>

namespace bmsg::net {

class BodyShare {
 public:
  explicit BodyShare(std::size_t& in_all) : in_all_(in_all) {}
  BodyShare(const BodyShare&) = delete;
  BodyShare& operator=(const BodyShare&) = delete;
  ~BodyShare() { hold(0); }

  void hold(std::size_t bytes) {
    in_all_ = in_all_ - held_ + bytes;
    held_ = bytes;
  }

 private:
  std::size_t& in_all_;
  std::size_t held_ = 0;
};

}  // namespace bmsg::net
