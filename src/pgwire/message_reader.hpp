// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include <tickstone/error.hpp>

#include "base/big_endian.hpp"

namespace tickstone::pgwire {

/// Reads the fields of one message body in order. Errors: ProtocolViolation.
class MessageReader {
 public:
  explicit MessageReader(std::string_view body) : rest_(body) {}

  template <typename T>
  T take() {
    return load_big_endian<T>(take_bytes(sizeof(T)).data());
  }
  std::string_view take_bytes(std::size_t size) {
    if (size > rest_.size()) throw Error(ErrorCode::ProtocolViolation, "insufficient data left in message");
    const auto part = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return part;
  }
  /// Up to a zero byte, which is read past.
  std::string_view take_string() {
    const auto end = rest_.find('\0');
    if (end == std::string_view::npos) throw Error(ErrorCode::ProtocolViolation, "invalid string in message");
    const auto text = rest_.substr(0, end);
    rest_.remove_prefix(end + 1);
    return text;
  }
  bool at_end() const { return rest_.empty(); }
  std::size_t remaining() const { return rest_.size(); }
  void expect_end() const {
    if (!rest_.empty()) throw Error(ErrorCode::ProtocolViolation, "invalid message format");
  }

 private:
  std::string_view rest_;
};

}  // namespace tickstone::pgwire
