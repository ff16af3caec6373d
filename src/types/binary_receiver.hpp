// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include <tickstone/error.hpp>

#include "base/big_endian.hpp"

namespace tickstone {

[[noreturn]] inline void fail_format(const char* message = "incorrect binary data format") {
  throw Error(ErrorCode::InvalidBinaryRepresentation, message);
}

template <typename T>
T receive_fixed(std::string_view bytes) {
  if (bytes.size() < sizeof(T))
    throw Error(ErrorCode::ProtocolViolation, "insufficient data left in message");
  if (bytes.size() > sizeof(T)) fail_format();
  return load_big_endian<T>(bytes.data());
}

/// Reads the fields of a composite binary value in order.
class Receiver {
 public:
  explicit Receiver(std::string_view bytes) : bytes_(bytes) {}
  template <typename T>
  T take() {
    return receive_fixed<T>(take_bytes(sizeof(T)));
  }
  std::string_view take_bytes(std::size_t size) {
    if (size > bytes_.size()) throw Error(ErrorCode::ProtocolViolation, "insufficient data left in message");
    const auto part = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
    return part;
  }
  std::size_t remaining() const { return bytes_.size(); }
  void expect_end() const {
    if (!bytes_.empty()) fail_format();
  }

 private:
  std::string_view bytes_;
};

}  // namespace tickstone
