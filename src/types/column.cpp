// SPDX-License-Identifier: Apache-2.0
#include "types/column.hpp"

#include <algorithm>
#include <limits>

#include <tickstone/error.hpp>

#include "base/short_text.hpp"

namespace tickstone {

namespace {

constexpr Int128 kInt64Limit = Int128{1'000'000'000'000'000'000};  // 10^18, see kMaxInt64Digits

[[noreturn]] void throw_heap_limit() {
  throw Error(ErrorCode::ProgramLimitExceeded, "column batch exceeds 4 GB of text");
}

[[noreturn]] void throw_numeric_limit() {
  throw Error(ErrorCode::NumericValueOutOfRange, "value overflows numeric format",
              "The column's values need more than 38 digits together.");
}

bool fits(Int128 unscaled, Physical physical) {
  const Int128 limit = physical == Physical::Int64 ? kInt64Limit : power_of_ten(kMaxNumericDigits);
  return unscaled < limit && unscaled > -limit;
}

std::size_t word_count(std::size_t rows) { return (rows + 63) / 64; }

/// Copies `count` rows of `width` bytes picked by `rows`.
template <typename T>
void gather(const void* source, const std::uint32_t* rows, std::size_t count, std::byte* target) {
  for (std::size_t i = 0; i < count; ++i) {
    __builtin_memcpy(target + i * sizeof(T), static_cast<const char*>(source) + rows[i] * sizeof(T),
                     sizeof(T));
  }
}

/// Which of a column's rows are null, behind the `size` bits that are there.
void append_validity(std::vector<std::uint64_t>& words, std::size_t size, const ColumnView& source) {
  words.resize(word_count(size + source.size));
  for (std::size_t row = 0; row < source.size;) {
    const std::size_t at = size + row;
    const std::size_t count = std::min(64 - at % 64, source.size - row);
    std::uint64_t bits = ~std::uint64_t{0};
    if (source.validity != nullptr) {
      const std::size_t from = source.physical_row(row) + source.bit_offset;
      if (source.form == ColumnView::Form::Constant) {
        bits = ((source.validity[from / 64] >> (from % 64)) & 1U) != 0 ? bits : 0;
      } else {
        bits = source.validity[from / 64] >> (from % 64);
        if (from % 64 + count > 64) bits |= source.validity[from / 64 + 1] << (64 - from % 64);
      }
    }
    const std::uint64_t mask = (~std::uint64_t{0} >> (64 - count)) << (at % 64);
    words[at / 64] = (words[at / 64] & ~mask) | (bits << (at % 64) & mask);
    row += count;
  }
}

}  // namespace

Int128 ColumnView::integer(std::size_t row) const {
  switch (layout.physical) {
    case Physical::Bool:
      return fixed<std::uint8_t>(row) != 0 ? 1 : 0;
    case Physical::Int16:
      return fixed<std::int16_t>(row);
    case Physical::Int32:
      if (type.id == TypeId::Oid) return fixed<std::uint32_t>(row);
      return fixed<std::int32_t>(row);
    case Physical::Int64:
      return fixed<std::int64_t>(row);
    case Physical::Int128:
      return fixed<Int128>(row);
    case Physical::Float32:
    case Physical::Float64:
    case Physical::Bytes:
      break;
  }
  TICKSTONE_CHECK(!"an integer layout");
  return 0;
}

double ColumnView::number(std::size_t row) const {
  switch (layout.physical) {
    case Physical::Float32:
      return fixed<float>(row);
    case Physical::Float64:
      return fixed<double>(row);
    default:
      return to_double(Decimal{integer(row), layout.scale});
  }
}

void Column::reset_offsets() {
  constexpr std::size_t kFirstOffsets = 16;  // so that a few rows need no more
  offsets_.clear();
  if (layout_.physical != Physical::Bytes) return;
  if (offsets_.capacity() == 0) offsets_.reserve(kFirstOffsets);
  offsets_.push_back(0);
}

void Column::set_validity_bit(bool is_valid) {
  if (word_count(size_ + 1) > validity_.size()) validity_.push_back(0);
  const std::uint64_t bit = std::uint64_t{1} << (size_ % 64);
  if (is_valid) {
    validity_[size_ / 64] |= bit;
  } else {
    validity_[size_ / 64] &= ~bit;
  }
}

void Column::materialize_validity() {
  if (!validity_.empty()) return;
  validity_.reserve(word_count(std::max<std::size_t>(size_ + 1, 64)));
  validity_.assign(word_count(size_ + 1), ~std::uint64_t{0});
}

void Column::append_null() {
  materialize_validity();
  if (layout_.physical == Physical::Bytes) {
    offsets_.push_back(offsets_.back());
  } else {
    const std::size_t width = width_bytes(layout_.physical);
    const std::size_t at = size_ * width;
    if (data_.size() < at + width) grow_data(at + width);
    std::fill_n(data_.begin() + static_cast<std::ptrdiff_t>(at), width, std::byte{0});
  }
  set_validity_bit(false);
  ++size_;
}

void Column::grow_data(std::size_t bytes) {
  data_.resize(std::max<std::size_t>({bytes, data_.size() * 2, 256}));
}

void Column::grow_heap(std::size_t bytes) {
  if (bytes > std::numeric_limits<std::uint32_t>::max()) throw_heap_limit();
  heap_.resize(std::max<std::size_t>({bytes, heap_.size() * 2, 256}));
}

void Column::append_decimal(Decimal value) {
  TICKSTONE_DCHECK(type_.id == TypeId::Numeric && !type_.is_array);
  if (type_.precision >= 0) {
    auto rounded = rescale(value.unscaled, value.scale, type_.scale);
    if (!rounded || digit_count(*rounded) > type_.precision) {
      const int whole = type_.precision - type_.scale;
      std::string detail = "A field with precision " + std::to_string(type_.precision) + ", scale " +
                           std::to_string(type_.scale) + " must round to an absolute value less than ";
      detail += whole == 0 ? "1" : "10^" + std::to_string(whole);
      detail += ".";
      throw Error(ErrorCode::NumericValueOutOfRange, "numeric field overflow", detail);
    }
    // A negative scale has rounded to tens or more; the column itself holds units.
    rounded = rescale(*rounded, type_.scale, layout_.scale);
    if (!rounded || !fits(*rounded, layout_.physical)) throw_numeric_limit();
    value = Decimal{*rounded, layout_.scale};
  } else {
    if (value.scale > layout_.scale) value = trimmed(value);
    auto scaled =
        value.scale > layout_.scale ? std::nullopt : rescale(value.unscaled, value.scale, layout_.scale);
    if (!scaled || !fits(*scaled, layout_.physical)) {
      value = trimmed(value);
      const std::uint8_t scale = std::max(value.scale, layout_.scale);
      scaled = rescale(value.unscaled, value.scale, scale);
      bool is_done = false;
      if (scaled && fits(*scaled, Physical::Int128)) {
        // The narrow form is kept where it still holds every row: nothing is known of them but the rows
        // themselves.
        if (layout_.physical == Physical::Int64 && fits(*scaled, Physical::Int64)) {
          const Int128 limit = kInt64Limit / power_of_ten(scale - layout_.scale);
          bool all_fit = true;
          for (std::size_t row = 0; all_fit && row < size_; ++row) {
            const auto held = mutable_data<std::int64_t>()[row];
            all_fit = held < limit && held > -limit;
          }
          if (all_fit) {
            widen_to({Physical::Int64, scale});
            is_done = true;
          }
        }
        if (!is_done) {
          try {
            widen_to({Physical::Int128, scale});
            is_done = true;
          } catch (const Error&) {
            // The rows' own trailing zeros are the last reserve, below.
          }
        }
      }
      if (!is_done) {
        narrow_scale();
        const std::uint8_t least = std::max(value.scale, layout_.scale);
        widen_to({Physical::Int128, least});
      }
      scaled = rescale(value.unscaled, value.scale, layout_.scale);
      if (!scaled || !fits(*scaled, layout_.physical)) throw_numeric_limit();
    }
    value = Decimal{*scaled, layout_.scale};
  }
  if (layout_.physical == Physical::Int64) {
    append_fixed(static_cast<std::int64_t>(value.unscaled));
  } else {
    append_fixed(value.unscaled);
  }
}

void Column::narrow_scale() {
  std::uint8_t needed = 0;
  const auto rows = view();
  for (std::size_t row = 0; row < size_ && needed < layout_.scale; ++row) {
    if (!rows.is_null(row)) needed = std::max(needed, trimmed({rows.integer(row), layout_.scale}).scale);
  }
  if (needed == layout_.scale) return;
  const Int128 power = power_of_ten(layout_.scale - needed);
  for (std::size_t row = 0; row < size_; ++row) {
    if (layout_.physical == Physical::Int64) {
      mutable_data<std::int64_t>()[row] /= static_cast<std::int64_t>(power);
    } else {
      const Int128 value = rows.fixed<Int128>(row) / power;
      __builtin_memcpy(data_.data() + row * sizeof(value), &value, sizeof(value));
    }
  }
  layout_.scale = needed;
}

void Column::widen_to(ColumnLayout layout) {
  if (layout == layout_) return;
  TICKSTONE_CHECK(type_.id == TypeId::Numeric && !type_.is_array);
  TICKSTONE_CHECK(layout.physical == Physical::Int64 || layout.physical == Physical::Int128);
  TICKSTONE_CHECK(layout.scale <= kMaxNumericDigits);
  const std::size_t width = width_bytes(layout.physical);
  std::vector<std::byte> data(size_ * width);
  const auto rows = view();
  for (std::size_t row = 0; row < size_; ++row) {
    if (rows.is_null(row)) continue;
    const Decimal held{rows.integer(row), layout_.scale};
    // Narrowing the scale is allowed while nothing is rounded away.
    const Decimal value = layout.scale < held.scale ? trimmed(held) : held;
    if (value.scale > layout.scale) throw_numeric_limit();
    const auto scaled = rescale(value.unscaled, value.scale, layout.scale);
    if (!scaled || !fits(*scaled, layout.physical)) throw_numeric_limit();
    __builtin_memcpy(data.data() + row * width, &*scaled, width);  // little-endian: the low bytes come first
  }
  data_ = std::move(data);
  layout_ = layout;
}

void Column::append_from(const ColumnView& source, std::size_t row) {
  if (source.is_null(row)) {
    append_null();
    return;
  }
  if (source.layout != layout_) {
    TICKSTONE_CHECK(type_.id == TypeId::Numeric && source.type.id == TypeId::Numeric);
    append_decimal({source.integer(row), source.layout.scale});
    return;
  }
  switch (layout_.physical) {
    case Physical::Bool:
      append_fixed(source.fixed<std::uint8_t>(row));
      return;
    case Physical::Int16:
      append_fixed(source.fixed<std::int16_t>(row));
      return;
    case Physical::Int32:
    case Physical::Float32:
      append_fixed(source.fixed<std::int32_t>(row));
      return;
    case Physical::Int64:
    case Physical::Float64:
      append_fixed(source.fixed<std::int64_t>(row));
      return;
    case Physical::Int128:
      append_fixed(source.fixed<Int128>(row));
      return;
    case Physical::Bytes:
      append_bytes(source.bytes(row));
      return;
  }
}

void Column::append_all(const ColumnView& source) {
  if (source.size == 0) return;
  if (source.form == ColumnView::Form::Constant && source.is_null(0)) {
    if (layout_.physical == Physical::Bytes) {
      offsets_.resize(offsets_.size() + source.size, offsets_.back());
    } else {
      const std::size_t width = width_bytes(layout_.physical);
      if (data_.size() < (size_ + source.size) * width) grow_data((size_ + source.size) * width);
      std::fill_n(data_.begin() + static_cast<std::ptrdiff_t>(size_ * width), source.size * width,
                  std::byte{0});
    }
    materialize_validity();
    append_validity(validity_, size_, source);
    size_ += source.size;
    return;
  }
  if (source.form == ColumnView::Form::Dictionary && layout_.physical == Physical::Bytes) {
    const std::uint32_t* starts = source.dictionary->offsets;
    const auto size_of = [&](std::size_t row) -> std::uint32_t {
      if (source.is_null(row)) return 0;
      return starts[source.codes[row] + 1] - starts[source.codes[row]];
    };
    const std::size_t used = heap_bytes();
    std::size_t end = used;
    for (std::size_t row = 0; row < source.size; ++row) end += size_of(row);
    if (heap_.size() < end) grow_heap(end);
    const std::size_t at = offsets_.size();
    offsets_.resize(at + source.size);
    std::size_t next = used;
    for (std::size_t row = 0; row < source.size; ++row) {
      const std::uint32_t size = size_of(row);
      if (size > 0)
        copy_text(heap_.data() + next, {source.dictionary->heap + starts[source.codes[row]], size});
      next += size;
      offsets_[at + row] = static_cast<std::uint32_t>(next);
    }
    if (source.validity != nullptr) materialize_validity();
    if (!validity_.empty()) append_validity(validity_, size_, source);
    size_ += source.size;
    return;
  }
  if (source.form != ColumnView::Form::Flat || source.layout != layout_) {
    reserve(size_ + source.size);
    for (std::size_t row = 0; row < source.size; ++row) append_from(source, row);
    return;
  }
  if (layout_.physical == Physical::Bytes) {
    const std::uint32_t first = source.offsets[0];
    const std::size_t added = source.offsets[source.size] - first;
    const std::size_t used = heap_bytes();
    if (heap_.size() < used + added) grow_heap(used + added);
    if (added > 0) std::copy_n(source.heap + first, added, heap_.begin() + static_cast<std::ptrdiff_t>(used));
    const auto shift = static_cast<std::uint32_t>(used) - first;  // modulo 2^32, as the sum below
    const std::size_t at = offsets_.size();
    offsets_.resize(at + source.size);
    for (std::size_t row = 0; row < source.size; ++row) offsets_[at + row] = source.offsets[row + 1] + shift;
  } else {
    const std::size_t width = width_bytes(layout_.physical);
    const std::size_t at = size_ * width;
    const std::size_t added = source.size * width;
    if (data_.size() < at + added) grow_data(at + added);
    std::copy_n(static_cast<const std::byte*>(source.data), added,
                data_.begin() + static_cast<std::ptrdiff_t>(at));
  }
  if (source.validity == nullptr && validity_.empty()) {
    size_ += source.size;
    return;
  }
  materialize_validity();
  append_validity(validity_, size_, source);
  size_ += source.size;
}

void Column::append_rows(const ColumnView& source, const std::uint32_t* rows, std::size_t count) {
  const bool is_gather = source.form == ColumnView::Form::Flat && source.layout == layout_ &&
                         layout_.physical != Physical::Bytes && source.validity == nullptr &&
                         validity_.empty();
  if (!is_gather) {
    reserve(size_ + count);
    for (std::size_t i = 0; i < count; ++i) append_from(source, rows[i]);
    return;
  }
  const std::size_t width = width_bytes(layout_.physical);
  const std::size_t at = size_ * width;
  if (data_.size() < at + count * width) grow_data(at + count * width);
  std::byte* target = data_.data() + at;
  switch (width) {
    case 1:
      gather<std::uint8_t>(source.data, rows, count, target);
      break;
    case 2:
      gather<std::uint16_t>(source.data, rows, count, target);
      break;
    case 4:
      gather<std::uint32_t>(source.data, rows, count, target);
      break;
    case 8:
      gather<std::uint64_t>(source.data, rows, count, target);
      break;
    default:
      gather<UInt128>(source.data, rows, count, target);
      break;
  }
  size_ += count;
}

void Column::reserve(std::size_t rows) {
  if (layout_.physical == Physical::Bytes) {
    // Never below the doubling that keeps repeated appends linear.
    if (rows + 1 > offsets_.capacity()) offsets_.reserve(std::max(rows + 1, offsets_.capacity() * 2));
  } else {
    const std::size_t bytes = rows * width_bytes(layout_.physical);
    if (bytes > data_.size()) grow_data(bytes);
  }
}

void Column::clear() {
  size_ = 0;
  validity_.clear();
  reset_offsets();
}

void Column::truncate(std::size_t rows) {
  if (rows >= size_) return;
  if (layout_.physical == Physical::Bytes) offsets_.resize(rows + 1);
  if (!validity_.empty()) validity_.resize(word_count(rows));
  size_ = rows;
}

ColumnView Column::view() const {
  ColumnView view;
  view.type = type_;
  view.layout = layout_;
  view.size = size_;
  view.validity = validity_.empty() ? nullptr : validity_.data();
  view.data = data_.data();
  view.offsets = offsets_.data();
  view.heap = heap_.data();
  return view;
}

Column Column::from_parts(const SqlType& type, ColumnLayout layout, std::size_t size,
                          std::vector<std::byte> data, std::vector<std::uint32_t> offsets,
                          std::vector<char> heap, std::vector<std::uint64_t> validity) {
  const std::size_t width = width_bytes(layout.physical);
  TICKSTONE_CHECK(data.size() == size * width);
  TICKSTONE_CHECK(validity.empty() || validity.size() >= word_count(size));
  Column column(type, layout);
  column.size_ = size;
  column.data_ = std::move(data);
  if (layout.physical == Physical::Bytes) {
    TICKSTONE_CHECK(offsets.size() == size + 1 && offsets.front() == 0 && offsets.back() == heap.size());
    column.offsets_ = std::move(offsets);
    column.heap_ = std::move(heap);
  }
  column.validity_ = std::move(validity);
  // Appending puts a word down when it reaches it, so that none may stand beyond.
  if (!column.validity_.empty()) column.validity_.resize(word_count(size));
  return column;
}

}  // namespace tickstone
