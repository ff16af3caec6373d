// SPDX-License-Identifier: Apache-2.0
#include "engine/point_read.hpp"

#include <algorithm>
#include <cmath>
#include <unordered_set>

#include <fmt/format.h>

#include <tickstone/error.hpp>

#include "catalog/populated.hpp"
#include "engine/aggregate_query.hpp"
#include "storage/key_codec.hpp"
#include "types/array_value.hpp"
#include "types/timestamp.hpp"

namespace tickstone::engine {
namespace {

using sql::PointRead;

/// What a LIMIT with its OFFSET may keep in memory, and what may be read without a LIMIT: for more rows
/// DuckDB sorts faster, with all cores and within the memory budget.
constexpr std::uint64_t kMostKeptRows = 10'000;
constexpr std::uint64_t kMostUnlimitedRows = 65'536;
constexpr std::uint32_t kFewestBatchRows = 4;
/// Each row is compared with each element of an array, so of longer ones DuckDB makes a hash table.
constexpr std::size_t kMostComparedElements = 64;
/// Keys to look up, and reads for DISTINCT ON: what is more is a scan.
constexpr std::size_t kMostKeys = 65'536;

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
    case TypeId::Enum:
    case TypeId::Unknown:
    case TypeId::Oid:
    case TypeId::Name:
    case TypeId::InternalChar:
    case TypeId::Regclass:
    case TypeId::Regtype:
    case TypeId::Regproc:
    case TypeId::Regnamespace:
    case TypeId::Regrole:
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

/// The elements of an array parameter, to compare `column` with; nothing where only the general way knows.
std::optional<std::vector<Value>> elements_of(const PointRead::Operand& operand, const SqlType& column,
                                              std::span<const Value> parameters) {
  const auto index = static_cast<std::size_t>(operand.parameter) - 1;
  if (index >= parameters.size()) return std::nullopt;
  const Value& array = parameters[index];
  if (!array.type.is_array || array.is_null || (operand.cast && *operand.cast != array.type))
    return std::nullopt;
  const SqlType type = array.type.element();
  std::vector<Value> values;
  for (const auto& element : decode_array(array.text)) {
    auto value =
        comparable_with(column, element ? array_element_value(*element, type) : Value::null_of(type));
    if (!value) return std::nullopt;
    values.push_back(std::move(*value));
  }
  return values;
}

/// Columns whose values find a key by their bytes.
bool is_findable(const SqlType& type) {
  return !type.is_array &&
         (is_integer(type.id) || is_plain_text(type.id) || type.id == TypeId::Uuid || is_time(type.id));
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
      !catalog::is_populated(*relation) || relation->columns.size() != info.columns.size())
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
  if (!knows_all || schema == nullptr) return false;
  // One of many keys of one column: each is looked up.
  if (schema->primary_key.size() == 1 && finds_by_key(*schema) && !read_.keys) {
    const auto any = std::find_if(
        read_.conditions.begin(), read_.conditions.end(), [&](const PointRead::Condition& condition) {
          return condition.is_any && ids_[condition.column] == schema->primary_key.front();
        });
    if (any != read_.conditions.end()) {
      read_.keys = PointRead::KeyList{{any->column}, std::move(any->operands)};
      read_.conditions.erase(any);
    }
  }
  if (!is_narrow(*schema)) return false;
  make_shape();
  find_newest(*schema);
  return true;
}

void PointReader::make_shape() {
  auto shape = std::make_shared<PointShape>();
  const auto request = [&](std::size_t column) {
    auto& columns = shape->columns;
    const auto found = std::find(columns.begin(), columns.end(), ids_[column]);
    if (found != columns.end()) return static_cast<std::size_t>(found - columns.begin());
    columns.push_back(ids_[column]);
    return columns.size() - 1;
  };
  for (std::size_t i = 0; i < read_.columns.size(); ++i) {
    shape->output.push_back(request(read_.columns[i]));
    shape->results.push_back({read_.output_names[i], read_.relation.columns[read_.columns[i]].type});
  }
  for (const auto& condition : read_.conditions) shape->conditions.push_back(request(condition.column));
  for (std::size_t i = read_.distinct_on; i < read_.order.size(); ++i) {
    const auto& key = read_.order[i];
    shape->order.push_back({request(key.column), key.is_descending, key.has_nulls_first});
  }
  shape->is_output_first = true;
  for (std::size_t i = 0; i < shape->output.size(); ++i) shape->is_output_first &= shape->output[i] == i;
  shape_ = std::move(shape);
}

/// Whether the conditions leave one row, or the rows of few series.
bool PointReader::is_narrow(const storage::TableSchema& schema) const {
  const auto is_given = [&](storage::ColumnId id, bool once) {
    return std::any_of(read_.conditions.begin(), read_.conditions.end(), [&](const auto& condition) {
      return ids_[condition.column] == id && condition.comparison == PointRead::Comparison::Equal &&
             (!once || (condition.operands.size() == 1 && !condition.is_any));
    });
  };
  if (read_.keys) {
    std::vector<storage::ColumnId> given;
    for (const std::size_t column : read_.keys->columns) given.push_back(ids_[column]);
    return !schema.primary_key.empty() && given.size() == schema.primary_key.size() &&
           std::is_permutation(given.begin(), given.end(), schema.primary_key.begin());
  }
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

/// What a condition compares with, without NULLs, which are never equal. False where only the general way
/// knows.
bool PointReader::values_of(const SessionContext& context, const PointRead::Condition& condition,
                            std::span<const Value> parameters, std::vector<Value>& out) const {
  const SqlType& column = read_.relation.columns[condition.column].type;
  const auto add = [&](std::optional<Value> value) {
    if (!value) return false;
    if (!value->is_null) out.push_back(std::move(*value));
    return true;
  };
  if (!condition.is_any) {
    return std::all_of(condition.operands.begin(), condition.operands.end(), [&](const auto& operand) {
      return add(value_of(context, operand, column, parameters));
    });
  }
  auto elements = elements_of(condition.operands.front(), column, parameters);
  if (!elements) return false;
  for (auto& element : *elements) add(std::move(element));
  return true;
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

std::optional<PointReader::Plan> PointReader::plan(const SessionContext& context,
                                                   std::span<const Value> parameters, Texts texts) const {
  Plan plan{std::make_unique<PointRows>(), {}};
  PointRows& rows = *plan.rows;
  rows.shape = shape_;
  rows.view = context.shared_view();
  const auto* schema = rows.view->schema(table_);
  if (schema == nullptr || std::any_of(ids_.begin(), ids_.end(), [&](auto id) { return !schema->find(id); }))
    return std::nullopt;
  rows.request.table = table_;
  if (!count_of(context, read_.limit, parameters, rows.limit) ||
      !count_of(context, read_.offset, parameters, rows.offset)) {
    return std::nullopt;
  }
  if (read_.distinct_on > 0) rows.limit = 1;  // of each
  const bool has_limit = rows.limit != UINT64_MAX;
  if (!read_.order.empty() && has_limit &&
      (rows.limit > kMostKeptRows || rows.offset > kMostKeptRows - rows.limit)) {
    return std::nullopt;
  }
  rows.request.columns = shape_->columns;
  rows.conditions.reserve(read_.conditions.size());
  rows.request.predicates.reserve(read_.conditions.size());
  for (std::size_t i = 0; i < read_.conditions.size(); ++i) {
    if (!add_condition(context, *schema, i, parameters, texts, plan)) return std::nullopt;
  }
  const auto& order = shape_->order;
  if (!order.empty() && has_limit && schema->time_column == shape_->columns[order.front().column]) {
    rows.is_time_order = true;
    rows.request.order =
        order.front().is_descending ? storage::ScanOrder::TimeDescending : storage::ScanOrder::TimeAscending;
  }
  if (has_limit && (rows.is_time_order || order.empty())) {
    rows.request.first_batch_rows = static_cast<std::uint32_t>(
        std::clamp<std::uint64_t>(rows.limit + rows.offset, kFewestBatchRows, storage::kScanRows));
  }
  if (rows.is_empty) return plan;
  if (read_.distinct_on > 0) {
    if (!find_each(plan)) return std::nullopt;
  } else if (read_.keys) {
    if (!find_keys(*schema, parameters, rows)) return std::nullopt;
  } else if (finds_by_key(*schema)) {
    find_key(*schema, rows);
  }
  return plan;
}

/// Of `plan.each` it notes what it may become of DISTINCT ON, in the order of the conditions.
bool PointReader::add_condition(const SessionContext& context, const storage::TableSchema& schema,
                                std::size_t number, std::span<const Value> parameters, Texts texts,
                                Plan& plan) const {
  const auto& condition = read_.conditions[number];
  PointRows& rows = *plan.rows;
  std::vector<Value> values;
  if (!values_of(context, condition, parameters, values)) return false;
  const auto* head = read_.order.data();
  const bool is_each = condition.comparison == PointRead::Comparison::Equal &&
                       std::any_of(head, head + read_.distinct_on, [&](const PointRead::SortKey& key) {
                         return key.column == condition.column;
                       });
  if (condition.is_any && !is_each && values.size() > kMostComparedElements) return false;
  PointCondition& out = rows.conditions.emplace_back();
  out.column = shape_->conditions[number];
  out.comparison = condition.comparison;
  if (texts == Texts::Made) {
    const std::string& name = read_.relation.columns[condition.column].name;
    out.text = condition.is_any
                   ? fmt::format("{} = ANY ({} values)", name, values.size())
                   : condition_text(name, condition.comparison, values, context.settings().format_context());
  }
  if (values.empty()) {
    rows.is_empty = true;
    return true;
  }
  storage::ColumnPredicate predicate;
  predicate.column = ids_[condition.column];
  predicate.in.reserve(values.size());
  out.values = Column(values.front().type);
  for (auto& value : values) {
    append_value(out.values, value);
    auto known = pushed(schema, predicate.column, std::move(value));
    if (!known) continue;
    predicate.in.push_back(std::move(*known));
  }
  if (predicate.in.size() != values.size()) return true;
  using enum PointRead::Comparison;
  const storage::ColumnPredicate::Bound bound{
      predicate.in.front(), condition.comparison != Less && condition.comparison != Greater};
  switch (condition.comparison) {
    case Equal:
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
      return true;
  }
  if (is_each)
    plan.each.push_back({rows.conditions.size() - 1, rows.request.predicates.size(), predicate.in});
  rows.request.predicates.push_back(std::move(predicate));
  return true;
}

/// The values of DISTINCT ON's columns, in its order: false unless all have some and the rest is by time, so
/// that each read is short.
bool PointReader::find_each(Plan& plan) const {
  PointRows& rows = *plan.rows;
  std::vector<PointEach> each;
  std::size_t reads = 1;
  for (std::size_t i = 0; i < read_.distinct_on; ++i) {
    const auto& key = read_.order[i];
    const auto found = std::find_if(plan.each.begin(), plan.each.end(), [&](const PointEach& one) {
      return rows.request.columns[rows.conditions[one.condition].column] == ids_[key.column];
    });
    const bool is_again = std::any_of(read_.order.begin(), read_.order.begin() + static_cast<long>(i),
                                      [&](const auto& other) { return other.column == key.column; });
    if (found == plan.each.end() || is_again) return false;
    PointEach& one = each.emplace_back(*found);
    std::sort(one.values.begin(), one.values.end(), [&](const Value& a, const Value& b) {
      const auto order = compare_values(a, b);
      return key.is_descending ? order > 0 : order < 0;
    });
    const auto same = std::unique(one.values.begin(), one.values.end(),
                                  [](const Value& a, const Value& b) { return compare_values(a, b) == 0; });
    one.values.erase(same, one.values.end());
    reads *= one.values.size();
    if (reads > kMostKeys) return false;
    rows.conditions[one.condition].values.truncate(1);  // that of the read
  }
  plan.each = std::move(each);
  return rows.is_time_order;
}

/// The one key that the conditions leave: looked up rather than scanned for.
bool PointReader::find_key(const storage::TableSchema& schema, PointRows& rows) const {
  Batch key;
  for (const auto id : schema.primary_key) {
    const auto* column = schema.find(id);
    if (!is_findable(column->type) || is_time(column->type.id)) return false;
    const auto given =
        std::find_if(rows.conditions.begin(), rows.conditions.end(), [&](const PointCondition& condition) {
          return rows.request.columns[condition.column] == id && condition.values.size() == 1 &&
                 condition.comparison == PointRead::Comparison::Equal;
        });
    if (given == rows.conditions.end()) return false;
    Value value = value_at(given->values.view(), 0);
    auto known = pushed(schema, id, std::move(value));
    if (!known) return false;
    value = std::move(*known);
    value.type = column->type;
    Column cell(column->type);
    append_value(cell, value);
    key.columns.push_back(std::move(cell));
  }
  if (key.columns.empty()) return false;
  rows.keys = std::move(key);
  return true;
}

/// The keys of a list, each once. False where only the general way knows.
bool PointReader::find_keys(const storage::TableSchema& schema, std::span<const Value> parameters,
                            PointRows& rows) const {
  std::vector<std::vector<Value>> parts;  // by column of the key
  std::size_t count = SIZE_MAX;
  for (const auto id : schema.primary_key) {
    const SqlType& type = schema.find(id)->type;
    const auto& columns = read_.keys->columns;
    const auto at =
        std::find_if(columns.begin(), columns.end(), [&](auto column) { return ids_[column] == id; });
    if (at == columns.end() || !is_findable(type)) return false;
    auto values =
        elements_of(read_.keys->arrays[static_cast<std::size_t>(at - columns.begin())], type, parameters);
    if (!values || values->size() > kMostKeys) return false;
    count = std::min(count, values->size());  // unnest fills up with NULL, which is no key
    parts.push_back(std::move(*values));
  }
  Batch all;
  for (const auto id : schema.primary_key) all.columns.emplace_back(schema.find(id)->type);
  std::vector<Value> cells(parts.size());
  for (std::size_t row = 0; row < count; ++row) {
    bool is_key = true;
    for (std::size_t i = 0; is_key && i < parts.size(); ++i) {
      const auto id = schema.primary_key[i];
      auto value = parts[i][row].is_null ? std::nullopt : pushed(schema, id, std::move(parts[i][row]));
      is_key = value.has_value();  // no value of the column is the others
      if (is_key) cells[i] = std::move(*value);
    }
    if (!is_key) continue;
    for (std::size_t i = 0; i < cells.size(); ++i) {
      cells[i].type = all.columns[i].type();
      append_value(all.columns[i], cells[i]);
    }
  }
  const auto views = storage::views_of(all);
  std::unordered_set<std::string> known;
  std::vector<std::uint32_t> chosen;
  for (std::uint32_t row = 0; row < all.row_count(); ++row) {
    std::string bytes;
    for (const auto& view : views) storage::append_key_part(bytes, view, row);
    if (known.insert(std::move(bytes)).second) chosen.push_back(row);
  }
  rows.is_empty = chosen.empty();
  rows.keys = storage::select_rows(all, chosen);
  return true;
}

std::unique_ptr<duck::ResultStream> PointReader::open(const SessionContext& context,
                                                      std::span<const Value> parameters) const {
  std::optional<Plan> made;
  try {
    if (newest_) {
      if (auto row = open_newest(context, parameters)) return row;
    }
    made = plan(context, parameters);
  } catch (const Error&) {
    return nullptr;  // a literal that is none of its type: the general way says so with its position
  }
  if (!made) return nullptr;
  auto& rows = made->rows;
  if (read_.distinct_on > 0)
    return std::make_unique<PointEachStream>(context, std::move(rows), std::move(made->each));
  const bool is_sorted_in_memory = !shape_->order.empty() && !rows->is_time_order;
  const bool is_bounded = rows->is_empty || rows->keys || (rows->limit != UINT64_MAX && !is_sorted_in_memory);
  auto stream = std::make_unique<PointStream>(context, std::move(rows));
  if (!is_bounded && stream->estimated_rows() > kMostUnlimitedRows) return nullptr;
  return stream;
}

}  // namespace tickstone::engine
