// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include <tickstone/error.hpp>

namespace tickstone {

__extension__ typedef __int128 Int128;
__extension__ typedef unsigned __int128 UInt128;

/// Appends little-endian values to a growing buffer.
class ByteWriter {
 public:
  template <typename T>
    requires std::is_trivially_copyable_v<T>
  void put(T value) {
    const auto at = bytes_.size();
    bytes_.resize(at + sizeof(T));
    std::memcpy(bytes_.data() + at, &value, sizeof(T));
  }
  void put_bytes(std::span<const std::byte> bytes) {
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
  }
  void put_raw(const void* data, std::size_t size) { put_bytes({static_cast<const std::byte*>(data), size}); }
  /// A 32-bit length and the bytes.
  void put_string(std::string_view text) {
    put(static_cast<std::uint32_t>(text.size()));
    put_raw(text.data(), text.size());
  }
  template <typename T>
  void overwrite(std::size_t at, T value) {
    std::memcpy(bytes_.data() + at, &value, sizeof(T));
  }
  std::size_t size() const { return bytes_.size(); }
  std::span<const std::byte> bytes() const { return bytes_; }
  std::vector<std::byte> take() { return std::move(bytes_); }
  void clear() { bytes_.clear(); }
  void reserve(std::size_t size) { bytes_.reserve(size); }

 private:
  std::vector<std::byte> bytes_;
};

/// Reads what `ByteWriter` wrote; reading past the end throws DataCorrupted with `what`.
class ByteReader {
 public:
  explicit ByteReader(std::span<const std::byte> bytes, std::string_view what = "record")
      : bytes_(bytes), what_(what) {}

  template <typename T>
    requires std::is_trivially_copyable_v<T>
  T get() {
    need(sizeof(T));
    T value;
    std::memcpy(&value, bytes_.data() + at_, sizeof(T));
    at_ += sizeof(T);
    return value;
  }
  std::span<const std::byte> get_bytes(std::size_t size) {
    need(size);
    auto part = bytes_.subspan(at_, size);
    at_ += size;
    return part;
  }
  std::string_view get_string() {
    const auto size = get<std::uint32_t>();
    auto part = get_bytes(size);
    return {reinterpret_cast<const char*>(part.data()), part.size()};
  }
  std::size_t remaining() const { return bytes_.size() - at_; }
  bool at_end() const { return at_ == bytes_.size(); }

 private:
  void need(std::size_t size) const {
    if (size > bytes_.size() - at_) {
      throw Error(ErrorCode::DataCorrupted, std::string(what_) + " ends too early");
    }
  }
  std::span<const std::byte> bytes_;
  std::string_view what_;
  std::size_t at_ = 0;
};

}  // namespace tickstone
