// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace tickstone::pgwire {

/// One message of a client: its type and what follows the length.
struct Frame {
  char type;
  std::string_view body;
};

/// Cuts the bytes of a connection into messages. The owner reads into `room()` and says how much came.
///
/// Lifetime: a frame's body is valid until the next call of `room`.
/// Errors: ProtocolViolation, damaging the session: nothing after it can be understood.
class FrameReader {
 public:
  static constexpr std::size_t kMaxStartupBytes = 10'000;
  static constexpr std::size_t kMaxSmallBytes = 10'000;          // messages that carry names and numbers only
  static constexpr std::size_t kMaxLoginBytes = 65'535;          // any, before the client is known
  static constexpr std::size_t kMaxLargeBytes = (1U << 30) - 1;  // queries, parameters, COPY

  /// At least `size` bytes to read into. What a message claims to hold is not made room for before it comes.
  std::span<char> room(std::size_t size = 8192);
  void took(std::size_t size);

  /// The next startup packet's body, without its length; nothing while it is incomplete.
  std::optional<std::string_view> next_startup();
  /// The next typed message; nothing while it is incomplete.
  std::optional<Frame> next();

  /// Until a client has logged in its messages are held to a smaller limit.
  void set_logged_in() { is_logged_in_ = true; }
  /// Bytes that were read and belong to no message given out yet.
  std::size_t buffered_bytes() const { return end_ - start_; }
  /// The type of the whole message that waits, if one does.
  std::optional<char> waiting_type() const;

 private:
  std::size_t max_body_bytes(char type) const;

  std::vector<char> buffer_;
  std::size_t start_ = 0;
  std::size_t end_ = 0;
  bool is_logged_in_ = false;
};

}  // namespace tickstone::pgwire
