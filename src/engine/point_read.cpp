// SPDX-License-Identifier: Apache-2.0
#include "engine/point_read.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include <tickstone/error.hpp>

#include "base/clock.hpp"
#include "catalog/object_names.hpp"
#include "engine/aggregate_query.hpp"
#include "types/timestamp.hpp"

namespace tickstone::engine {
namespace {

using sql::PointRead;

/// What a LIMIT with its OFFSET may keep in memory, and what may be read without a LIMIT: for more rows
/// DuckDB sorts faster, with all cores and within the memory budget.
constexpr std::uint64_t kMostKeptRows = 10'000;
constexpr std::uint64_t kMostUnlimitedRows = 65'536;
constexpr std::uint32_t kFewestBatchRows = 16;

bool is_time(TypeId id) {
  return id == TypeId::Date || id == TypeId::Time || id == TypeId::Timestamp || id == TypeId::TimestampTz ||
         id == TypeId::TimestampNs;
}
bool is_plain_text(TypeId id) { return id == TypeId::Text || id == TypeId::Varchar; }
bool is_exact(TypeId id) { return is_integer(id) || id == TypeId::Numeric; }

/// Columns that we compare and sort just as DuckDB does.
bool is_comparable(const SqlType& type) {
  if (type.is_array) return false;
  return is_time(type.id) || is_plain_text(type.id) || is_exact(type.id) || type.id == TypeId::Double ||
         type.id == TypeId::Boolean || type.id == TypeId::Uuid;
}

/// Columns whose values need nothing but to be sent.
bool is_readable(const SqlType& type) {
  switch (type.id) {
    case TypeId::Boolean:
    case TypeId::SmallInt:
    case TypeId::Integer:
    case TypeId::BigInt:
    case TypeId::Real:
    case TypeId::Double:
    case TypeId::Numeric:
    case TypeId::Text:
    case TypeId::Varchar:
    case TypeId::Char:
    case TypeId::Bytea:
    case TypeId::Date:
    case TypeId::Time:
    case TypeId::Timestamp:
    case TypeId::TimestampTz:
    case TypeId::TimestampNs:
    case TypeId::Interval:
    case TypeId::Uuid:
    case TypeId::Json:
    case TypeId::Jsonb:
    case TypeId::Candlestick:
      return true;
    case TypeId::Unknown:
    case TypeId::Oid:
    case TypeId::Name:
    case TypeId::InternalChar:
    case TypeId::Regclass:
    case TypeId::Regtype:
    case TypeId::Regproc:
    case TypeId::Regnamespace:
    case TypeId::Void:
    case TypeId::Record:
    case TypeId::Int2Vector:
    case TypeId::OidVector:
    case TypeId::AclItem:
      return false;
  }
  return false;
}

/// `value` as one to compare a column with; nothing where PostgreSQL would compare in some other type.
std::optional<Value> comparable_with(const SqlType& column, Value value) {
  if (value.type.is_array) return std::nullopt;
  const TypeId from = value.type.id;
  const SqlType target = SqlType::of(column.id);
  if (value.is_null) return Value::null_of(target);
  if (is_exact(column.id) && is_exact(from)) {
    const std::uint8_t scale = from == TypeId::Numeric ? value.scale : 0;
    value.type = SqlType::of(TypeId::Numeric);
    value.scale = scale;
    return value;
  }
  if (is_plain_text(column.id) && is_plain_text(from)) {
    value.type = target;
    return value;
  }
  if (from != column.id) return std::nullopt;
  value.type = target;
  return value;
}

/// `value` as storage compares it with the column's values; nothing where it should not look.
std::optional<Value> pushed(const storage::TableSchema& schema, storage::ColumnId id, Value value) {
  const SqlType& type = schema.find(id)->type;
  if (type.id == TypeId::Double && std::isnan(value.number)) return std::nullopt;
  if (type.id == TypeId::Numeric) {
    // Series are found by the bytes of their values, which depend on the column's scale.
    const auto& series = schema.series_key;
    return std::find(series.begin(), series.end(), id) == series.end() ? std::optional(value) : std::nullopt;
  }
  if (!is_integer(type.id)) return value;
  const Int128 most = type.id == TypeId::SmallInt  ? Int128{INT16_MAX}
                      : type.id == TypeId::Integer ? Int128{INT32_MAX}
                                                   : Int128{INT64_MAX};
  const Int128 divisor = power_of_ten(value.scale);
  const Int128 whole = value.integer / divisor;
  if (whole * divisor != value.integer || whole > most || whole < -most - 1) return std::nullopt;
  value.type = type;
  value.integer = whole;
  value.scale = 0;
  return value;
}

/// Words such as 'now' and 'tomorrow' mean the time when the statement was parsed.
bool is_fixed_time(const std::string& text) {
  const auto first = text.find_first_not_of(" \t\n");
  return first != std::string::npos && text[first] >= '0' && text[first] <= '9';
}

std::string condition_text(const std::string& column, PointRead::Comparison comparison,
                           const std::vector<Value>& values, const FormatContext& format) {
  using enum PointRead::Comparison;
  const auto one = [&](const Value& value) {
    const std::string text = to_text(value, format);
    return is_exact(value.type.id) || value.type.id == TypeId::Double ? text : "'" + text + "'";
  };
  if (values.size() != 1) {
    std::string list;
    for (const auto& value : values) list += (list.empty() ? "" : ", ") + one(value);
    return column + " IN (" + list + ")";
  }
  const char* op = comparison == Equal         ? "="
                   : comparison == NotEqual    ? "<>"
                   : comparison == Less        ? "<"
                   : comparison == LessOrEqual ? "<="
                   : comparison == Greater     ? ">"
                                               : ">=";
  return fmt::format("{} {} {}", column, op, one(values.front()));
}

std::string joined(const std::vector<std::string>& parts) {
  std::string text;
  for (const auto& part : parts) text += (text.empty() ? "" : ", ") + part;
  return text;
}

/// Tables without time, and those whose time is in a UUID, unless segments are sorted by what the key has
/// not.
bool finds_by_key(const storage::TableSchema& schema) {
  if (!schema.time_column) return true;
  const auto& key = schema.primary_key;
  return schema.find(*schema.time_column)->type.id == TypeId::Uuid &&
         std::all_of(schema.series_key.begin(), schema.series_key.end(),
                     [&](auto id) { return std::find(key.begin(), key.end(), id) != key.end(); });
}

}  // namespace

std::shared_ptr<const PointReader> PointReader::make(const SessionContext& context, const sql::Expr& query) {
  auto read = sql::point_read_of(query, context);
  if (!read) return nullptr;
  const std::shared_ptr<PointReader> reader(new PointReader());
  reader->read_ = std::move(*read);
  return reader->find_columns(context) ? reader : nullptr;
}

bool PointReader::find_columns(const SessionContext& context) {
  const auto& info = read_.relation;
  const auto catalog = context.catalog();
  const auto* relation = catalog->find_relation(info.schema, info.name);
  if (relation == nullptr || !relation->is_stored() || is_real_time(*relation) ||
      relation->columns.size() != info.columns.size())
    return false;
  name_ = info.schema + "." + info.name;
  table_ = relation->table();
  for (std::size_t i = 0; i < info.columns.size(); ++i) {
    if (relation->columns[i].name != info.columns[i].name) return false;
    ids_.push_back(relation->columns[i].id);
  }
  const auto type_of = [&](std::size_t column) -> const SqlType& { return info.columns[column].type; };
  const bool knows_all =
      std::all_of(read_.columns.begin(), read_.columns.end(),
                  [&](std::size_t column) { return is_readable(type_of(column)); }) &&
      std::all_of(read_.conditions.begin(), read_.conditions.end(),
                  [&](const auto& condition) { return is_comparable(type_of(condition.column)); }) &&
      std::all_of(read_.order.begin(), read_.order.end(),
                  [&](const auto& key) { return is_comparable(type_of(key.column)); });
  const auto* schema = context.view().schema(table_);
  return knows_all && schema != nullptr && is_narrow(*schema);
}

/// Whether the conditions leave one row, or the rows of few series.
bool PointReader::is_narrow(const storage::TableSchema& schema) const {
  const auto is_given = [&](storage::ColumnId id, bool once) {
    return std::any_of(read_.conditions.begin(), read_.conditions.end(), [&](const auto& condition) {
      return ids_[condition.column] == id && condition.comparison == PointRead::Comparison::Equal &&
             (!once || condition.operands.size() == 1);
    });
  };
  if (schema.time_column && !schema.series_key.empty() && is_given(schema.series_key.front(), false))
    return true;
  const auto& key = schema.primary_key;
  return !key.empty() && std::all_of(key.begin(), key.end(), [&](auto id) { return is_given(id, true); });
}

std::optional<Value> PointReader::value_of(const SessionContext& context, const PointRead::Operand& operand,
                                           const SqlType& column, std::span<const Value> parameters) const {
  switch (operand.kind) {
    case PointRead::Operand::Kind::Parameter: {
      const auto index = static_cast<std::size_t>(operand.parameter) - 1;
      if (index >= parameters.size()) return std::nullopt;
      const Value& value = parameters[index];
      const bool is_cast = operand.cast && *operand.cast != SqlType::of(value.type.id);
      return is_cast ? std::nullopt : comparable_with(column, value);
    }
    case PointRead::Operand::Kind::Now: {
      Value value = Value::of_timestamptz(context.transaction_start_us());
      if (operand.after_now != IntervalValue{}) {
        value.integer = add_interval(context.transaction_start_us(), operand.after_now,
                                     *context.settings().format_context().zone);
      }
      return comparable_with(column, value);
    }
    case PointRead::Operand::Kind::Constant:
      break;
  }
  const auto& constant = operand.constant;
  const SqlType type = constant.type.value_or(SqlType::of(column.id));
  if (type.is_array) return std::nullopt;
  if (constant.is_null) return comparable_with(column, Value::null_of(type));
  if (is_time(type.id) && (type.precision >= 0 || !is_fixed_time(constant.text))) return std::nullopt;
  // A number as it is written is compared with doubles as one of them.
  const bool is_number = column.id == TypeId::Double && is_exact(type.id);
  return comparable_with(column, parse_value(is_number ? SqlType::of(TypeId::Double) : type, constant.text,
                                             context.settings().format_context()));
}

/// LIMIT and OFFSET; `out` stays as it is where there is none. False where only the general way knows.
bool PointReader::count_of(const SessionContext& context, const std::optional<PointRead::Operand>& operand,
                           std::span<const Value> parameters, std::uint64_t& out) const {
  if (!operand) return true;
  const auto value = value_of(context, *operand, SqlType::of(TypeId::BigInt), parameters);
  if (!value || (!value->is_null && (value->scale != 0 || value->integer < 0 || value->integer > INT64_MAX)))
    return false;
  if (!value->is_null) out = static_cast<std::uint64_t>(value->integer);
  return true;
}

std::size_t PointReader::request(PointRows& rows, storage::ColumnId column) const {
  auto& columns = rows.request.columns;
  const auto found = std::find(columns.begin(), columns.end(), column);
  if (found != columns.end()) return static_cast<std::size_t>(found - columns.begin());
  columns.push_back(column);
  return columns.size() - 1;
}

std::unique_ptr<PointRows> PointReader::plan(const SessionContext& context,
                                             std::span<const Value> parameters) const {
  auto rows = std::make_unique<PointRows>();
  rows->view = context.shared_view();
  const auto* schema = rows->view->schema(table_);
  if (schema == nullptr || std::any_of(ids_.begin(), ids_.end(), [&](auto id) { return !schema->find(id); }))
    return nullptr;
  rows->request.table = table_;
  if (!count_of(context, read_.limit, parameters, rows->limit) ||
      !count_of(context, read_.offset, parameters, rows->offset)) {
    return nullptr;
  }
  const bool has_limit = rows->limit != UINT64_MAX;
  if (!read_.order.empty() && has_limit &&
      (rows->limit > kMostKeptRows || rows->offset > kMostKeptRows - rows->limit)) {
    return nullptr;
  }
  for (std::size_t i = 0; i < read_.columns.size(); ++i) {
    const auto& column = read_.relation.columns[read_.columns[i]];
    rows->output.push_back(request(*rows, ids_[read_.columns[i]]));
    rows->columns.push_back({read_.output_names[i], column.type});
  }
  const FormatContext& format = context.settings().format_context();
  for (const auto& condition : read_.conditions) {
    const auto& column = read_.relation.columns[condition.column];
    PointCondition& out = rows->conditions.emplace_back();
    out.column = request(*rows, ids_[condition.column]);
    out.comparison = condition.comparison;
    std::vector<Value> values;
    for (const auto& operand : condition.operands) {
      auto value = value_of(context, operand, column.type, parameters);
      if (!value) return nullptr;
      if (value->is_null) continue;  // is never true
      Column cell(value->type);
      append_value(cell, *value);
      out.values.push_back(std::move(cell));
      values.push_back(std::move(*value));
    }
    out.text = condition_text(column.name, condition.comparison, values, format);
    if (values.empty()) {
      rows->is_empty = true;
      continue;
    }
    storage::ColumnPredicate predicate;
    predicate.column = ids_[condition.column];
    for (auto& value : values) {
      auto known = pushed(*schema, predicate.column, std::move(value));
      if (!known) break;
      predicate.in.push_back(std::move(*known));
    }
    if (predicate.in.size() != values.size()) continue;
    using enum PointRead::Comparison;
    const storage::ColumnPredicate::Bound bound{
        predicate.in.front(), condition.comparison != Less && condition.comparison != Greater};
    switch (condition.comparison) {
      case Equal:
        if (predicate.in.size() == 1) predicate.lower = predicate.upper = bound;
        break;
      case Less:
      case LessOrEqual:
        predicate.upper = bound;
        predicate.in.clear();
        break;
      case Greater:
      case GreaterOrEqual:
        predicate.lower = bound;
        predicate.in.clear();
        break;
      case NotEqual:
        continue;
    }
    rows->request.predicates.push_back(std::move(predicate));
  }
  for (const auto& key : read_.order) {
    rows->order.push_back({request(*rows, ids_[key.column]), key.is_descending, key.has_nulls_first});
  }
  if (!rows->order.empty() && has_limit && schema->time_column == ids_[read_.order.front().column]) {
    rows->is_time_order = true;
    rows->request.order = rows->order.front().is_descending ? storage::ScanOrder::TimeDescending
                                                            : storage::ScanOrder::TimeAscending;
  }
  if (has_limit && (rows->is_time_order || rows->order.empty())) {
    rows->request.first_batch_rows = static_cast<std::uint32_t>(
        std::clamp<std::uint64_t>(rows->limit + rows->offset, kFewestBatchRows, storage::kScanRows));
  }
  if (!rows->is_empty && finds_by_key(*schema)) find_key(*schema, *rows);
  return rows;
}

/// The one key that the conditions leave: looked up rather than scanned for.
bool PointReader::find_key(const storage::TableSchema& schema, PointRows& rows) const {
  Batch key;
  for (const auto id : schema.primary_key) {
    const auto* column = schema.find(id);
    const TypeId type = column->type.id;
    if (!is_integer(type) && !is_plain_text(type) && type != TypeId::Uuid) return false;
    const auto given =
        std::find_if(rows.conditions.begin(), rows.conditions.end(), [&](const PointCondition& condition) {
          return rows.request.columns[condition.column] == id && condition.values.size() == 1 &&
                 condition.comparison == PointRead::Comparison::Equal;
        });
    if (given == rows.conditions.end()) return false;
    Value value = value_at(given->values.front().view(), 0);
    auto known = pushed(schema, id, std::move(value));
    if (!known) return false;
    value = std::move(*known);
    value.type = column->type;
    Column cell(column->type);
    append_value(cell, value);
    key.columns.push_back(std::move(cell));
  }
  if (key.columns.empty()) return false;
  rows.key = std::move(key);
  return true;
}

std::unique_ptr<duck::ResultStream> PointReader::open(const SessionContext& context,
                                                      std::span<const Value> parameters) const {
  std::unique_ptr<PointRows> rows;
  try {
    rows = plan(context, parameters);
  } catch (const Error&) {
    return nullptr;  // a literal that is none of its type: the general way says so with its position
  }
  if (rows == nullptr) return nullptr;
  const bool is_sorted_in_memory = !rows->order.empty() && !rows->is_time_order;
  const bool is_bounded = rows->is_empty || rows->key || (rows->limit != UINT64_MAX && !is_sorted_in_memory);
  auto stream = std::make_unique<PointStream>(context, std::move(rows));
  if (!is_bounded && stream->estimated_rows() > kMostUnlimitedRows) return nullptr;
  return stream;
}

std::optional<std::vector<std::string>> PointReader::explain(const SessionContext& context,
                                                             std::span<const Value> parameters,
                                                             bool analyze) const {
  const auto stream = open(context, parameters);
  if (stream == nullptr) return std::nullopt;
  auto rows = plan(context, parameters);
  std::string head = "Point Read on " + name_;
  auto& reader = static_cast<PointStream&>(*stream);
  storage::ScanStatistics statistics;
  if (analyze) {
    const std::int64_t began_us = system_clock().now_us();
    std::uint64_t count = 0;
    Batch batch;
    while (stream->next(batch)) count += batch.row_count();
    head += fmt::format(" (actual rows={}, {:.3f} ms)", count,
                        static_cast<double>(system_clock().now_us() - began_us) / 1000);
    statistics = reader.statistics();
  } else if (!rows->is_empty && !rows->key) {
    // All that could be read: with an order the end is not known beforehand.
    auto request = rows->request;
    request.order = storage::ScanOrder::Any;
    statistics = rows->view->scan(request)->statistics();
  }
  std::vector<std::string> lines{std::move(head)};
  std::vector<std::string> conditions;
  for (const auto& condition : rows->conditions) conditions.push_back(condition.text);
  lines.push_back("  Conditions: " + joined(conditions));
  std::vector<std::string> order;
  for (const auto& key : read_.order) {
    std::string text = read_.relation.columns[key.column].name;
    if (key.is_descending) text += " DESC";
    if (key.has_nulls_first != key.is_descending)
      text += key.has_nulls_first ? " NULLS FIRST" : " NULLS LAST";
    order.push_back(std::move(text));
  }
  if (!order.empty()) lines.push_back("  Order: " + joined(order));
  if (rows->limit != UINT64_MAX) lines.push_back("  Limit: " + std::to_string(rows->limit));
  if (rows->offset != 0) lines.push_back("  Offset: " + std::to_string(rows->offset));
  if (rows->is_empty) {
    lines.emplace_back("  Nothing to read: a condition compares with NULL");
  } else if (rows->key) {
    lines.emplace_back("  By primary key");
  } else {
    const std::string suffix = analyze ? " Read" : "";
    if (rows->view->schema(table_)->time_column) {
      lines.push_back(
          fmt::format("  Chunks{}: {} of {}", suffix, statistics.chunks_read, statistics.chunks_total));
      std::vector<std::string> names;
      const auto* relation = context.catalog()->find_relation(read_.relation.schema, read_.relation.name);
      for (const auto number : statistics.chunk_numbers)
        names.push_back(catalog::chunk_name(*relation, number));
      if (!names.empty()) lines.push_back("  Chunk Names: " + joined(names));
    }
    lines.push_back(fmt::format("  Row Groups{}: {} of {}", suffix, statistics.row_groups_read,
                                statistics.row_groups_total));
    lines.push_back(fmt::format("  Open Rows{}: {}", suffix, statistics.open_rows_read));
  }
  return lines;
}

}  // namespace tickstone::engine
