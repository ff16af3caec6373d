// SPDX-License-Identifier: Apache-2.0
#include "pgwire/frame_reader.hpp"

#include <algorithm>
#include <cstring>
#include <string>

#include <tickstone/error.hpp>

#include "base/big_endian.hpp"
#include "base/check.hpp"

namespace tickstone::pgwire {
namespace {

constexpr std::size_t kShrinkBytes = std::size_t{1} << 20;

[[noreturn]] void fail(const std::string& message) {
  throw Error(ErrorCode::ProtocolViolation, message).damaging(Damage::Session);
}

}  // namespace

std::span<char> FrameReader::room(std::size_t size) {
  if (start_ == end_) {
    start_ = end_ = 0;
    if (buffer_.size() > kShrinkBytes && size < kShrinkBytes) {
      buffer_.clear();
      buffer_.shrink_to_fit();
    }
  }
  if (buffer_.size() - end_ < size && start_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + start_, end_ - start_);
    end_ -= start_;
    start_ = 0;
  }
  if (buffer_.size() - end_ < size) buffer_.resize(std::max(end_ + size, buffer_.size() * 2));
  return {buffer_.data() + end_, buffer_.size() - end_};
}

void FrameReader::took(std::size_t size) {
  TICKSTONE_CHECK(size <= buffer_.size() - end_);
  end_ += size;
}

std::optional<std::string_view> FrameReader::next_startup() {
  if (end_ - start_ < 4) return std::nullopt;
  const auto size = load_big_endian<std::uint32_t>(buffer_.data() + start_);
  // At least the length and a code; anything else is some other protocol.
  if (size < 8 || size > kMaxStartupBytes) fail("invalid length of startup packet");
  if (end_ - start_ < size) return std::nullopt;
  const std::string_view body(buffer_.data() + start_ + 4, size - 4);
  start_ += size;
  return body;
}

std::size_t FrameReader::max_body_bytes(char type) const {
  switch (type) {
    case 'Q':
    case 'P':
    case 'B':
    case 'd':
    case 'F':
      return is_logged_in_ ? kMaxLargeBytes : kMaxLoginBytes;
    case 'p':
      return kMaxLoginBytes;
    case 'E':
    case 'D':
    case 'C':
    case 'S':
    case 'H':
    case 'c':
    case 'f':
    case 'X':
      return kMaxSmallBytes;
    default:
      fail("invalid frontend message type " + std::to_string(static_cast<unsigned char>(type)));
  }
}

std::optional<char> FrameReader::waiting_type() const {
  if (end_ - start_ < 5) return std::nullopt;
  const auto size = load_big_endian<std::uint32_t>(buffer_.data() + start_ + 1);
  if (end_ - start_ < std::size_t{1} + size) return std::nullopt;
  return buffer_[start_];
}

std::optional<Frame> FrameReader::next() {
  if (end_ == start_) return std::nullopt;
  const char type = buffer_[start_];
  const auto max_bytes = max_body_bytes(type);
  if (end_ - start_ < 5) return std::nullopt;
  const auto size = load_big_endian<std::uint32_t>(buffer_.data() + start_ + 1);
  if (size < 4 || size - 4 > max_bytes) fail("invalid message length");
  if (end_ - start_ < std::size_t{1} + size) return std::nullopt;
  const Frame frame{type, {buffer_.data() + start_ + 5, size - 4}};
  start_ += std::size_t{1} + size;
  return frame;
}

}  // namespace tickstone::pgwire
