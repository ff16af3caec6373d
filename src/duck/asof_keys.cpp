// SPDX-License-Identifier: Apache-2.0
#include "duck/asof_keys.hpp"

#include <algorithm>
#include <cstring>

namespace tickstone::duck {

namespace {

using duckdb::idx_t;
using duckdb::LogicalTypeId;
using duckdb::PhysicalType;

/// Appends a value so that it is equal to another one's where the bytes are.
void append_value(std::string& key, const duckdb::UnifiedVectorFormat& format, PhysicalType type, idx_t at) {
  if (type == PhysicalType::VARCHAR) {
    const auto& text = duckdb::UnifiedVectorFormat::GetData<duckdb::string_t>(format)[at];
    const auto size = static_cast<std::uint32_t>(text.GetSize());
    key.append(reinterpret_cast<const char*>(&size), sizeof(size));
    key.append(text.GetData(), size);
    return;
  }
  const idx_t width = duckdb::GetTypeIdSize(type);
  key.append(reinterpret_cast<const char*>(format.data) + at * width, width);
}

bool is_same_value(const duckdb::UnifiedVectorFormat& format, PhysicalType type, idx_t a, idx_t b) {
  if (a == b) return true;
  if (type == PhysicalType::VARCHAR) {
    const auto* texts = duckdb::UnifiedVectorFormat::GetData<duckdb::string_t>(format);
    return texts[a] == texts[b];
  }
  const idx_t width = duckdb::GetTypeIdSize(type);
  return std::memcmp(format.data + a * width, format.data + b * width, width) == 0;
}

template <typename T>
void widen(const duckdb::UnifiedVectorFormat& format, std::vector<std::int64_t>& out) {
  const auto* values = reinterpret_cast<const T*>(format.data);
  for (idx_t row = 0; row < out.size(); ++row) out[row] = values[format.sel->get_index(row)];
}

duckdb::vector<duckdb::LogicalType> types_of(
    const duckdb::vector<duckdb::unique_ptr<duckdb::Expression>>& expressions) {
  duckdb::vector<duckdb::LogicalType> types;
  for (const auto& expression : expressions) types.push_back(expression->return_type);
  return types;
}

}  // namespace

bool is_plain_time(const duckdb::LogicalType& type) {
  if (type.HasAlias()) return false;
  switch (type.id()) {
    case LogicalTypeId::SMALLINT:
    case LogicalTypeId::INTEGER:
    case LogicalTypeId::BIGINT:
    case LogicalTypeId::DATE:
    case LogicalTypeId::TIMESTAMP:
    case LogicalTypeId::TIMESTAMP_TZ:
    case LogicalTypeId::TIMESTAMP_NS:
      return true;
    default:
      return false;
  }
}

bool is_plain_key(const duckdb::LogicalType& type) {
  if (is_plain_time(type)) return true;
  if (type.HasAlias()) return false;
  switch (type.id()) {
    case LogicalTypeId::BOOLEAN:
    case LogicalTypeId::TINYINT:
    case LogicalTypeId::UUID:
      return true;
    case LogicalTypeId::VARCHAR:
      return duckdb::StringType::GetCollation(type).empty();
    default:
      return false;
  }
}

AsofKeys::AsofKeys(duckdb::ClientContext& context,
                   const duckdb::vector<duckdb::unique_ptr<duckdb::Expression>>& expressions)
    : executor_(context, expressions), formats_(expressions.size()) {
  values_.Initialize(duckdb::Allocator::Get(context), types_of(expressions));
}

void AsofKeys::compute(duckdb::DataChunk& rows, SeriesNumbers& numbers, Unknown unknown) {
  values_.Reset();
  executor_.Execute(rows, values_);
  for (std::size_t i = 0; i < formats_.size(); ++i)
    values_.data[i].ToUnifiedFormat(values_.size(), formats_[i]);
  number_rows(numbers, unknown);
  read_times();
}

void AsofKeys::number_rows(SeriesNumbers& numbers, Unknown unknown) {
  const idx_t count = values_.size();
  const std::size_t key_count = formats_.size() - 1;
  series_.resize(count);
  const auto number_of = [&](idx_t row) {
    key_.clear();
    for (std::size_t i = 0; i < key_count; ++i) {
      const idx_t at = formats_[i].sel->get_index(row);
      if (!formats_[i].validity.RowIsValid(at)) return AsofPartners::kNone;
      append_value(key_, formats_[i], values_.data[i].GetType().InternalType(), at);
    }
    return unknown == Unknown::Numbered ? numbers.add(key_) : numbers.find(key_);
  };
  const auto is_constant = [](const duckdb::Vector& vector) {
    return vector.GetVectorType() == duckdb::VectorType::CONSTANT_VECTOR;
  };
  if (std::all_of(values_.data.begin(), values_.data.end() - 1, is_constant)) {
    std::fill(series_.begin(), series_.end(), count > 0 ? number_of(0) : 0);
  } else {
    // Rows mostly are of the series of the one before.
    const auto is_as_before = [&](idx_t row) {
      for (std::size_t i = 0; i < key_count; ++i) {
        const idx_t before = formats_[i].sel->get_index(row - 1);
        const idx_t at = formats_[i].sel->get_index(row);
        if (before == at) continue;
        if (!formats_[i].validity.RowIsValid(at) || !formats_[i].validity.RowIsValid(before)) return false;
        if (!is_same_value(formats_[i], values_.data[i].GetType().InternalType(), before, at)) return false;
      }
      return true;
    };
    for (idx_t row = 0; row < count; ++row)
      series_[row] = row > 0 && is_as_before(row) ? series_[row - 1] : number_of(row);
  }
  const auto& time = formats_.back();
  if (time.validity.AllValid()) return;
  for (idx_t row = 0; row < count; ++row) {
    if (!time.validity.RowIsValid(time.sel->get_index(row))) series_[row] = AsofPartners::kNone;
  }
}

void AsofKeys::read_times() {
  const auto& format = formats_.back();
  const auto& vector = values_.data.back();
  const PhysicalType type = vector.GetType().InternalType();
  if (type == PhysicalType::INT64 && vector.GetVectorType() == duckdb::VectorType::FLAT_VECTOR) {
    times_ = reinterpret_cast<const std::int64_t*>(format.data);
    return;
  }
  own_times_.resize(values_.size());
  switch (type) {
    case PhysicalType::INT16:
      widen<std::int16_t>(format, own_times_);
      break;
    case PhysicalType::INT32:
      widen<std::int32_t>(format, own_times_);
      break;
    default:
      widen<std::int64_t>(format, own_times_);
  }
  times_ = own_times_.data();
}

}  // namespace tickstone::duck
