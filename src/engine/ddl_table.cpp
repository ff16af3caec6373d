// SPDX-License-Identifier: Apache-2.0
#include "engine/ddl_table.hpp"

#include <algorithm>
#include <set>

#include <tickstone/error.hpp>

#include "catalog/sql_tokens.hpp"
#include "engine/executors.hpp"
#include "engine/table_schema.hpp"

namespace tickstone::engine {
namespace {

constexpr std::size_t kMostColumns = 1600;  // PostgreSQL's limit

/// PostgreSQL's rule for generated names: table_column_suffix.
std::string generated_name(const catalog::Catalog& catalog, catalog::Oid schema, const std::string& table,
                           const std::string& columns, const std::string& suffix) {
  return catalog.free_name(schema, table + (columns.empty() ? "" : "_" + columns) + "_" + suffix);
}

std::string free_constraint_name(const catalog::RelationObject& relation, const std::string& base) {
  std::string name = base;
  const auto taken = [&] {
    return std::any_of(relation.constraints.begin(), relation.constraints.end(),
                       [&](const auto& c) { return c.name == name; });
  };
  for (int i = 1; taken(); ++i) name = base + std::to_string(i);
  return name;
}

std::vector<storage::ColumnId> column_ids(const catalog::RelationObject& relation,
                                          const std::vector<std::string>& names) {
  std::vector<storage::ColumnId> ids;
  for (const auto& name : names) {
    const auto* column = relation.find_column(name);
    if (column == nullptr)
      throw Error(ErrorCode::UndefinedColumn, "column \"" + name + "\" named in key does not exist");
    if (std::find(ids.begin(), ids.end(), column->id) != ids.end()) {
      throw Error(ErrorCode::DuplicateColumn, "column \"" + name + "\" appears twice in the constraint");
    }
    ids.push_back(column->id);
  }
  return ids;
}

void require_comparable(const catalog::RelationObject& relation,
                        const std::vector<storage::ColumnId>& columns) {
  for (const auto id : columns) {
    const auto& column = *relation.find_column(id);
    if (column.type.is_array || column.type.id == TypeId::Json) {
      throw Error(ErrorCode::FeatureNotSupported, "column \"" + column.name + "\" of type " +
                                                      to_sql(column.type) + " cannot be part of a key");
    }
  }
}

void create_owned_sequence(SessionContext& context, catalog::CatalogEdit& edit,
                           catalog::RelationObject& relation, catalog::ColumnObject& column, bool is_serial) {
  catalog::RelationObject sequence;
  sequence.oid = context.database().store().next_table_id();
  sequence.kind = catalog::RelationKind::Sequence;
  sequence.schema = relation.schema;
  sequence.owner = relation.owner;
  sequence.name = generated_name(edit.catalog(), relation.schema, relation.name, column.name, "seq");
  catalog::SequenceInfo info;
  info.type = column.type;
  info.maximum = column.type.id == TypeId::SmallInt  ? INT16_MAX
                 : column.type.id == TypeId::Integer ? INT32_MAX
                                                     : INT64_MAX;
  info.owner_table = relation.oid;
  info.owner_column = column.id;
  sequence.sequence = info;
  edit.put_relation(sequence);
  column.sequence = sequence.oid;
  column.not_null = true;
  if (is_serial)
    column.default_text = "nextval('" + catalog::quote_identifier(sequence.name) + "'::regclass)";
}

void check_default(SessionContext& context, const catalog::ColumnObject& column,
                   const sql::Expr& expression) {
  // A constant that is no value of the column's type is refused now, not at the first insert.
  const auto constant = sql::constant_of(expression);
  if (!constant || constant->is_null) return;
  if (constant->type && !can_cast(*constant->type, column.type, CastStrength::Assignment)) {
    throw Error(ErrorCode::DatatypeMismatch, "column \"" + column.name + "\" is of type " +
                                                 to_sql(column.type) + " but default expression is of type " +
                                                 to_sql(*constant->type));
  }
  if (!constant->type) (void)parse_value(column.type, constant->text, context.settings().format_context());
}

}  // namespace

std::string duck_name(std::string_view name) {
  std::string quoted = "\"";
  for (const char c : name) {
    if (c == '"') quoted += c;
    quoted += c;
  }
  return quoted + '"';
}

catalog::ColumnObject make_column(SessionContext& context, catalog::CatalogEdit& edit,
                                  catalog::RelationObject& relation,
                                  const sql::ColumnDefinition& definition) {
  if (relation.find_column(definition.name) != nullptr) {
    throw Error(ErrorCode::DuplicateColumn, "column \"" + definition.name + "\" specified more than once");
  }
  static const std::set<std::string> system_columns = {"tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"};
  if (system_columns.contains(definition.name)) {
    throw Error(ErrorCode::DuplicateColumn,
                "column name \"" + definition.name + "\" conflicts with a system column name");
  }
  if (relation.columns.size() >= kMostColumns) {
    throw Error(ErrorCode::TooManyColumns,
                "tables can have at most " + std::to_string(kMostColumns) + " columns");
  }
  catalog::ColumnObject column;
  column.id = relation.next_column_id++;
  column.name = definition.name;
  column.type = definition.type;
  column.not_null = definition.not_null;
  if (definition.default_value) {
    check_default(context, column, definition.default_value);
    column.default_text = sql::to_postgres_text(definition.default_value);
  }
  if (definition.generated) column.generated_text = sql::to_postgres_text(definition.generated);
  if (definition.identity_always) column.identity = *definition.identity_always ? 'a' : 'd';
  if (definition.is_serial || definition.identity_always) {
    if (!is_integer(column.type.id))
      throw Error(ErrorCode::InvalidParameterValue,
                  "identity column type must be smallint, integer, or bigint");
    create_owned_sequence(context, edit, relation, column, definition.is_serial);
  }
  return column;
}

void add_constraint(SessionContext& context, catalog::CatalogEdit& edit, catalog::RelationObject& relation,
                    const sql::ConstraintDefinition& definition) {
  using Kind = sql::ConstraintDefinition::Kind;
  catalog::ConstraintObject constraint;
  constraint.oid = context.database().store().next_table_id();
  constraint.name = definition.name;
  if (!constraint.name.empty() && free_constraint_name(relation, constraint.name) != constraint.name) {
    throw Error(ErrorCode::DuplicateObject, "constraint \"" + constraint.name + "\" for relation \"" +
                                                relation.name + "\" already exists");
  }
  switch (definition.kind) {
    case Kind::PrimaryKey:
    case Kind::Unique: {
      const bool is_primary = definition.kind == Kind::PrimaryKey;
      if (is_primary && relation.primary_key() != nullptr) {
        throw Error(ErrorCode::InvalidTableDefinition,
                    "multiple primary keys for table \"" + relation.name + "\" are not allowed");
      }
      constraint.kind =
          is_primary ? catalog::ConstraintObject::Kind::PrimaryKey : catalog::ConstraintObject::Kind::Unique;
      constraint.columns = column_ids(relation, definition.columns);
      require_comparable(relation, constraint.columns);
      require_time_column(relation, constraint.columns, is_primary ? "primary key" : "unique");
      std::string joined;
      for (const auto& name : definition.columns) joined += (joined.empty() ? "" : "_") + name;
      if (constraint.name.empty()) {
        constraint.name = generated_name(edit.catalog(), relation.schema, relation.name,
                                         is_primary ? "" : joined, is_primary ? "pkey" : "key");
      } else if (edit.catalog().free_name(relation.schema, constraint.name) != constraint.name) {
        throw Error(ErrorCode::DuplicateTable, "relation \"" + constraint.name + "\" already exists");
      }
      catalog::IndexObject index;
      index.oid = context.database().store().next_table_id();
      index.name = constraint.name;
      index.is_unique = true;
      index.is_primary = is_primary;
      for (const auto id : constraint.columns) index.keys.push_back({id, {}, false, false});
      constraint.index = index.oid;
      if (is_primary) {
        for (auto& column : relation.columns) {
          if (std::find(constraint.columns.begin(), constraint.columns.end(), column.id) !=
              constraint.columns.end())
            column.not_null = true;
        }
      } else {
        index.key_table = context.database().store().next_table_id();
      }
      relation.indexes.push_back(std::move(index));
      break;
    }
    case Kind::Check:
      constraint.kind = catalog::ConstraintObject::Kind::Check;
      constraint.check_text = sql::to_postgres_text(definition.check);
      constraint.columns = catalog::columns_in_expression(relation, constraint.check_text);
      if (constraint.name.empty()) {
        const std::string column =
            constraint.columns.size() == 1 ? "_" + relation.find_column(constraint.columns[0])->name : "";
        constraint.name = free_constraint_name(relation, relation.name + column + "_check");
      }
      break;
    case Kind::ForeignKey:
      throw Error(ErrorCode::FeatureNotSupported, "foreign keys are not supported", {},
                  "Leave the REFERENCES clause out; joins work without it.");
  }
  relation.constraints.push_back(std::move(constraint));
}

void require_time_column(const catalog::RelationObject& relation,
                         const std::vector<storage::ColumnId>& columns, const std::string& what) {
  if (!relation.hypertable) return;
  for (const auto& dimension : relation.hypertable->dimensions) {
    if (std::find(columns.begin(), columns.end(), dimension.column) != columns.end()) continue;
    throw Error(ErrorCode::InvalidTableDefinition,
                "cannot create a unique index without the column \"" +
                    relation.find_column(dimension.column)->name + "\" (used in partitioning)",
                {},
                "If you're creating a hypertable on a table with a " + what +
                    ", ensure the partitioning column is part of it.");
  }
}

void create_storage(SessionContext& context, const catalog::RelationObject& relation) {
  auto& writes = context.writes("CREATE TABLE");
  writes.create_table(storage_schema(relation));
  for (const auto& index : relation.indexes) {
    if (index.key_table != 0) writes.create_table(key_table_schema(relation, index, index.key_table));
  }
}

void drop_storage(SessionContext& context, const catalog::RelationObject& relation) {
  auto& writes = context.writes("DROP TABLE");
  writes.drop_table(relation.table());
  for (const auto& index : relation.indexes) {
    if (index.key_table != 0) writes.drop_table(index.key_table);
  }
}

void fill_key_table(SessionContext& context, const catalog::RelationObject& relation,
                    const catalog::IndexObject& index) {
  const auto schema = storage_schema(relation);
  storage::ScanRequest request;
  request.table = relation.table();
  for (const auto& key : index.keys) request.columns.push_back(key.column);
  if (schema.primary_key.empty())
    request.columns.push_back(storage::kRowIdColumn);
  else
    request.columns.insert(request.columns.end(), schema.primary_key.begin(), schema.primary_key.end());
  auto& writes = context.writes("CREATE INDEX");
  const auto view = writes.read_view();
  const auto scan = view->scan(request);
  const auto state = scan->make_state();
  const auto key_schema = key_table_schema(relation, index, index.key_table);
  storage::ScanBatch part;
  while (scan->read(*state, part)) {
    context.check_cancelled();
    std::vector<std::uint32_t> rows;
    for (std::uint32_t row = 0; row < part.row_count; ++row) {
      bool has_null = false;
      for (std::size_t i = 0; i < index.keys.size(); ++i) has_null = has_null || part.columns[i].is_null(row);
      if (!has_null) rows.push_back(row);
    }
    Batch batch;
    for (std::size_t i = 0; i < part.columns.size(); ++i) {
      batch.columns.emplace_back(key_schema.columns[i].type, scan->layouts()[i]);
      batch.columns.back().append_rows(part.columns[i], rows.data(), rows.size());
    }
    try {
      writes.insert(index.key_table, batch, storage::OnDuplicate::Fail);
    } catch (const Error& error) {
      if (error.code() != ErrorCode::UniqueViolation) throw;
      std::string detail = error.detail();
      if (const auto at = detail.find(" already exists."); at != std::string::npos)
        detail.replace(at, std::string::npos, " is duplicated.");
      throw Error(ErrorCode::UniqueViolation, "could not create unique index \"" + index.name + "\"", detail)
          .about(relation.name, {}, index.name);
    }
  }
}

std::uint64_t insert_all(SessionContext& context, const catalog::RelationObject& relation,
                         duck::ResultStream& stream) {
  auto& writes = context.writes("INSERT");
  std::uint64_t count = 0;
  Batch batch;
  while (stream.next(batch)) {
    context.check_cancelled();
    Batch fitted;
    for (std::size_t i = 0; i < relation.columns.size(); ++i) {
      fitted.columns.push_back(cast_column(batch.columns[i].view(), relation.columns[i].type,
                                           CastStrength::Assignment, context.settings().format_context()));
    }
    count += writes.insert(relation.table(), fitted, storage::OnDuplicate::Fail).inserted;
  }
  return count;
}

std::string execute_create_table(Execution& execution, const sql::CreateTableStatement& create) {
  auto& context = execution.context;
  const auto schema_name =
      create.temporary ? context.temporary_schema() : context.creation_schema(create.table.schema).name;
  const std::string tag = create.as_query ? "SELECT" : "CREATE TABLE";
  if (context.catalog()->find_relation(schema_name, create.table.name) != nullptr) {
    if (!create.if_not_exists)
      throw Error(ErrorCode::DuplicateTable, "relation \"" + create.table.name + "\" already exists");
    context.notice({"NOTICE",
                    ErrorCode::DuplicateTable,
                    "relation \"" + create.table.name + "\" already exists, skipping",
                    {},
                    {}});
    return create.as_query ? "CREATE TABLE AS" : tag;
  }
  auto& edit = context.edit_catalog("CREATE TABLE");
  catalog::RelationObject relation;
  relation.oid = context.database().store().next_table_id();
  relation.schema = edit.catalog().find_schema(schema_name)->oid;
  relation.name = create.table.name;
  relation.owner = context.user();
  relation.temporary = create.temporary;
  if (edit.catalog().find_relation(schema_name, create.table.name) != nullptr ||
      edit.catalog().free_name(relation.schema, relation.name) != relation.name) {
    throw Error(ErrorCode::DuplicateTable, "relation \"" + create.table.name + "\" already exists");
  }
  std::vector<sql::Option> hypertable_options;
  for (const auto& option : create.options) {
    if (option.name.starts_with("tsdb.") || option.name.starts_with("timescaledb."))
      hypertable_options.push_back(option);
    else
      relation.options.emplace_back(option.name, option.value);
  }

  std::unique_ptr<duck::ResultStream> stream;
  if (create.as_query) {
    const auto rewritten = sql::Rewriter(context).query(create.as_query);
    context.refresh_view();
    stream = context.open(rewritten, execution.parameters);
    const auto columns = result_columns(stream->columns(), rewritten);
    if (create.as_columns.size() > columns.size())
      throw Error(ErrorCode::SyntaxError, "too many column names were specified");
    for (std::size_t i = 0; i < columns.size(); ++i) {
      sql::ColumnDefinition definition;
      definition.name = i < create.as_columns.size() ? create.as_columns[i] : columns[i].name;
      definition.type = columns[i].type;
      relation.columns.push_back(make_column(context, edit, relation, definition));
    }
  }
  for (const auto& like : create.like_tables) {
    for (const auto& column : context.relation(like).columns) {
      sql::ColumnDefinition definition;
      definition.name = column.name;
      definition.type = column.type;
      definition.not_null = column.not_null;
      relation.columns.push_back(make_column(context, edit, relation, definition));
    }
  }
  for (const auto& definition : create.columns)
    relation.columns.push_back(make_column(context, edit, relation, definition));
  for (const auto& constraint : create.constraints) add_constraint(context, edit, relation, constraint);
  edit.put_relation(relation);
  create_storage(context, relation);
  if (!hypertable_options.empty()) make_hypertable_by_options(context, relation.oid, hypertable_options);

  if (create.as_query) {
    const std::uint64_t count = create.with_no_data ? 0 : insert_all(context, relation, *stream);
    return "SELECT " + std::to_string(count);
  }
  return tag;
}

}  // namespace tickstone::engine
