// SPDX-License-Identifier: Apache-2.0
#include "engine/hypertable.hpp"

#include <algorithm>
#include <cctype>

#include <tickstone/error.hpp>

#include "engine/ddl_table.hpp"
#include "engine/table_schema.hpp"

namespace tickstone::engine {
namespace {

constexpr std::int64_t kDefaultIntervalUs = 7 * kMicrosPerDay;

bool is_time_type(const SqlType& type) {
  return !type.is_array && (type.id == TypeId::Timestamp || type.id == TypeId::TimestampTz ||
                            type.id == TypeId::TimestampNs || type.id == TypeId::Date || is_integer(type.id));
}

/// Units: of the time column. An interval, or an integer: microseconds for times and dates.
std::int64_t interval_in_units(SessionContext& context, const SqlType& type, const Value& value) {
  std::int64_t result = 0;
  const bool is_number = is_integer(value.type.id) || value.type.id == TypeId::Numeric;
  if (is_integer(type.id)) {
    if (!is_number)
      throw Error(ErrorCode::InvalidParameterValue,
                  "invalid interval type for " + to_sql(type) + " dimension", {},
                  "Use an interval of type integer.");
    return static_cast<std::int64_t>(value.integer);
  }
  if (is_number) {
    result = static_cast<std::int64_t>(value.integer);
  } else {
    const auto interval = value.type.id == TypeId::Interval
                              ? unpack_interval(value.integer)
                              : unpack_interval(parse_value(SqlType::of(TypeId::Interval), value.text,
                                                            context.settings().format_context())
                                                    .integer);
    result =
        (static_cast<std::int64_t>(interval.months) * 30 + interval.days) * kMicrosPerDay + interval.micros;
  }
  if (result <= 0)
    throw Error(ErrorCode::InvalidParameterValue, "invalid interval: must be greater than zero");
  if (type.id == TypeId::Date) {
    if (result % kMicrosPerDay != 0)
      throw Error(ErrorCode::InvalidParameterValue, "invalid interval: must be multiples of one day");
    return result / kMicrosPerDay;
  }
  if (type.id == TypeId::TimestampNs) return result * 1000;
  return result;
}

Batch hypertable_row(bool is_new_form, std::int32_t id, const std::string& schema, const std::string& table,
                     bool created, std::vector<ResultColumn>& columns) {
  Batch batch;
  const auto add = [&](const char* name, const Value& value) {
    columns.push_back({name, value.type});
    batch.columns.emplace_back(value.type);
    append_value(batch.columns.back(), value);
  };
  add("hypertable_id", Value::of_integer(id));
  if (!is_new_form) {
    add("schema_name", Value::of_text(schema));
    add("table_name", Value::of_text(table));
  }
  add("created", Value::of_bool(created));
  return batch;
}

struct DimensionRequest {
  std::string time_column;
  std::optional<Value> interval;
};

ActionResult make_hypertable(SessionContext& context, const catalog::RelationObject& relation,
                             const DimensionRequest& request, bool is_new_form, bool if_not_exists,
                             bool migrate_data, bool create_default_indexes, const std::string& hash_column,
                             std::int64_t hash_partitions) {
  const std::string schema_name = context.catalog()->find_schema(relation.schema)->name;
  ActionResult result;
  if (relation.kind != catalog::RelationKind::Table) {
    throw Error(ErrorCode::WrongObjectType, "\"" + relation.name + "\" is not a table");
  }
  if (relation.hypertable) {
    if (!if_not_exists)
      throw Error(ErrorCode::HypertableExists, "table \"" + relation.name + "\" is already a hypertable");
    context.notice({"NOTICE",
                    ErrorCode::HypertableExists,
                    "table \"" + relation.name + "\" is already a hypertable, skipping",
                    {},
                    {}});
    result.rows = hypertable_row(is_new_form, relation.hypertable->id, schema_name, relation.name, false,
                                 result.columns);
    return result;
  }
  context.lock_for_change({schema_name, relation.name, 0}, "create_hypertable");
  auto& edit = context.edit_catalog("create_hypertable");
  const catalog::RelationObject old = *edit.catalog().find_relation(relation.oid);
  for (const auto* other : edit.catalog().relations()) {
    for (const auto& constraint : other->constraints) {
      if (constraint.kind != catalog::ConstraintObject::Kind::ForeignKey ||
          constraint.referenced_table != relation.oid)
        continue;
      throw Error(ErrorCode::FeatureNotSupported,
                  "cannot have FOREIGN KEY constraints to hypertable \"" + relation.name + "\"", {},
                  "Remove constraint \"" + constraint.name + "\" of table \"" + other->name + "\" first.");
    }
  }
  catalog::RelationObject changed = old;
  const auto* column = changed.find_column(request.time_column);
  if (column == nullptr)
    throw Error(ErrorCode::UndefinedColumn, "column \"" + request.time_column + "\" does not exist");
  const SqlType time_type = column->type;
  if (!is_time_type(time_type)) {
    throw Error(ErrorCode::DatatypeMismatch, "invalid type for dimension \"" + request.time_column + "\"", {},
                "Use an integer, timestamp, or date type.");
  }
  catalog::HypertableInfo info;
  info.id = edit.catalog().next_hypertable_id();
  catalog::HypertableInfo::Dimension time;
  time.id = info.id;
  time.column = column->id;
  if (request.interval) {
    time.interval = interval_in_units(context, time_type, *request.interval);
  } else if (is_integer(time_type.id)) {
    throw Error(ErrorCode::InvalidParameterValue, "integer dimensions require an explicit interval");
  } else {
    time.interval = time_type.id == TypeId::Date          ? 7
                    : time_type.id == TypeId::TimestampNs ? kDefaultIntervalUs * 1000
                                                          : kDefaultIntervalUs;
  }
  info.dimensions.push_back(time);
  if (!hash_column.empty()) {
    const auto* hashed = changed.find_column(hash_column);
    if (hashed == nullptr)
      throw Error(ErrorCode::UndefinedColumn, "column \"" + hash_column + "\" does not exist");
    if (hash_partitions < 1 || hash_partitions > 32767) {
      throw Error(ErrorCode::InvalidParameterValue,
                  "invalid number of partitions: must be between 1 and 32767");
    }
    catalog::HypertableInfo::Dimension hash;
    hash.id = info.id + 1;
    hash.column = hashed->id;
    hash.is_time = false;
    hash.partitions = static_cast<std::int32_t>(hash_partitions);
    info.dimensions.push_back(hash);
  }
  for (auto& c : changed.columns) {
    if (c.id == time.column && !c.not_null) {
      context.notice({"NOTICE",
                      ErrorCode::SuccessfulCompletion,
                      "adding not-null constraint to column \"" + c.name + "\"",
                      "Dimensions cannot have NULL values.",
                      {}});
      c.not_null = true;
    }
  }
  changed.hypertable = info;
  for (const auto& index : changed.indexes) {
    if (!index.is_unique) continue;
    std::vector<storage::ColumnId> columns;
    for (const auto& key : index.keys) columns.push_back(key.column);
    require_time_column(changed, columns, index.is_primary ? "primary key" : "unique index");
  }
  context.refresh_view();
  const bool has_rows = context.view().row_count(old.table()) > 0;
  if (has_rows && !migrate_data) {
    throw Error(ErrorCode::FeatureNotSupported, "table \"" + relation.name + "\" is not empty", {},
                "You can migrate data by specifying 'migrate_data => true' when calling this function.");
  }
  if (has_rows) {
    context.notice({"NOTICE",
                    ErrorCode::SuccessfulCompletion,
                    "migrating data to chunks",
                    "Migration might take a while depending on the amount of data.",
                    {}});
  }
  if (create_default_indexes) {
    const bool has_one = std::any_of(changed.indexes.begin(), changed.indexes.end(), [&](const auto& index) {
      return !index.keys.empty() && index.keys.front().column == time.column;
    });
    if (!has_one) {
      catalog::IndexObject index;
      index.oid = context.database().store().next_table_id();
      index.name =
          edit.catalog().free_name(changed.schema, changed.name + "_" + request.time_column + "_idx");
      index.keys.push_back({time.column, {}, true, true});
      changed.indexes.push_back(std::move(index));
    }
  }
  rewrite_table(context, old, changed, {});
  result.rows = hypertable_row(is_new_form, info.id, schema_name, relation.name, true, result.columns);
  return result;
}

}  // namespace

ActionResult create_hypertable(SessionContext& context, const ActionArguments& arguments) {
  const auto& relation = arguments.relation("relation");
  // The current form takes a dimension: by_range('column', interval).
  if (const auto* second = arguments.find("time_column_name"); second != nullptr) {
    if (const auto call = sql::function_call_of(*second);
        call && (call->function == "by_range" || call->function == "by_hash")) {
      if (call->function == "by_hash")
        throw Error(ErrorCode::InvalidParameterValue,
                    "cannot partition using a closed dimension on primary column", {},
                    "Use range partitioning on the primary column.");
      const ActionArguments range(context, "by_range", call->arguments, {},
                                  {"column_name", "partition_interval", "partition_func"});
      const auto column = range.text("column_name");
      if (!column) throw Error(ErrorCode::NullValueNotAllowed, "column_name cannot be NULL");
      // Positions after the dimension mean other things here than in the old form.
      return make_hypertable(
          context, relation, {*column, range.value("partition_interval")}, true,
          arguments.boolean("if_not_exists", false) || arguments.boolean("number_partitions", false),
          arguments.boolean("migrate_data", false) || arguments.boolean("associated_schema_name", false),
          arguments.boolean("create_default_indexes", true) && arguments.boolean("partitioning_column", true),
          {}, 0);
    }
  }
  const auto column = arguments.text("time_column_name");
  if (!column) throw Error(ErrorCode::NullValueNotAllowed, "time_column_name cannot be NULL");
  return make_hypertable(context, relation, {*column, arguments.value("chunk_time_interval")}, false,
                         arguments.boolean("if_not_exists", false), arguments.boolean("migrate_data", false),
                         arguments.boolean("create_default_indexes", true),
                         arguments.text("partitioning_column").value_or(""),
                         arguments.integer("number_partitions").value_or(0));
}

void make_hypertable_by_options(SessionContext& context, catalog::Oid table,
                                const std::vector<sql::Option>& options) {
  bool is_hypertable = false;
  std::string partition_column;
  std::optional<Value> interval;
  std::vector<sql::Option> rest;
  for (const auto& option : options) {
    const std::string name = option.name.substr(option.name.find('.') + 1);
    if (name == "hypertable")
      is_hypertable =
          option.value.empty() || option.value == "true" || option.value == "on" || option.value == "1";
    else if (name == "partition_column")
      partition_column = option.value;
    else if (name == "chunk_interval")
      interval = Value::of_text(option.value);
    else
      rest.push_back(option);
  }
  if (!is_hypertable)
    throw Error(ErrorCode::InvalidParameterValue, "timescaledb options require hypertable option", {},
                "Use \"timescaledb.hypertable\" to enable creating a hypertable.");
  const auto catalog = context.catalog();
  const auto& relation = *catalog->find_relation(table);
  if (partition_column.empty()) {
    for (const auto& column : relation.columns) {
      if (column.type.id == TypeId::TimestampTz || column.type.id == TypeId::Timestamp) {
        if (!partition_column.empty())
          throw Error(
              ErrorCode::InvalidParameterValue, "partition column could not be determined", {},
              "Use \"timescaledb.partition_column\" to specify the column to use as partitioning column.");
        partition_column = column.name;
      }
    }
    if (partition_column.empty())
      throw Error(
          ErrorCode::InvalidParameterValue, "partition column could not be determined", {},
          "Use \"timescaledb.partition_column\" to specify the column to use as partitioning column.");
  }
  (void)make_hypertable(context, relation, {partition_column, interval}, true, false, false, true, {}, 0);
  if (rest.empty()) return;
  auto& edit = context.edit_catalog("CREATE TABLE");
  catalog::RelationObject changed = *edit.catalog().find_relation(table);
  set_table_options(context, changed, rest, false);
  edit.put_relation(changed);
}

const catalog::HypertableInfo::Dimension& time_dimension(const catalog::RelationObject& relation) {
  if (relation.hypertable) {
    for (const auto& dimension : relation.hypertable->dimensions) {
      if (dimension.is_time) return dimension;
    }
  }
  throw Error(ErrorCode::HypertableNotExist, "table \"" + relation.name + "\" is not a hypertable");
}

std::int64_t time_bound(SessionContext& context, const SqlType& time_type, const Value& bound) {
  const auto& format = context.settings().format_context();
  if (is_integer(time_type.id)) {
    if (!is_integer(bound.type.id)) {
      throw Error(ErrorCode::InvalidParameterValue,
                  "invalid time argument type \"" + to_sql(bound.type) + "\"", {},
                  "Try casting the argument to \"" + to_sql(time_type) + "\".");
    }
    return static_cast<std::int64_t>(bound.integer);
  }
  std::int64_t us = 0;
  std::optional<IntervalValue> interval;
  if (bound.type.id == TypeId::Interval)
    interval = unpack_interval(bound.integer);
  else if (bound.type.id == TypeId::Unknown || is_text_like(bound.type.id))
    interval = parse_interval(bound.text);
  if (interval) {
    us = add_interval(context.transaction_start_us(), {-interval->months, -interval->days, -interval->micros},
                      utc_zone());
  } else if (bound.type.id == TypeId::TimestampTz || bound.type.id == TypeId::Timestamp) {
    us = static_cast<std::int64_t>(bound.integer);
  } else if (bound.type.id == TypeId::Date) {
    us = static_cast<std::int64_t>(bound.integer) * kMicrosPerDay;
  } else if (bound.type.id == TypeId::Unknown || is_text_like(bound.type.id)) {
    us = static_cast<std::int64_t>(parse_value(SqlType::of(TypeId::TimestampTz), bound.text, format).integer);
  } else {
    throw Error(ErrorCode::InvalidParameterValue, "invalid time argument type \"" + to_sql(bound.type) + "\"",
                {}, "Try casting the argument to \"" + to_sql(time_type) + "\".");
  }
  if (time_type.id == TypeId::Date)
    return us == kTimestampInfinity || us == kTimestampNegInfinity
               ? us
               : (us >= 0 ? us / kMicrosPerDay : -((-us + kMicrosPerDay - 1) / kMicrosPerDay));
  if (time_type.id == TypeId::TimestampNs) return us * 1000;
  return us;
}

ActionResult drop_chunks(SessionContext& context, const ActionArguments& arguments) {
  const auto relation = arguments.relation("relation");
  const auto& dimension = time_dimension(relation);
  const SqlType time_type = relation.find_column(dimension.column)->type;
  const auto older = arguments.value("older_than"), newer = arguments.value("newer_than");
  if (arguments.has("created_before") || arguments.has("created_after")) {
    throw Error(ErrorCode::FeatureNotSupported,
                "created_before and created_after are not supported by drop_chunks", {},
                "Use older_than or newer_than.");
  }
  if (!older && !newer)
    throw Error(ErrorCode::InvalidParameterValue, "invalid time range for dropping chunks", {},
                "At least one of older_than and newer_than must be provided.");
  storage::TimeRange range;
  if (older) range.end = time_bound(context, time_type, *older);
  if (newer) range.start = time_bound(context, time_type, *newer);
  if (older && newer && range.start >= range.end) {
    throw Error(ErrorCode::InvalidParameterValue, "invalid time range for dropping chunks", {},
                "When both older_than and newer_than are specified, older_than must refer to a time after "
                "newer_than.");
  }
  ActionResult result;
  result.columns = {{"drop_chunks", SqlType::of(TypeId::Text)}};
  result.rows.columns.emplace_back(SqlType::of(TypeId::Text));
  for (const auto& chunk : context.writes("drop_chunks").drop_chunks(relation.table(), range)) {
    result.rows.columns[0].append_bytes("_timescaledb_internal._hyper_" +
                                        std::to_string(relation.hypertable->id) + "_" +
                                        std::to_string(chunk.number) + "_chunk");
  }
  return result;
}

ActionResult set_chunk_time_interval(SessionContext& context, const ActionArguments& arguments) {
  auto& edit = context.edit_catalog("set_chunk_time_interval");
  catalog::RelationObject relation = arguments.relation("hypertable");
  const auto dimension_column = time_dimension(relation).column;
  const SqlType time_type = relation.find_column(dimension_column)->type;
  const auto value = arguments.value("chunk_time_interval");
  if (!value)
    throw Error(ErrorCode::InvalidParameterValue, "invalid interval: an explicit interval must be specified");
  const auto old = relation;
  for (auto& dimension : relation.hypertable->dimensions) {
    if (dimension.is_time) dimension.interval = interval_in_units(context, time_type, *value);
  }
  edit.put_relation(old);
  rewrite_table(context, old, relation, {});
  return {};
}

void set_table_options(SessionContext& context, catalog::RelationObject& relation,
                       const std::vector<sql::Option>& options, bool reset) {
  for (const auto& option : options) {
    const auto dot = option.name.find('.');
    const std::string prefix = dot == std::string::npos ? "" : option.name.substr(0, dot),
                      name = option.name.substr(dot == std::string::npos ? 0 : dot + 1);
    if (prefix != "timescaledb" && prefix != "tsdb" && prefix != "tickstone") {
      std::erase_if(relation.options, [&](const auto& kept) { return kept.first == option.name; });
      if (!reset) relation.options.emplace_back(option.name, option.value);
      continue;
    }
    if (relation.aggregate && name == "materialized_only") {
      relation.aggregate->materialized_only =
          option.value.empty() || option.value == "true" || option.value == "on" || option.value == "1";
      continue;
    }
    if (!relation.hypertable) {
      throw Error(ErrorCode::HypertableNotExist, "table \"" + relation.name + "\" is not a hypertable", {},
                  "Compression needs a hypertable: call create_hypertable() first.");
    }
    auto& info = *relation.hypertable;
    const auto columns_of = [&](const std::string& list) {
      std::vector<std::string> names;
      std::string current;
      for (const char c : list + ",") {
        if (c == ',') {
          while (!current.empty() && (current.back() == ' ' || current.back() == '"')) current.pop_back();
          if (!current.empty()) names.push_back(current);
          current.clear();
        } else if ((c != ' ' && c != '"') || !current.empty()) {
          current += c;
        }
      }
      return names;
    };
    if (name == "compress" || name == "enable_columnstore" || name == "columnstore") {
      info.compression_enabled = !reset && (option.value.empty() || option.value == "true" ||
                                            option.value == "on" || option.value == "1");
    } else if (name == "compress_segmentby" || name == "segmentby") {
      const auto names = columns_of(option.value);
      for (const auto& column : names) {
        if (relation.find_column(column) == nullptr)
          throw Error(ErrorCode::UndefinedColumn, "column \"" + column + "\" does not exist");
      }
      // What segments sort by from the next compaction on.
      info.compress_segmentby = names;
      context.writes("ALTER TABLE").alter_table(storage_schema(relation), {});
    } else if (name == "compress_orderby" || name == "orderby") {
      info.compress_orderby.clear();
      for (const auto& item : columns_of(option.value)) {
        catalog::HypertableInfo::OrderBy order;
        order.column = item.substr(0, item.find(' '));
        std::string rest = item.substr(std::min(item.size(), item.find(' ')));
        std::transform(rest.begin(), rest.end(), rest.begin(),
                       [](unsigned char c) { return std::toupper(c); });
        order.descending = rest.find("DESC") != std::string::npos;
        order.nulls_first = rest.find("NULLS FIRST") != std::string::npos ||
                            (order.descending && rest.find("NULLS LAST") == std::string::npos);
        if (relation.find_column(order.column) == nullptr)
          throw Error(ErrorCode::UndefinedColumn, "column \"" + order.column + "\" does not exist");
        info.compress_orderby.push_back(std::move(order));
      }
    } else if (name == "compress_chunk_time_interval" || name == "compress_chunk_interval") {
      std::erase_if(relation.options, [&](const auto& kept) { return kept.first == option.name; });
      relation.options.emplace_back(option.name, option.value);
    } else {
      throw Error(ErrorCode::InvalidParameterValue, "unrecognized parameter \"" + option.name + "\"");
    }
  }
}

}  // namespace tickstone::engine
