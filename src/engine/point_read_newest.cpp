// SPDX-License-Identifier: Apache-2.0
// `WHERE symbol = $1 [AND time <= $2] ORDER BY time DESC LIMIT 1`, without a scan.
#include <algorithm>

#include "engine/point_read.hpp"
#include "storage/newest_row.hpp"

namespace tickstone::engine {

namespace {

using sql::PointRead;

/// A row that has been read, or none.
class OneRow final : public duck::ResultStream {
 public:
  OneRow(std::shared_ptr<const PointShape> shape, Batch row)
      : shape_(std::move(shape)), row_(std::move(row)) {}

  const std::vector<duck::ResultColumn>& columns() const override { return shape_->results; }
  bool next(Batch& out, duck::LongNumbers /*long_numbers*/) override {
    if (row_.zero_column_rows == 0) return false;
    out = std::move(row_);
    row_.zero_column_rows = 0;
    return true;
  }

 private:
  std::shared_ptr<const PointShape> shape_;
  Batch row_;
};

bool is_moment(const SqlType& type) {
  return !type.is_array && (type.id == TypeId::Timestamp || type.id == TypeId::TimestampTz);
}

/// Values of it are the same where their bytes are, and are ordered by them.
bool is_text(const SqlType& type) {
  return !type.is_array && (type.id == TypeId::Text || type.id == TypeId::Varchar);
}

}  // namespace

void PointReader::find_newest(const storage::TableSchema& schema) {
  const auto& order = shape_->order;
  if (!read_.limit || read_.offset || read_.keys || read_.distinct_on > 0 || order.empty() ||
      !schema.time_column || schema.series_key.empty() || !order.front().is_descending ||
      shape_->columns[order.front().column] != *schema.time_column ||
      !is_moment(schema.find(*schema.time_column)->type)) {
    return;
  }
  const auto place_of = [&](storage::ColumnId id) {
    return static_cast<std::size_t>(std::find(schema.series_key.begin(), schema.series_key.end(), id) -
                                    schema.series_key.begin());
  };
  // What else it is sorted by is the same in all rows of the series.
  const bool is_by_time = std::all_of(order.begin() + 1, order.end(), [&](const PointRead::SortKey& key) {
    return place_of(shape_->columns[key.column]) < schema.series_key.size();
  });
  if (!is_by_time) return;
  constexpr std::size_t kNone = SIZE_MAX;
  Newest newest;
  newest.series.assign(schema.series_key.size(), kNone);
  for (std::size_t i = 0; i < read_.conditions.size(); ++i) {
    const auto& condition = read_.conditions[i];
    const storage::ColumnId id = ids_[condition.column];
    if (condition.is_any || condition.operands.size() != 1) return;
    if (id == *schema.time_column && condition.comparison != PointRead::Comparison::Equal &&
        condition.comparison != PointRead::Comparison::NotEqual) {
      newest.times.push_back(i);
      continue;
    }
    const std::size_t place = place_of(id);
    if (place == newest.series.size() || newest.series[place] != kNone ||
        condition.comparison != PointRead::Comparison::Equal || !is_text(schema.find(id)->type))
      return;
    newest.series[place] = i;
  }
  if (std::find(newest.series.begin(), newest.series.end(), kNone) != newest.series.end()) return;
  for (const std::size_t column : shape_->output) newest.columns.push_back(shape_->columns[column]);
  newest_ = std::move(newest);
}

/// nullptr where `plan` must say what there is, and whether these values will do.
std::unique_ptr<duck::ResultStream> PointReader::open_newest(const SessionContext& context,
                                                             std::span<const Value> parameters) const {
  std::uint64_t limit = UINT64_MAX;
  if (!count_of(context, read_.limit, parameters, limit) || limit != 1) return nullptr;
  const auto value_for = [&](std::size_t condition) -> std::optional<Value> {
    const auto& given = read_.conditions[condition];
    auto value =
        value_of(context, given.operands.front(), read_.relation.columns[given.column].type, parameters);
    return value && !value->is_null ? std::move(value) : std::nullopt;
  };
  const storage::ReadView& view = context.view();
  const auto* schema = view.schema(table_);
  if (schema == nullptr || schema->series_key.size() != newest_->series.size()) return nullptr;
  storage::NewestRowRequest request;
  request.table = table_;
  request.columns = newest_->columns;
  std::vector<Value> series;
  series.reserve(newest_->series.size());
  for (std::size_t i = 0; i < newest_->series.size(); ++i) {
    auto value = value_for(newest_->series[i]);
    if (!value || ids_[read_.conditions[newest_->series[i]].column] != schema->series_key[i]) return nullptr;
    series.push_back(std::move(*value));
  }
  request.series = series;
  for (const std::size_t condition : newest_->times) {
    const auto value = value_for(condition);
    if (!value || value->integer >= INT64_MAX || value->integer <= INT64_MIN) return nullptr;
    const auto time = static_cast<std::int64_t>(value->integer);
    using enum PointRead::Comparison;
    switch (read_.conditions[condition].comparison) {
      case Less:
        request.high = std::min(request.high, time - 1);
        break;
      case LessOrEqual:
        request.high = std::min(request.high, time);
        break;
      case Greater:
        request.low = std::max(request.low, time + 1);
        break;
      case GreaterOrEqual:
        request.low = std::max(request.low, time);
        break;
      case Equal:
      case NotEqual:
        return nullptr;
    }
  }
  const auto layouts = view.layouts(table_);
  Batch row;
  row.columns.reserve(request.columns.size());
  for (const storage::ColumnId id : request.columns) {
    const auto* column = schema->find(id);
    if (column == nullptr) return nullptr;
    row.columns.emplace_back(column->type, layouts[schema->index_of(id)]);
  }
  const auto found = storage::read_newest_row(view, request, row.columns);
  if (found == storage::NewestRow::Unsure) return nullptr;
  row.zero_column_rows = found == storage::NewestRow::Found ? 1 : 0;
  return std::make_unique<OneRow>(shape_, std::move(row));
}

}  // namespace tickstone::engine
