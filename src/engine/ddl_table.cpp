// SPDX-License-Identifier: Apache-2.0
#include "engine/ddl_table.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <set>

#include <tickstone/error.hpp>

#include "catalog/sql_tokens.hpp"
#include "engine/executors.hpp"
#include "engine/locking_query.hpp"
#include "engine/rights.hpp"
#include "engine/row_changes.hpp"
#include "engine/stored_texts.hpp"
#include "engine/table_schema.hpp"
#include "engine/user_types.hpp"

namespace tickstone::engine {
namespace {

constexpr std::size_t kMostColumns = 1600;  // PostgreSQL's limit

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return out;
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

/// CREATE TABLE (LIKE ... INCLUDING ...).
void add_like(SessionContext& context, catalog::CatalogEdit& edit, catalog::RelationObject& relation,
              const sql::CreateTableStatement::Like& like,
              std::vector<sql::ConstraintDefinition>& constraints) {
  const catalog::RelationObject source = context.relation(like.table);
  for (const auto& column : source.columns) {
    sql::ColumnDefinition definition;
    definition.name = column.name;
    definition.type = column.type;
    definition.not_null = column.not_null;
    if (like.defaults && !column.default_text.empty())
      definition.default_value = sql::parse_expression(column.default_text);
    if (like.generated && !column.generated_text.empty())
      definition.generated = sql::parse_expression(column.generated_text);
    if (like.identity && column.identity != 0) definition.identity_always = column.identity == 'a';
    relation.columns.push_back(make_column(context, edit, relation, definition));
    relation.columns.back().domain = column.domain;
    if (like.comments) relation.columns.back().comment = column.comment;
  }
  using Kind = catalog::ConstraintObject::Kind;
  for (const auto& constraint : source.constraints) {
    sql::ConstraintDefinition definition;
    if (constraint.kind == Kind::Check) {
      if (!like.constraints) continue;
      definition.kind = sql::ConstraintDefinition::Kind::Check;
      definition.name = constraint.name;
      definition.check = sql::parse_expression(constraint.check_text);
    } else if (constraint.kind == Kind::PrimaryKey || constraint.kind == Kind::Unique) {
      if (!like.indexes) continue;
      definition.kind = constraint.kind == Kind::PrimaryKey ? sql::ConstraintDefinition::Kind::PrimaryKey
                                                            : sql::ConstraintDefinition::Kind::Unique;
      for (const auto& index : source.indexes)
        definition.nulls_not_distinct =
            definition.nulls_not_distinct || (index.oid == constraint.index && index.nulls_not_distinct);
    } else {
      continue;  // foreign keys are not copied
    }
    for (const auto id : constraint.columns) definition.columns.push_back(source.find_column(id)->name);
    constraints.push_back(std::move(definition));
  }
}

}  // namespace

/// PostgreSQL's rule for generated names: table_column_suffix.
std::string generated_name(const catalog::Catalog& catalog, catalog::Oid schema, const std::string& table,
                           const std::string& columns, const std::string& suffix) {
  return catalog.free_name(schema, table + (columns.empty() ? "" : "_" + columns) + "_" + suffix);
}

std::string duck_name(std::string_view name) {
  std::string quoted = "\"";
  for (const char c : name) {
    if (c == '"') quoted += c;
    quoted += c;
  }
  return quoted + '"';
}

catalog::Oid sequence_of_default(SessionContext& context, std::string_view text) {
  constexpr std::string_view kCall = "nextval('";
  if (!text.starts_with(kCall)) return 0;
  text.remove_prefix(kCall.size());
  const auto end = text.find('\'');
  if (end == std::string_view::npos) return 0;
  const auto rest = text.substr(end);
  // Names that need quotes are looked up at each use.
  if ((rest != "')" && rest != "'::regclass)") || text.substr(0, end).find('"') != std::string_view::npos)
    return 0;
  std::string name = lower(text.substr(0, end)), schema;
  if (const auto dot = name.find('.'); dot != std::string::npos) {
    schema = name.substr(0, dot);
    name = name.substr(dot + 1);
  }
  const auto* relation = context.find_user_relation(schema, name);
  return relation != nullptr && relation->kind == catalog::RelationKind::Sequence ? relation->oid : 0;
}

void check_generated_columns(SessionContext& context, const catalog::RelationObject& relation) {
  const auto info = context.relation_info(relation);
  for (const auto& column : relation.columns) {
    if (column.generated_text.empty()) continue;
    for (const auto id : catalog::columns_in_expression(relation, column.generated_text)) {
      const auto* source = &*std::find_if(relation.columns.begin(), relation.columns.end(),
                                          [&](const auto& c) { return c.id == id; });
      if (source->generated_text.empty()) continue;
      throw Error(ErrorCode::InvalidObjectDefinition,
                  "cannot use generated column \"" + source->name + "\" in column generation expression",
                  "A generated column cannot reference another generated column.");
    }
    static constexpr std::array kChanging = {"nextval(",
                                             "random(",
                                             "gen_random_uuid(",
                                             "uuid_generate_v4(",
                                             "clock_timestamp(",
                                             "timeofday(",
                                             "now(",
                                             "transaction_timestamp(",
                                             "statement_timestamp(",
                                             "current_timestamp",
                                             "current_date",
                                             "localtimestamp",
                                             "current_time",
                                             "currval(",
                                             "lastval("};
    const std::string text = lower(column.generated_text);
    if (std::any_of(kChanging.begin(), kChanging.end(),
                    [&](const char* name) { return text.find(name) != std::string::npos; })) {
      throw Error(ErrorCode::InvalidObjectDefinition, "generation expression is not immutable");
    }
    // Names that are not there end here.
    (void)sql::Rewriter(context).expressions({sql::parse_expression(column.generated_text)}, &info, "#new");
  }
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
  const ResolvedType resolved = resolve_type(context, definition.type, definition.type_name);
  column.type = resolved.type;
  column.domain = resolved.domain;
  column.not_null = definition.not_null;
  if (definition.default_value) {
    check_default(context, column, definition.default_value);
    column.default_text = text_in_full(context, definition.default_value);
    column.sequence = sequence_of_default(context, column.default_text);
  }
  if (definition.generated) column.generated_text = text_in_full(context, definition.generated);
  if (definition.identity_always) column.identity = *definition.identity_always ? 'a' : 'd';
  if (definition.is_serial || definition.identity_always) {
    if (!is_integer(column.type.id))
      throw Error(ErrorCode::InvalidParameterValue,
                  "identity column type must be smallint, integer, or bigint");
    sql::SequenceOptions options = definition.identity_options;
    if (!options.type) options.type = column.type;
    create_owned_sequence(context, edit, relation, column, options);
    if (definition.is_serial) {
      const auto* sequence = edit.catalog().find_relation(column.sequence);
      column.default_text = "nextval('" + catalog::quote_identifier(sequence->name) + "'::regclass)";
    }
  }
  return column;
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

void throw_not_unique(const catalog::RelationObject& relation, const std::string& index,
                      const Error& duplicate) {
  std::string detail = duplicate.detail();
  if (const auto at = detail.find(" already exists."); at != std::string::npos)
    detail.replace(at, std::string::npos, " is duplicated.");
  throw Error(ErrorCode::UniqueViolation, "could not create unique index \"" + index + "\"", detail)
      .about(relation.name, {}, index);
}

void fill_key_table(SessionContext& context, const catalog::RelationObject& relation,
                    const catalog::IndexObject& index) {
  const UniqueKey key(relation, index);
  const auto info = context.relation_info(relation);
  const auto schema = storage_schema(relation);
  std::vector<storage::ColumnId> found_by = schema.primary_key;
  if (found_by.empty()) found_by.push_back(storage::kRowIdColumn);
  storage::ScanRequest request;
  request.table = relation.table();
  for (const auto column : key.read_columns) request.columns.push_back(relation.columns[column].id);
  request.columns.insert(request.columns.end(), found_by.begin(), found_by.end());
  auto& writes = context.writes("CREATE INDEX");
  const auto view = writes.read_view();
  const auto scan = view->scan(request);
  const auto state = scan->make_state();
  storage::ScanBatch part;
  while (scan->read(*state, part)) {
    context.check_cancelled();
    Batch rows;
    for (std::size_t i = 0; i < part.columns.size(); ++i) {
      const auto* column = relation.find_column(request.columns[i]);
      rows.columns.emplace_back(column != nullptr ? column->type : SqlType::of(TypeId::BigInt),
                                scan->layouts()[i]);
      rows.columns.back().append_all(part.columns[i]);
    }
    KeyEntries entries = key_entries(context, info, key, key.read_columns, rows);
    for (std::size_t i = 0; i < found_by.size(); ++i) {
      const auto& column = rows.columns[key.read_columns.size() + i];
      auto& into = entries.keys.columns.emplace_back(column.type(), column.layout());
      into.append_rows(column.view(), entries.rows.data(), entries.rows.size());
    }
    try {
      insert_entries(context, writes, relation, key, entries.keys);
    } catch (const Error& error) {
      if (error.code() == ErrorCode::UniqueViolation) throw_not_unique(relation, index.name, error);
      throw;
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
      // A query gives labels of enum types as texts.
      const bool is_enum = relation.columns[i].type.id == TypeId::Enum;
      fitted.columns.push_back(cast_column(batch.columns[i].view(), relation.columns[i].type,
                                           is_enum ? CastStrength::Explicit : CastStrength::Assignment,
                                           context.settings().format_context()));
    }
    count += writes.insert(relation.table(), fitted, storage::OnDuplicate::Fail).inserted;
  }
  return count;
}

std::string execute_create_table(Execution& execution, const sql::CreateTableStatement& create) {
  auto& context = execution.context;
  const auto schema_name =
      create.temporary ? context.temporary_schema() : context.creation_schema(create.table.schema).name;
  if (create.temporary && !create.table.schema.empty() && create.table.schema != "pg_temp") {
    throw Error(ErrorCode::InvalidTableDefinition,
                "cannot create temporary relation in non-temporary schema");
  }
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
  for (const auto& constraint : create.constraints) {
    if (constraint.kind == sql::ConstraintDefinition::Kind::ForeignKey)
      context.lock_for_change(constraint.referenced_table, "CREATE TABLE");
  }
  auto& edit = context.edit_catalog("CREATE TABLE");
  catalog::RelationObject relation;
  relation.oid = context.database().store().next_table_id();
  relation.schema = edit.catalog().find_schema(schema_name)->oid;
  relation.name = create.table.name;
  relation.owner = context.user();
  give_first_rights(context, relation);
  relation.temporary = create.temporary;
  using OnCommit = sql::CreateTableStatement::OnCommit;
  if (create.on_commit != OnCommit::PreserveRows && !create.temporary) {
    throw Error(ErrorCode::InvalidTableDefinition, "ON COMMIT can only be used on temporary tables");
  }
  relation.on_commit = create.on_commit == OnCommit::DeleteRows ? 'd'
                       : create.on_commit == OnCommit::Drop     ? 'x'
                                                                : 0;
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
    const auto rewritten =
        locked_within(execution, [&] { return sql::Rewriter(context).query(create.as_query); });
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
  std::vector<sql::ConstraintDefinition> constraints;
  for (const auto& like : create.like_tables) add_like(context, edit, relation, like, constraints);
  for (const auto& definition : create.columns)
    relation.columns.push_back(make_column(context, edit, relation, definition));
  check_generated_columns(context, relation);
  constraints.insert(constraints.end(), create.constraints.begin(), create.constraints.end());
  // Keys first: a foreign key may refer to the table itself.
  const auto is_foreign = [](const auto& constraint) {
    return constraint.kind == sql::ConstraintDefinition::Kind::ForeignKey;
  };
  std::stable_partition(constraints.begin(), constraints.end(), std::not_fn(is_foreign));
  for (const auto& constraint : constraints) add_constraint(context, edit, relation, constraint);
  edit.put_relation(relation);
  create_storage(context, relation);
  if (!hypertable_options.empty()) make_hypertable_by_options(context, relation.oid, hypertable_options);

  if (create.as_query) {
    if (create.with_no_data) return "CREATE TABLE AS";
    const std::uint64_t count = insert_all(context, relation, *stream);
    return "SELECT " + std::to_string(count);
  }
  return tag;
}

}  // namespace tickstone::engine
