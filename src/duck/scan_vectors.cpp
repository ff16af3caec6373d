// SPDX-License-Identifier: Apache-2.0
#include "duck/scan_vectors.hpp"

#include "duck/error_translation.hpp"
#include "duck/logical_types.hpp"
#include "types/array_value.hpp"
#include "types/decimal.hpp"
#include "types/value.hpp"

namespace tickstone::duck {

namespace {

using duckdb::ConstantVector;
using duckdb::FlatVector;
using duckdb::idx_t;
using duckdb::LogicalTypeId;
using duckdb::string_t;
using duckdb::Vector;
using duckdb::VectorType;

/// DuckDB reads through the pointer only.
duckdb::data_ptr_t borrowed(const void* data) {
  return static_cast<duckdb::data_ptr_t>(const_cast<void*>(data));
}

string_t borrowed_string(std::string_view text) {
  return string_t(text.data(), static_cast<std::uint32_t>(text.size()));
}

template <typename T>
T* flat_data(Vector& vector) {
  return reinterpret_cast<T*>(FlatVector::GetData(vector));
}

void copy_validity(const ColumnView& view, Vector& out, idx_t rows) {
  auto& mask = FlatVector::Validity(out);
  mask.Reset();
  if (view.validity == nullptr || rows == 0) return;
  mask.Initialize(std::max<idx_t>(rows, STANDARD_VECTOR_SIZE));
  auto* words = mask.GetData();
  const std::uint64_t shift = view.bit_offset % 64;
  const std::uint64_t first = view.bit_offset / 64;
  const idx_t word_count = (rows + 63) / 64;
  // The last word of the source holds bit `bit_offset + rows - 1`; do not read past it.
  const std::uint64_t last = (view.bit_offset + rows - 1) / 64;
  for (idx_t i = 0; i < word_count; ++i) {
    std::uint64_t word = view.validity[first + i] >> shift;
    if (shift != 0 && first + i + 1 <= last) word |= view.validity[first + i + 1] << (64 - shift);
    words[i] = word;
  }
}

Int128 unscaled_at(const ColumnView& view, std::size_t row) {
  return view.layout.physical == Physical::Int64 ? Int128{view.fixed<std::int64_t>(row)}
                                                 : view.fixed<Int128>(row);
}

Int128 rescaled(const ColumnView& view, std::size_t row, ColumnLayout layout) {
  const auto value = rescale(unscaled_at(view, row), view.layout.scale, layout.scale);
  const bool fits = value && digit_count(*value) <= (layout.physical == Physical::Int64 ? 18 : 38);
  if (!fits) throw_through_duckdb(ErrorCode::NumericValueOutOfRange, "numeric field overflow");
  return *value;
}

/// One list element into row `at` of `child`.
void put_element(const SqlType& element, std::string_view bytes, Vector& child, idx_t at) {
  switch (element.id == TypeId::Numeric ? Physical::Int128 : physical_of(element)) {
    case Physical::Bytes:
      flat_data<string_t>(child)[at] = duckdb::StringVector::AddStringOrBlob(child, borrowed_string(bytes));
      return;
    case Physical::Int128: {
      if (element.id == TypeId::Numeric) {
        const auto decimal = parse_decimal(bytes).value_or(Decimal{});
        const auto scale = duckdb::DecimalType::GetScale(child.GetType());
        const auto value = rescale(decimal.unscaled, decimal.scale, scale);
        if (!value) throw_through_duckdb(ErrorCode::NumericValueOutOfRange, "numeric field overflow");
        flat_data<duckdb::hugeint_t>(child)[at] = to_hugeint(*value);
        return;
      }
      Int128 value;
      std::memcpy(&value, bytes.data(), sizeof value);
      if (element.id == TypeId::Interval) {
        flat_data<duckdb::interval_t>(child)[at] = to_duck_interval(value);
      } else {
        flat_data<duckdb::hugeint_t>(child)[at] = to_hugeint(flip_uuid(value));
      }
      return;
    }
    case Physical::Int32:
      if (child.GetType().id() == LogicalTypeId::BIGINT) {  // oid and the reg types
        std::uint32_t value;
        std::memcpy(&value, bytes.data(), sizeof value);
        flat_data<std::int64_t>(child)[at] = value;
        return;
      }
      [[fallthrough]];
    default:
      std::memcpy(FlatVector::GetData(child) + at * bytes.size(), bytes.data(), bytes.size());
  }
}

}  // namespace

ColumnView slice_of(const ColumnView& view, std::size_t start, std::size_t count) {
  ColumnView part = view;
  part.size = count;
  if (view.form == ColumnView::Form::Constant) return part;
  part.bit_offset += start;
  if (view.form == ColumnView::Form::Dictionary) {
    part.codes += start;
    return part;
  }
  if (view.layout.physical == Physical::Bytes) {
    part.offsets += start;
  } else {
    part.data = static_cast<const char*>(view.data) + start * width_bytes(view.layout.physical);
  }
  return part;
}

/// The code of a label is its place among all.
void VectorFiller::put_label(std::int32_t number, Vector& out, std::size_t row) const {
  const auto* label = labels_ == nullptr ? nullptr : labels_->find(number);
  if (label == nullptr)
    throw_through_duckdb(ErrorCode::DataCorrupted, "a value of an enum type is none of its labels");
  const auto code = static_cast<std::uint32_t>(label - labels_->labels.data());
  switch (out.GetType().InternalType()) {
    case duckdb::PhysicalType::UINT8:
      flat_data<std::uint8_t>(out)[row] = static_cast<std::uint8_t>(code);
      return;
    case duckdb::PhysicalType::UINT16:
      flat_data<std::uint16_t>(out)[row] = static_cast<std::uint16_t>(code);
      return;
    default:
      flat_data<std::uint32_t>(out)[row] = code;
      return;
  }
}

void VectorFiller::fill_list(const ColumnView& view, Vector& out) const {
  const SqlType element = view.type.element();
  auto* entries = flat_data<duckdb::list_entry_t>(out);
  idx_t total = 0;
  for (std::size_t row = 0; row < view.size; ++row) {
    entries[row] = duckdb::list_entry_t(total, 0);
    if (view.is_null(row)) continue;
    const auto parts = decode_array(view.bytes(row));
    duckdb::ListVector::Reserve(out, total + parts.size());
    auto& child = duckdb::ListVector::GetEntry(out);
    for (std::size_t i = 0; i < parts.size(); ++i) {
      if (parts[i] && element.id == TypeId::Enum) {
        put_label(static_cast<std::int32_t>(array_element_value(*parts[i], element).integer), child,
                  total + i);
      } else if (parts[i]) {
        put_element(element, *parts[i], child, total + i);
      } else {
        FlatVector::SetNull(child, total + i, true);
      }
    }
    entries[row].length = parts.size();
    total += parts.size();
  }
  duckdb::ListVector::SetListSize(out, total);
}

bool VectorFiller::needs_conversion(const ColumnView& view) const {
  if (view.type.is_array) return true;
  switch (view.type.id) {
    case TypeId::Numeric:
      return view.layout != layout_;
    case TypeId::Interval:
    case TypeId::Uuid:
    case TypeId::Enum:
    case TypeId::Oid:
    case TypeId::Regclass:
    case TypeId::Regtype:
    case TypeId::Regproc:
    case TypeId::Regnamespace:
    case TypeId::Regrole:
      return true;
    default:
      return view.layout.physical == Physical::Bytes;
  }
}

namespace {

/// Rows of one series, mostly: their ends are compared before what is between them.
bool is_one_value(const ColumnView& view) {
  if (view.validity != nullptr || view.size == 0 || view.codes[0] != view.codes[view.size - 1]) return false;
  return std::memcmp(view.codes, view.codes + 1, (view.size - 1) * sizeof(*view.codes)) == 0;
}

}  // namespace

void VectorFiller::fill(const ColumnView& view, Vector& out) {
  switch (view.form) {
    case ColumnView::Form::Flat:
      fill_flat(view, out, true);
      return;
    case ColumnView::Form::Constant:
      fill_constant(view, out);
      return;
    case ColumnView::Form::Dictionary:
      if (is_one_value(view)) {
        fill_entry(*view.dictionary, view.codes[0], out);
      } else {
        fill_dictionary(view, out);
      }
      return;
  }
}

void VectorFiller::fill_flat(const ColumnView& view, Vector& out, bool borrow) {
  out.SetVectorType(VectorType::FLAT_VECTOR);
  const std::size_t rows = view.size;
  copy_validity(view, out, rows);
  if (!needs_conversion(view)) {
    if (borrow) {
      FlatVector::SetData(out, borrowed(view.data));
    } else {
      std::memcpy(FlatVector::GetData(out), view.data, rows * width_bytes(view.layout.physical));
    }
    return;
  }
  if (view.type.is_array) {
    fill_list(view, out);
    return;
  }
  switch (view.type.id) {
    case TypeId::Numeric:
      for (std::size_t i = 0; i < rows; ++i) {
        if (view.is_null(i)) continue;
        const Int128 value = rescaled(view, i, layout_);
        if (layout_.physical == Physical::Int64) {
          flat_data<std::int64_t>(out)[i] = static_cast<std::int64_t>(value);
        } else {
          flat_data<duckdb::hugeint_t>(out)[i] = to_hugeint(value);
        }
      }
      return;
    case TypeId::Interval:
      for (std::size_t i = 0; i < rows; ++i) {
        flat_data<duckdb::interval_t>(out)[i] = to_duck_interval(view.fixed<Int128>(i));
      }
      return;
    case TypeId::Uuid:
      for (std::size_t i = 0; i < rows; ++i) {
        flat_data<duckdb::hugeint_t>(out)[i] = to_hugeint(flip_uuid(view.fixed<Int128>(i)));
      }
      return;
    case TypeId::Enum:
      for (std::size_t i = 0; i < rows; ++i) {
        if (!view.is_null(i)) put_label(view.fixed<std::int32_t>(i), out, i);
      }
      return;
    case TypeId::Oid:
    case TypeId::Regclass:
    case TypeId::Regtype:
    case TypeId::Regproc:
    case TypeId::Regnamespace:
    case TypeId::Regrole:
      for (std::size_t i = 0; i < rows; ++i) {
        flat_data<std::int64_t>(out)[i] = view.fixed<std::uint32_t>(i);
      }
      return;
    default:
      break;
  }
  auto* strings = flat_data<string_t>(out);
  if (borrow) {
    for (std::size_t i = 0; i < rows; ++i) strings[i] = borrowed_string(view.bytes(i));
  } else {
    for (std::size_t i = 0; i < rows; ++i) {
      strings[i] = duckdb::StringVector::AddStringOrBlob(out, borrowed_string(view.bytes(i)));
    }
  }
}

void VectorFiller::fill_constant(const ColumnView& view, Vector& out) {
  if (view.is_null(0)) {
    out.SetVectorType(VectorType::CONSTANT_VECTOR);
    ConstantVector::SetNull(out, true);
    return;
  }
  ColumnView one = view;
  one.form = ColumnView::Form::Flat;
  one.size = 1;
  one.validity = nullptr;
  fill_flat(one, out, true);
  out.SetVectorType(VectorType::CONSTANT_VECTOR);
}

/// All rows are this entry of a dictionary.
void VectorFiller::fill_entry(const ColumnView& dictionary, std::uint32_t entry, Vector& out) {
  ColumnView one = dictionary;
  one.size = 1;
  if (one.layout.physical == Physical::Bytes) {
    one.offsets += entry;
  } else {
    one.data = static_cast<const char*>(one.data) + std::size_t{entry} * width_bytes(one.layout.physical);
  }
  one.bit_offset += entry;
  fill_constant(one, out);
}

void VectorFiller::fill_dictionary(const ColumnView& view, Vector& out) {
  bool has_null = false;
  if (view.validity != nullptr) {
    for (std::size_t i = 0; i < view.size && !has_null; ++i) has_null = view.is_null(i);
  }
  const bool reuse = dictionary_ && view.dictionary_id != 0 && dictionary_id_ == view.dictionary_id &&
                     dictionary_has_null_ >= has_null;
  if (!reuse) {
    dictionary_size_ = view.dictionary->size;
    dictionary_has_null_ = view.validity != nullptr;
    const std::size_t capacity = dictionary_size_ + (dictionary_has_null_ ? 1 : 0);
    dictionary_ = std::make_unique<Vector>(type_, std::max<idx_t>(capacity, 1));
    fill_flat(*view.dictionary, *dictionary_, false);
    if (dictionary_has_null_) {
      auto& mask = FlatVector::Validity(*dictionary_);
      mask.Initialize(std::max<idx_t>(capacity, STANDARD_VECTOR_SIZE));
      mask.SetInvalid(dictionary_size_);
      if (type_.InternalType() == duckdb::PhysicalType::VARCHAR) {
        flat_data<string_t>(*dictionary_)[dictionary_size_] = string_t(std::uint32_t{0});
      }
    }
    dictionary_id_ = view.dictionary_id;
  }
  const idx_t entries = dictionary_size_ + (dictionary_has_null_ ? 1 : 0);
  if (has_null) {
    duckdb::SelectionVector selection(view.size);
    for (std::size_t i = 0; i < view.size; ++i) {
      selection.set_index(i, view.is_null(i) ? dictionary_size_ : view.codes[i]);
    }
    out.Dictionary(*dictionary_, entries, selection, view.size);
  } else {
    const duckdb::SelectionVector selection(
        static_cast<duckdb::sel_t*>(static_cast<void*>(borrowed(view.codes))));
    out.Dictionary(*dictionary_, entries, selection, view.size);
  }
  if (view.dictionary_id != 0 && out.GetVectorType() == VectorType::DICTIONARY_VECTOR) {
    duckdb::DictionaryVector::SetDictionaryId(
        out, std::to_string(view.dictionary_id) + (dictionary_has_null_ ? "n" : ""));
  }
}

}  // namespace tickstone::duck
