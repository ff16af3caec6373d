// SPDX-License-Identifier: Apache-2.0
// create_hypertable in its forms, and CREATE TABLE ... WITH (tsdb.hypertable).
#include "engine/hypertable.hpp"

#include <algorithm>

#include <tickstone/error.hpp>

#include "engine/columnstore.hpp"
#include "engine/ddl_table.hpp"
#include "engine/dimensions.hpp"
#include "engine/table_options.hpp"

namespace tickstone::engine {
namespace {

struct HypertableRequest {
  std::vector<DimensionRequest> dimensions;  // the time dimension first
  bool is_new_form = false;
  bool if_not_exists = false;
  bool migrate_data = false;
  bool create_default_indexes = true;
  std::string chunk_schema, chunk_prefix;
};

ActionResult hypertable_row(const HypertableRequest& request, std::int32_t id, const std::string& schema,
                            const std::string& table, bool created) {
  ActionResult result;
  result.add("hypertable_id", Value::of_integer(id));
  if (!request.is_new_form) {
    result.add("schema_name", Value::of_text(schema));
    result.add("table_name", Value::of_text(table));
  }
  result.add("created", Value::of_bool(created));
  return result;
}

void refuse_foreign_keys_to(const catalog::Catalog& catalog, const catalog::RelationObject& relation) {
  for (const auto* other : catalog.relations()) {
    for (const auto& constraint : other->constraints) {
      if (constraint.kind != catalog::ConstraintObject::Kind::ForeignKey ||
          constraint.referenced_table != relation.oid)
        continue;
      throw Error(ErrorCode::FeatureNotSupported,
                  "cannot have FOREIGN KEY constraints to hypertable \"" + relation.name + "\"", {},
                  "Remove constraint \"" + constraint.name + "\" of table \"" + other->name + "\" first.");
    }
  }
}

/// TimescaleDB's two: by time descending, and by each hash column and time descending.
void add_default_indexes(SessionContext& context, const catalog::Catalog& catalog,
                         catalog::RelationObject& relation) {
  const auto& dimensions = relation.hypertable->dimensions;
  const auto time = dimensions.front().column;
  const auto add = [&](std::vector<catalog::IndexObject::Key> keys) {
    const bool has_one =
        std::any_of(relation.indexes.begin(), relation.indexes.end(), [&](const auto& index) {
          return index.keys.size() >= keys.size() &&
                 std::equal(keys.begin(), keys.end(), index.keys.begin(),
                            [](const auto& a, const auto& b) { return a.column == b.column; });
        });
    if (has_one) return;
    std::string name = relation.name;
    for (const auto& key : keys) name += "_" + relation.find_column(key.column)->name;
    catalog::IndexObject index;
    index.oid = context.database().store().next_table_id();
    index.name = catalog.free_name(relation.schema, name + "_idx");
    index.keys = std::move(keys);
    relation.indexes.push_back(std::move(index));
  };
  add({{time, {}, true, true}});
  for (const auto& dimension : dimensions) {
    if (!dimension.is_time) add({{dimension.column, {}, false, false}, {time, {}, true, true}});
  }
}

ActionResult make_hypertable(SessionContext& context, const catalog::RelationObject& relation,
                             const HypertableRequest& request) {
  const std::string schema_name = context.catalog()->find_schema(relation.schema)->name;
  if (relation.kind != catalog::RelationKind::Table) {
    throw Error(ErrorCode::WrongObjectType, "\"" + relation.name + "\" is not a table");
  }
  if (relation.hypertable) {
    if (!request.if_not_exists)
      throw Error(ErrorCode::HypertableExists, "table \"" + relation.name + "\" is already a hypertable");
    context.notice({"NOTICE",
                    ErrorCode::HypertableExists,
                    "table \"" + relation.name + "\" is already a hypertable, skipping",
                    {},
                    {}});
    return hypertable_row(request, relation.hypertable->id, schema_name, relation.name, false);
  }
  if (relation.temporary)
    throw Error(ErrorCode::FeatureNotSupported, "table \"" + relation.name + "\" cannot be temporary",
                "It is not supported to turn temporary tables into hypertables.");
  constexpr std::size_t kLongestPrefix = 43;  // leaves room for the chunk's number in a name
  if (request.chunk_prefix.size() > kLongestPrefix)
    throw Error(ErrorCode::NameTooLong, "associated_table_prefix too long", {},
                "The associated_table_prefix must be less than 44 characters.");
  context.lock_for_change({schema_name, relation.name, 0}, "create_hypertable");
  auto& edit = context.edit_catalog("create_hypertable");
  const catalog::RelationObject old = *edit.catalog().find_relation(relation.oid);
  refuse_foreign_keys_to(edit.catalog(), relation);
  catalog::RelationObject changed = old;
  catalog::HypertableInfo info;
  info.id = edit.catalog().next_hypertable_id();
  info.chunk_schema = request.chunk_schema;
  info.chunk_prefix = request.chunk_prefix;
  if (!info.chunk_schema.empty() && edit.catalog().find_schema(info.chunk_schema) == nullptr)
    edit.put_schema({context.database().store().next_table_id(), info.chunk_schema, context.user()});
  changed.hypertable = info;
  for (const auto& dimension : request.dimensions) add_dimension_to(context, changed, dimension);
  for (const auto& index : changed.indexes) {
    if (!index.is_unique) continue;
    std::vector<storage::ColumnId> columns;
    for (const auto& key : index.keys) columns.push_back(key.column);
    require_time_column(changed, columns, index.is_primary ? "primary key" : "unique index");
  }
  context.refresh_view();
  const bool has_rows = context.view().row_count(old.table()) > 0;
  if (has_rows && !request.migrate_data) {
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
  if (request.create_default_indexes) add_default_indexes(context, edit.catalog(), changed);
  rewrite_table(context, old, changed, {});
  return hypertable_row(request, info.id, schema_name, relation.name, true);
}

ActionResult create_hypertable(SessionContext& context, std::string_view, const ActionArguments& arguments) {
  const auto& relation = arguments.relation("relation");
  HypertableRequest request;
  request.if_not_exists = arguments.boolean("if_not_exists", false);
  request.migrate_data = arguments.boolean("migrate_data", false);
  request.create_default_indexes = arguments.boolean("create_default_indexes", true);
  if (arguments.has("dimension")) {
    const auto* expr = arguments.find("dimension");
    if (expr == nullptr || !is_dimension_call(*expr))
      throw Error(ErrorCode::InvalidParameterValue, "invalid dimension info", {},
                  "Use \"by_range\" or \"by_hash\" to construct dimension types.");
    request.is_new_form = true;
    request.dimensions.push_back(read_dimension_call(context, *expr, arguments.parameters()));
    if (request.dimensions.front().is_hash)
      throw Error(ErrorCode::WrongObjectType, "cannot partition using a closed dimension on primary column",
                  {}, "Use range partitioning on the primary column.");
    return make_hypertable(context, relation, request);
  }
  for (const char* name : {"partitioning_func", "time_partitioning_func"}) {
    if (arguments.value(name))
      throw Error(ErrorCode::FeatureNotSupported, "partitioning functions are not supported", {},
                  "Partition by a column of an integer, timestamp or date type.");
  }
  const auto column = arguments.text("time_column_name");
  if (!column) throw Error(ErrorCode::InvalidParameterValue, "partition column cannot be NULL");
  request.dimensions.push_back({*column, false, arguments.value("chunk_time_interval"), std::nullopt});
  if (const auto hashed = arguments.text("partitioning_column"))
    request.dimensions.push_back({*hashed, true, std::nullopt, arguments.integer("number_partitions")});
  request.chunk_schema = arguments.text("associated_schema_name").value_or("");
  request.chunk_prefix = arguments.text("associated_table_prefix").value_or("");
  return make_hypertable(context, relation, request);
}

[[noreturn]] void fail_undetermined() {
  throw Error(ErrorCode::UndefinedColumn, "partition column could not be determined", {},
              "Use \"timescaledb.partition_column\" to specify the column to use as partitioning column.");
}

}  // namespace

void make_hypertable_by_options(SessionContext& context, catalog::Oid table,
                                const std::vector<sql::Option>& options) {
  bool is_hypertable = false;
  bool is_columnstore = true;
  HypertableRequest request;
  request.is_new_form = true;
  DimensionRequest dimension;
  std::vector<sql::Option> rest;
  for (const auto& option : options) {
    const std::string name = option.name.substr(option.name.find('.') + 1);
    if (name == "hypertable")
      is_hypertable = option_is_on(option);
    else if (name == "partition_column" || name == "partitioning_column")
      dimension.column = option.value;
    else if (name == "chunk_interval")
      dimension.interval = Value::of_text(option.value);
    else if (name == "create_default_indexes")
      request.create_default_indexes = option_is_on(option);
    else if (name == "associated_schema")
      request.chunk_schema = option.value;
    else if (name == "associated_table_prefix")
      request.chunk_prefix = option.value;
    else if (name == "columnstore" || name == "enable_columnstore" || name == "compress")
      is_columnstore = option_is_on(option);
    else
      rest.push_back(option);
  }
  if (!is_hypertable)
    throw Error(ErrorCode::UndefinedColumn, "timescaledb options requires hypertable option", {},
                "Use \"timescaledb.hypertable\" to enable creating a hypertable.");
  const auto catalog = context.catalog();
  const auto& relation = *catalog->find_relation(table);
  if (dimension.column.empty()) {
    for (const auto& column : relation.columns) {
      if (column.type.id != TypeId::TimestampTz && column.type.id != TypeId::Timestamp) continue;
      if (!dimension.column.empty()) fail_undetermined();
      dimension.column = column.name;
    }
    if (dimension.column.empty()) fail_undetermined();
    context.notice("using column \"" + dimension.column + "\" as partitioning column");
  }
  const auto* column = relation.find_column(dimension.column);
  if (column != nullptr && is_integer(column->type.id) && dimension.interval) {
    // The options are texts: a number stands for itself.
    dimension.interval = parse_value(SqlType::of(TypeId::BigInt), dimension.interval->text);
  }
  request.dimensions.push_back(dimension);
  (void)make_hypertable(context, relation, request);
  if (!is_columnstore && rest.empty()) return;
  auto& edit = context.edit_catalog("CREATE TABLE");
  catalog::RelationObject changed = *edit.catalog().find_relation(table);
  if (is_columnstore) rest.insert(rest.begin(), {"tsdb.columnstore", "true"});
  set_table_options(context, changed, rest, false);
  edit.put_relation(changed);
  if (is_columnstore) add_default_columnstore_policy(context, changed);
}

void add_hypertable_actions(Actions& actions) {
  actions["create_hypertable"] = {
      {"relation", "time_column_name", "partitioning_column", "number_partitions", "associated_schema_name",
       "associated_table_prefix", "chunk_time_interval", "create_default_indexes", "if_not_exists",
       "partitioning_func", "migrate_data", "time_partitioning_func"},
      {"hypertable_id", "schema_name", "table_name", "created"},
      create_hypertable,
      {"relation", "dimension", "create_default_indexes", "if_not_exists", "migrate_data"},
      {"hypertable_id", "created"}};
}

}  // namespace tickstone::engine
