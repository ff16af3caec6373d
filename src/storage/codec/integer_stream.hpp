// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "base/bytes.hpp"
#include "storage/codec/bit_packing.hpp"

namespace tickstone::storage {

/// What is packed: the values, the differences of neighbours, or the differences of those.
enum class Transform : std::uint8_t { None = 0, Delta = 1, DeltaOfDelta = 2 };

/// How a sequence of integers is packed: each is `base + divisor * u`, u in `width` bits; the few that need
/// more have their higher bits in a list of exceptions. All arithmetic is modulo 2^64.
struct IntegerPlan {
  Transform transform = Transform::None;
  unsigned width = 0;
  std::uint64_t base = 0;
  std::uint64_t divisor = 1;
  std::size_t size_bytes = 0;
};

/// The smallest plan for `values` (1 to 65536 of them).
IntegerPlan plan_integers(std::span<const std::int64_t> values);
/// Gives the values from number `first` on.
using ReadStretch = std::function<void(std::size_t first, std::span<std::int64_t> into)>;
/// About what `count` values take, judged by a few stretches of them.
std::size_t estimate_integers(std::size_t count, const ReadStretch& read_stretch);
void write_integers(const IntegerPlan& plan, std::span<const std::int64_t> values, ByteWriter& out);
/// Plans and writes.
void write_integers(std::span<const std::int64_t> values, ByteWriter& out);

/// Reads what `write_integers` wrote, a group at a time. Errors: DataCorrupted. Lifetime: of the bytes behind
/// `in`.
class IntegerDecoder {
 public:
  /// Takes the whole sequence of `count` values from `in`.
  IntegerDecoder(ByteReader& in, std::size_t count);

  std::size_t remaining() const { return count_ - at_; }
  /// Decodes the next group, or what is left when that is less. `into` has room for kGroupValues. Returns how
  /// many.
  std::size_t next(std::int64_t* into);
  /// Decodes all values.
  void read_all(std::int64_t* into);

 private:
  void patch(std::uint64_t* group, std::size_t size);

  std::size_t count_;
  std::size_t at_ = 0;
  Transform transform_ = Transform::None;
  unsigned width_ = 0;
  std::uint64_t base_ = 0;
  std::uint64_t divisor_ = 1;
  std::uint64_t first_ = 0;
  std::uint64_t first_delta_ = 0;
  std::uint64_t last_ = 0;
  std::uint64_t last_delta_ = 0;
  std::span<const std::byte> packed_;
  std::vector<std::uint64_t> exception_positions_;
  std::vector<std::uint64_t> exception_high_bits_;
  std::size_t next_exception_ = 0;
};

}  // namespace tickstone::storage
