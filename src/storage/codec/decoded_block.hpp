// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "storage/segment.hpp"
#include "types/column.hpp"

namespace tickstone::storage {

/// Values that are written before they are read: not cleared first.
template <typename T>
class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(std::size_t size) : values_(std::make_unique_for_overwrite<T[]>(size)), size_(size) {}
  T* data() { return values_.get(); }
  const T* data() const { return values_.get(); }
  std::size_t size() const { return size_; }
  std::size_t memory_bytes() const { return size_ * sizeof(T); }
  T& operator[](std::size_t i) { return values_[i]; }
  const T& operator[](std::size_t i) const { return values_[i]; }

 private:
  std::unique_ptr<T[]> values_;
  std::size_t size_ = 0;
};

/// What a block decodes to. Shape: Constant has one value (or one null); Dictionary has codes, and its values
/// in `offsets` and `heap`; Flat fixed-width values stand in `data`.
struct DecodedBlock final : Segment::Block {
  SqlType type;
  ColumnLayout layout;
  ColumnView::Form form = ColumnView::Form::Flat;
  std::size_t row_count = 0;
  std::vector<std::uint64_t> validity;  // empty: no nulls
  Buffer<std::byte> data;
  Buffer<std::uint32_t> offsets;
  Buffer<char> heap;
  Buffer<std::uint32_t> codes;
  std::uint64_t dictionary_id = 0;
  ColumnView dictionary;

  ColumnView view() const override;
  std::size_t memory_bytes() const;
};

}  // namespace tickstone::storage
