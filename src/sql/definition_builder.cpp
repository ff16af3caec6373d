// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <charconv>
#include <set>

#include <fmt/format.h>

#include <tickstone/error.hpp>

#include "sql/statement_builder.hpp"
#include "sql/type_name.hpp"

namespace tickstone::sql {

namespace {

std::vector<std::string> strings_of(std::size_t count, Node* const* nodes) {
  std::vector<std::string> strings;
  for (std::size_t i = 0; i < count; ++i) strings.emplace_back(string_of(nodes[i]));
  return strings;
}

/// The columns that a CHECK reads, each once: its default name contains a lone one.
std::vector<std::string> columns_read(const Node* expression) {
  std::vector<std::string> columns;
  walk(&expression->base, [&](const ProtobufCMessage* message) {
    const auto* reference = as_message<PgQuery__ColumnRef>(message, pg_query__column_ref__descriptor);
    if (reference == nullptr || reference->n_fields == 0) return true;
    std::string name(string_of(reference->fields[reference->n_fields - 1]));
    if (std::find(columns.begin(), columns.end(), name) == columns.end()) columns.push_back(std::move(name));
    return false;
  });
  return columns;
}

std::string lower_case(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

char letter_of(const char* text) { return text != nullptr && *text != '\0' ? *text : 'a'; }

bool is_temporary(const PgQuery__RangeVar* relation) {
  return std::string_view(relation->relpersistence) == "t" ||
         std::string_view(relation->schemaname) == "pg_temp";
}

bool has_cascade(PgQuery__DropBehavior behavior) { return behavior == PG_QUERY__DROP_BEHAVIOR__DROP_CASCADE; }

std::string collation_of(const PgQuery__CollateClause* clause) {
  return clause != nullptr && clause->n_collname > 0 ? string_of(clause->collname[clause->n_collname - 1])
                                                     : "";
}

CreateTableStatement::OnCommit on_commit_of(PgQuery__OnCommitAction action) {
  return action == PG_QUERY__ON_COMMIT_ACTION__ONCOMMIT_DELETE_ROWS
             ? CreateTableStatement::OnCommit::DeleteRows
         : action == PG_QUERY__ON_COMMIT_ACTION__ONCOMMIT_DROP ? CreateTableStatement::OnCommit::Drop
                                                               : CreateTableStatement::OnCommit::PreserveRows;
}

// LIKE's option bits.
constexpr std::uint32_t kLikeComments = 1U << 0;
constexpr std::uint32_t kLikeConstraints = 1U << 2;
constexpr std::uint32_t kLikeDefaults = 1U << 3;
constexpr std::uint32_t kLikeGenerated = 1U << 4;
constexpr std::uint32_t kLikeIdentity = 1U << 5;
constexpr std::uint32_t kLikeIndexes = 1U << 6;

char relation_kind_of(PgQuery__ObjectType type) {
  switch (type) {
    case PG_QUERY__OBJECT_TYPE__OBJECT_VIEW:
      return 'v';
    case PG_QUERY__OBJECT_TYPE__OBJECT_MATVIEW:
      return 'm';
    case PG_QUERY__OBJECT_TYPE__OBJECT_INDEX:
      return 'i';
    case PG_QUERY__OBJECT_TYPE__OBJECT_SEQUENCE:
      return 'S';
    default:
      return 'r';
  }
}

/// The words of an object type: OBJECT_FOREIGN_TABLE is FOREIGN TABLE.
std::string words_of(PgQuery__ObjectType type) {
  switch (type) {
    case PG_QUERY__OBJECT_TYPE__OBJECT_MATVIEW:
      return "MATERIALIZED VIEW";
    case PG_QUERY__OBJECT_TYPE__OBJECT_TABCONSTRAINT:
      return "CONSTRAINT";
    case PG_QUERY__OBJECT_TYPE__OBJECT_FDW:
      return "FOREIGN DATA WRAPPER";
    case PG_QUERY__OBJECT_TYPE__OBJECT_FOREIGN_SERVER:
      return "SERVER";
    default:
      break;
  }
  const ProtobufCEnumValue* value =
      protobuf_c_enum_descriptor_get_value(&pg_query__object_type__descriptor, static_cast<int>(type));
  std::string words = value != nullptr ? value->name : "OBJECT";
  if (words.starts_with("OBJECT_")) words.erase(0, 7);
  std::replace(words.begin(), words.end(), '_', ' ');
  return words;
}

}  // namespace

ConstraintDefinition StatementBuilder::constraint_of(const PgQuery__Constraint& constraint) const {
  ConstraintDefinition out;
  out.name = constraint.conname;
  out.is_deferrable = constraint.deferrable != 0;
  out.is_deferred = constraint.initdeferred != 0;
  out.is_not_valid = constraint.skip_validation != 0;
  if (out.is_deferrable && constraint.contype != PG_QUERY__CONSTR_TYPE__CONSTR_FOREIGN)
    refuse("a DEFERRABLE constraint that is no foreign key", constraint.location);
  switch (constraint.contype) {
    case PG_QUERY__CONSTR_TYPE__CONSTR_PRIMARY:
    case PG_QUERY__CONSTR_TYPE__CONSTR_UNIQUE:
      out.kind = constraint.contype == PG_QUERY__CONSTR_TYPE__CONSTR_PRIMARY
                     ? ConstraintDefinition::Kind::PrimaryKey
                     : ConstraintDefinition::Kind::Unique;
      out.nulls_not_distinct = constraint.nulls_not_distinct != 0;
      if (*constraint.indexname != '\0') refuse("a constraint USING INDEX", constraint.location);
      out.columns = strings_of(constraint.n_keys, constraint.keys);
      break;
    case PG_QUERY__CONSTR_TYPE__CONSTR_CHECK:
      out.kind = ConstraintDefinition::Kind::Check;
      out.check = expr(constraint.raw_expr);
      out.columns = columns_read(constraint.raw_expr);
      break;
    case PG_QUERY__CONSTR_TYPE__CONSTR_FOREIGN:
      out.kind = ConstraintDefinition::Kind::ForeignKey;
      out.columns = strings_of(constraint.n_fk_attrs, constraint.fk_attrs);
      out.referenced_table = name_of(constraint.pktable);
      out.referenced_columns = strings_of(constraint.n_pk_attrs, constraint.pk_attrs);
      out.on_delete = letter_of(constraint.fk_del_action);
      out.on_update = letter_of(constraint.fk_upd_action);
      out.matches_full = *constraint.fk_matchtype == 'f';
      if (out.matches_full && out.is_deferrable && out.columns.size() > 1)
        refuse("a DEFERRABLE constraint with MATCH FULL", constraint.location);
      if (*constraint.fk_matchtype == 'p') refuse("MATCH PARTIAL", constraint.location);
      if (constraint.n_fk_del_set_cols > 0) refuse("ON DELETE SET of some columns", constraint.location);
      break;
    case PG_QUERY__CONSTR_TYPE__CONSTR_EXCLUSION:
      refuse("EXCLUDE", constraint.location);
    default:
      refuse("this constraint", constraint.location);
  }
  return out;
}

ColumnDefinition StatementBuilder::column_of(const PgQuery__ColumnDef& column, const std::string& table,
                                             std::vector<ConstraintDefinition>& constraints) const {
  ColumnDefinition out;
  out.name = column.colname;
  if (column.type_name != nullptr) {
    auto written = written_type_of(*tree_, *column.type_name, &out.is_serial);
    out.type = written.type;
    out.type_name = std::move(written.name);
  }
  out.collation = collation_of(column.coll_clause);
  bool is_null = false;
  int null_location = column.location;
  for (std::size_t i = 0; i < column.n_constraints; ++i) {
    const PgQuery__Constraint& constraint = *column.constraints[i]->constraint;
    const auto fail = [&](ErrorCode code, const std::string& message) {
      throw Error(code, message).at(tree_->position(constraint.location));
    };
    switch (constraint.contype) {
      case PG_QUERY__CONSTR_TYPE__CONSTR_NULL:
        is_null = true;
        null_location = constraint.location;
        break;
      case PG_QUERY__CONSTR_TYPE__CONSTR_NOTNULL:
        out.not_null = true;
        null_location = constraint.location;
        break;
      case PG_QUERY__CONSTR_TYPE__CONSTR_DEFAULT:
        if (out.default_value)
          fail(ErrorCode::SyntaxError,
               fmt::format("multiple default values specified for column \"{}\" of table \"{}\"", out.name,
                           table));
        out.default_value = expr(constraint.raw_expr);
        break;
      case PG_QUERY__CONSTR_TYPE__CONSTR_IDENTITY:
        if (out.identity_always)
          fail(ErrorCode::SyntaxError,
               fmt::format("multiple identity specifications for column \"{}\" of table \"{}\"", out.name,
                           table));
        out.identity_always = std::string_view(constraint.generated_when) == "a";
        out.identity_options = sequence_options_of(constraint.n_options, constraint.options);
        out.not_null = true;
        break;
      case PG_QUERY__CONSTR_TYPE__CONSTR_GENERATED:
        out.generated = expr(constraint.raw_expr);
        break;
      case PG_QUERY__CONSTR_TYPE__CONSTR_ATTR_NOT_DEFERRABLE:
      case PG_QUERY__CONSTR_TYPE__CONSTR_ATTR_IMMEDIATE:
        break;
      case PG_QUERY__CONSTR_TYPE__CONSTR_ATTR_DEFERRABLE:
      case PG_QUERY__CONSTR_TYPE__CONSTR_ATTR_DEFERRED:
        // They say something of the constraint before them.
        if (constraints.empty() || constraints.back().kind != ConstraintDefinition::Kind::ForeignKey)
          refuse("a DEFERRABLE constraint that is no foreign key", constraint.location);
        constraints.back().is_deferrable = true;
        if (constraint.contype == PG_QUERY__CONSTR_TYPE__CONSTR_ATTR_DEFERRED)
          constraints.back().is_deferred = true;
        break;
      default: {
        ConstraintDefinition table_constraint = constraint_of(constraint);
        if (table_constraint.kind == ConstraintDefinition::Kind::PrimaryKey) out.not_null = true;
        if (table_constraint.kind != ConstraintDefinition::Kind::Check) table_constraint.columns = {out.name};
        constraints.push_back(std::move(table_constraint));
      }
    }
  }
  if (out.is_serial) {
    if (out.default_value) {
      throw Error(
          ErrorCode::SyntaxError,
          fmt::format("multiple default values specified for column \"{}\" of table \"{}\"", out.name, table))
          .at(tree_->position(column.location));
    }
    out.not_null = true;
  }
  if (is_null && out.not_null) {
    throw Error(ErrorCode::SyntaxError,
                fmt::format("conflicting NULL/NOT NULL declarations for column \"{}\" of table \"{}\"",
                            out.name, table))
        .at(tree_->position(null_location));
  }
  if (out.default_value && (out.identity_always || out.generated)) {
    throw Error(ErrorCode::SyntaxError,
                fmt::format("both default and {} specified for column \"{}\" of table \"{}\"",
                            out.generated ? "generation expression" : "identity", out.name, table))
        .at(tree_->position(column.location));
  }
  return out;
}

void StatementBuilder::build_create_table(const PgQuery__CreateStmt& create, Statement& out) {
  if (create.n_inh_relations > 0) refuse("INHERITS");
  if (create.partspec != nullptr || create.partbound != nullptr)
    refuse("PARTITION BY", create.partspec != nullptr ? create.partspec->location : -1);
  if (create.of_typename != nullptr) refuse("CREATE TABLE OF");
  CreateTableStatement body;
  out.tag = "CREATE TABLE";
  body.table = name_of(create.relation);
  body.if_not_exists = create.if_not_exists != 0;
  body.temporary = is_temporary(create.relation);
  body.unlogged = std::string_view(create.relation->relpersistence) == "u";
  body.on_commit = on_commit_of(create.oncommit);
  std::set<std::string> names;
  bool has_primary_key = false;
  const auto check_primary_keys = [&](std::size_t from, int location) {
    for (std::size_t i = from; i < body.constraints.size(); ++i) {
      if (body.constraints[i].kind != ConstraintDefinition::Kind::PrimaryKey) continue;
      if (has_primary_key) {
        throw Error(ErrorCode::InvalidTableDefinition,
                    fmt::format("multiple primary keys for table \"{}\" are not allowed", body.table.name))
            .at(tree_->position(location));
      }
      has_primary_key = true;
    }
  };
  for (std::size_t i = 0; i < create.n_table_elts; ++i) {
    const Node* element = create.table_elts[i];
    const std::size_t constraint_count = body.constraints.size();
    if (element->node_case == PG_QUERY__NODE__NODE_COLUMN_DEF) {
      body.columns.push_back(column_of(*element->column_def, body.table.name, body.constraints));
      if (!names.insert(body.columns.back().name).second) {
        throw Error(ErrorCode::DuplicateColumn,
                    fmt::format("column \"{}\" specified more than once", body.columns.back().name));
      }
      int location = element->column_def->location;
      for (std::size_t k = 0; k < element->column_def->n_constraints; ++k) {
        const PgQuery__Constraint& constraint = *element->column_def->constraints[k]->constraint;
        if (constraint.contype == PG_QUERY__CONSTR_TYPE__CONSTR_PRIMARY) location = constraint.location;
      }
      check_primary_keys(constraint_count, location);
    } else if (element->node_case == PG_QUERY__NODE__NODE_CONSTRAINT) {
      body.constraints.push_back(constraint_of(*element->constraint));
      check_primary_keys(constraint_count, element->constraint->location);
    } else if (element->node_case == PG_QUERY__NODE__NODE_TABLE_LIKE_CLAUSE) {
      const PgQuery__TableLikeClause& clause = *element->table_like_clause;
      CreateTableStatement::Like like{name_of(clause.relation)};
      like.comments = (clause.options & kLikeComments) != 0;
      like.constraints = (clause.options & kLikeConstraints) != 0;
      like.defaults = (clause.options & kLikeDefaults) != 0;
      like.generated = (clause.options & kLikeGenerated) != 0;
      like.identity = (clause.options & kLikeIdentity) != 0;
      like.indexes = (clause.options & kLikeIndexes) != 0;
      body.like_tables.push_back(std::move(like));
    } else {
      refuse("this part of CREATE TABLE");
    }
  }
  body.options = options_of(create.n_options, create.options);
  out.body = std::move(body);
}

void StatementBuilder::build_create_table_as(const PgQuery__CreateTableAsStmt& create, Statement& out) {
  const PgQuery__IntoClause& into = *create.into;
  if (create.query->node_case != PG_QUERY__NODE__NODE_SELECT_STMT) refuse("CREATE TABLE AS EXECUTE");
  if (create.objtype == PG_QUERY__OBJECT_TYPE__OBJECT_MATVIEW) {
    CreateMaterializedViewStatement body;
    out.tag = "CREATE MATERIALIZED VIEW";
    body.view = name_of(into.rel);
    body.if_not_exists = create.if_not_exists != 0;
    body.with_no_data = into.skip_data != 0;
    body.columns = strings_of(into.n_col_names, into.col_names);
    body.options = options_of(into.n_options, into.options);
    body.query = expr(create.query);
    out.body = std::move(body);
    return;
  }
  CreateTableStatement body;
  out.tag = into.skip_data != 0 ? "CREATE TABLE AS" : "SELECT";
  body.table = name_of(into.rel);
  body.if_not_exists = create.if_not_exists != 0;
  body.temporary = is_temporary(into.rel);
  body.unlogged = std::string_view(into.rel->relpersistence) == "u";
  body.on_commit = on_commit_of(into.on_commit);
  body.options = options_of(into.n_options, into.options);
  body.as_query = expr(create.query);
  body.as_columns = strings_of(into.n_col_names, into.col_names);
  body.with_no_data = into.skip_data != 0;
  out.body = std::move(body);
}

void StatementBuilder::build_select_into(const Node* node, const PgQuery__IntoClause& into, Statement& out) {
  CreateTableStatement body;
  out.tag = "SELECT";
  body.table = name_of(into.rel);
  body.temporary = is_temporary(into.rel);
  body.unlogged = std::string_view(into.rel->relpersistence) == "u";
  body.as_query = expr(node);
  out.body = std::move(body);
}

void StatementBuilder::build_create_index(const PgQuery__IndexStmt& index, Statement& out) {
  CreateIndexStatement body;
  out.tag = "CREATE INDEX";
  body.name = index.idxname;
  body.table = name_of(index.relation);
  body.method = *index.access_method != '\0' ? index.access_method : "btree";
  body.unique = index.unique != 0;
  body.if_not_exists = index.if_not_exists != 0;
  body.concurrently = index.concurrent != 0;
  body.nulls_not_distinct = index.nulls_not_distinct != 0;
  for (std::size_t i = 0; i < index.n_index_params; ++i) {
    const PgQuery__IndexElem* element = index.index_params[i]->index_elem;
    CreateIndexStatement::Key key;
    key.column = element->name;
    key.expression = expr(element->expr);
    key.descending = element->ordering == PG_QUERY__SORT_BY_DIR__SORTBY_DESC;
    if (element->nulls_ordering == PG_QUERY__SORT_BY_NULLS__SORTBY_NULLS_FIRST) key.nulls_first = true;
    if (element->nulls_ordering == PG_QUERY__SORT_BY_NULLS__SORTBY_NULLS_LAST) key.nulls_first = false;
    body.keys.push_back(std::move(key));
  }
  for (std::size_t i = 0; i < index.n_index_including_params; ++i) {
    body.include.emplace_back(index.index_including_params[i]->index_elem->name);
  }
  body.where = expr(index.where_clause);
  body.options = options_of(index.n_options, index.options);
  out.body = std::move(body);
}

void StatementBuilder::build_create_view(const PgQuery__ViewStmt& view, Statement& out) {
  for (std::size_t i = 0; i < view.n_options; ++i) {
    const PgQuery__DefElem& option = *view.options[i]->def_elem;
    const std::string_view prefix = option.defnamespace;
    if (prefix != "timescaledb" && prefix != "tsdb") continue;
    throw Error(ErrorCode::FeatureNotSupported, "cannot create continuous aggregate with CREATE VIEW", {},
                "Use CREATE MATERIALIZED VIEW to create a continuous aggregate.");
  }
  CreateViewStatement body;
  out.tag = "CREATE VIEW";
  body.view = name_of(view.view);
  body.or_replace = view.replace != 0;
  body.temporary = is_temporary(view.view);
  body.columns = strings_of(view.n_aliases, view.aliases);
  body.query = expr(view.query);
  body.options = options_of(view.n_options, view.options);
  if (view.with_check_option == PG_QUERY__VIEW_CHECK_OPTION__LOCAL_CHECK_OPTION)
    body.options.push_back({"check_option", "local"});
  if (view.with_check_option == PG_QUERY__VIEW_CHECK_OPTION__CASCADED_CHECK_OPTION)
    body.options.push_back({"check_option", "cascaded"});
  out.body = std::move(body);
}

SequenceOptions StatementBuilder::sequence_options_of(std::size_t count, Node* const* options) const {
  SequenceOptions out;
  std::set<std::string_view> seen;
  for (std::size_t i = 0; i < count; ++i) {
    const PgQuery__DefElem* element = options[i]->def_elem;
    const std::string_view name = element->defname;
    if (!seen.insert(name).second) {
      throw Error(ErrorCode::SyntaxError, "conflicting or redundant options")
          .at(tree_->position(element->location));
    }
    if (name == "as") {
      out.type = sql_type_of(*tree_, *element->arg->type_name);
      continue;
    }
    if (name == "cycle") {
      out.cycle = option_value(element->arg) != "false";
      continue;
    }
    if (name == "sequence_name") {  // of an identity column, which owns it in any case
      out.owned_by = strings_of(element->arg->list->n_items, element->arg->list->items);
      continue;
    }
    if (name == "owned_by") {
      out.owned_by = strings_of(element->arg->list->n_items, element->arg->list->items);
      if (out.owned_by->size() == 1 && lower_case(out.owned_by->front()) == "none") out.owned_by->clear();
      continue;
    }
    if (name == "restart") out.restarts = true;
    if (element->arg == nullptr) {
      if (name == "minvalue") out.no_minimum = true;
      if (name == "maxvalue") out.no_maximum = true;
      continue;
    }
    const std::string text = option_value(element->arg);
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) {
      throw Error(ErrorCode::NumericValueOutOfRange,
                  fmt::format("value \"{}\" is out of range for type bigint", text));
    }
    if (name == "start") out.start = value;
    if (name == "restart") out.restart = value;
    if (name == "increment") out.increment = value;
    if (name == "minvalue") out.minimum = value;
    if (name == "maxvalue") out.maximum = value;
    if (name == "cache") out.cache = value;
  }
  return out;
}

void StatementBuilder::build_create_sequence(const PgQuery__CreateSeqStmt& sequence, Statement& out) {
  CreateSequenceStatement body;
  out.tag = "CREATE SEQUENCE";
  body.sequence = name_of(sequence.sequence);
  body.if_not_exists = sequence.if_not_exists != 0;
  body.temporary = is_temporary(sequence.sequence);
  body.options = sequence_options_of(sequence.n_options, sequence.options);
  out.body = std::move(body);
}

void StatementBuilder::build_alter_sequence(const PgQuery__AlterSeqStmt& sequence, Statement& out) {
  AlterSequenceStatement body;
  out.tag = "ALTER SEQUENCE";
  body.sequence = name_of(sequence.sequence);
  body.if_exists = sequence.missing_ok != 0;
  body.options = sequence_options_of(sequence.n_options, sequence.options);
  out.body = std::move(body);
}

void StatementBuilder::build_set_schema(const PgQuery__AlterObjectSchemaStmt& set, Statement& out) {
  SetSchemaStatement body;
  body.kind = words_of(set.object_type);
  out.tag = "ALTER " + body.kind;
  if (build_alter_function(set.object_type, set.object, AlterFunctionStatement::Change::SetSchema,
                           set.newschema, out))
    return;
  if (set.relation == nullptr) refuse(out.tag + " ... SET SCHEMA");
  body.object = name_of(set.relation);
  body.schema = set.newschema;
  body.if_exists = set.missing_ok != 0;
  out.body = std::move(body);
}

void StatementBuilder::build_alter_table(const PgQuery__AlterTableStmt& alter, Statement& out) {
  using Kind = AlterTableStatement::Command::Kind;
  AlterTableStatement body;
  body.table = name_of(alter.relation);
  body.if_exists = alter.missing_ok != 0;
  body.relation_kind = relation_kind_of(alter.objtype);
  out.tag = "ALTER " + words_of(alter.objtype);
  for (std::size_t i = 0; i < alter.n_cmds; ++i) {
    const PgQuery__AlterTableCmd& cmd = *alter.cmds[i]->alter_table_cmd;
    AlterTableStatement::Command command;
    command.name = cmd.name;
    command.cascade = has_cascade(cmd.behavior);
    std::vector<ConstraintDefinition> constraints;
    switch (cmd.subtype) {
      case PG_QUERY__ALTER_TABLE_TYPE__AT_AddColumn:
        command.kind = Kind::AddColumn;
        command.if_not_exists = cmd.missing_ok != 0;
        command.column = column_of(*cmd.def->column_def, body.table.name, constraints);
        command.name = command.column.name;
        break;
      case PG_QUERY__ALTER_TABLE_TYPE__AT_DropColumn:
        command.kind = Kind::DropColumn;
        command.if_exists = cmd.missing_ok != 0;
        break;
      case PG_QUERY__ALTER_TABLE_TYPE__AT_AlterColumnType: {
        const PgQuery__ColumnDef& column = *cmd.def->column_def;
        command.kind = Kind::AlterType;
        auto written = written_type_of(*tree_, *column.type_name);
        command.type = written.type;
        command.type_name = std::move(written.name);
        command.expression = expr(column.raw_default);
        break;
      }
      case PG_QUERY__ALTER_TABLE_TYPE__AT_ColumnDefault:
        command.kind = cmd.def != nullptr ? Kind::SetDefault : Kind::DropDefault;
        command.expression = expr(cmd.def);
        break;
      case PG_QUERY__ALTER_TABLE_TYPE__AT_SetNotNull:
        command.kind = Kind::SetNotNull;
        break;
      case PG_QUERY__ALTER_TABLE_TYPE__AT_DropNotNull:
        command.kind = Kind::DropNotNull;
        break;
      case PG_QUERY__ALTER_TABLE_TYPE__AT_DropExpression:
        command.kind = Kind::DropExpression;
        command.if_exists = cmd.missing_ok != 0;
        break;
      case PG_QUERY__ALTER_TABLE_TYPE__AT_AddIdentity:
        command.kind = Kind::AddIdentity;
        command.identity_always = std::string_view(cmd.def->constraint->generated_when) == "a";
        command.sequence = sequence_options_of(cmd.def->constraint->n_options, cmd.def->constraint->options);
        break;
      case PG_QUERY__ALTER_TABLE_TYPE__AT_SetIdentity: {
        command.kind = Kind::SetIdentity;
        std::vector<Node*> options;
        for (std::size_t k = 0; cmd.def != nullptr && k < cmd.def->list->n_items; ++k) {
          Node* item = cmd.def->list->items[k];
          if (std::string_view(item->def_elem->defname) == "generated") {
            command.identity_always = option_value(item->def_elem->arg) == std::to_string('a');
          } else {
            options.push_back(item);
          }
        }
        command.sequence = sequence_options_of(options.size(), options.data());
        break;
      }
      case PG_QUERY__ALTER_TABLE_TYPE__AT_DropIdentity:
        command.kind = Kind::DropIdentity;
        command.if_exists = cmd.missing_ok != 0;
        break;
      case PG_QUERY__ALTER_TABLE_TYPE__AT_ValidateConstraint:
        command.kind = Kind::ValidateConstraint;
        break;
      case PG_QUERY__ALTER_TABLE_TYPE__AT_AlterConstraint:
        command.kind = Kind::AlterConstraint;
        command.name = cmd.def->constraint->conname;
        command.constraint.is_deferrable = cmd.def->constraint->deferrable != 0;
        command.constraint.is_deferred = cmd.def->constraint->initdeferred != 0;
        break;
      case PG_QUERY__ALTER_TABLE_TYPE__AT_SetStatistics:
      case PG_QUERY__ALTER_TABLE_TYPE__AT_SetStorage:
      case PG_QUERY__ALTER_TABLE_TYPE__AT_SetCompression:
      case PG_QUERY__ALTER_TABLE_TYPE__AT_ClusterOn:
      case PG_QUERY__ALTER_TABLE_TYPE__AT_DropCluster:
      case PG_QUERY__ALTER_TABLE_TYPE__AT_ReplicaIdentity:
        command.kind = Kind::Nothing;
        break;
      case PG_QUERY__ALTER_TABLE_TYPE__AT_AddConstraint:
        command.kind = Kind::AddConstraint;
        command.constraint = constraint_of(*cmd.def->constraint);
        command.name = command.constraint.name;
        break;
      case PG_QUERY__ALTER_TABLE_TYPE__AT_DropConstraint:
        command.kind = Kind::DropConstraint;
        command.if_exists = cmd.missing_ok != 0;
        break;
      case PG_QUERY__ALTER_TABLE_TYPE__AT_SetRelOptions:
      case PG_QUERY__ALTER_TABLE_TYPE__AT_ResetRelOptions:
        command.kind = cmd.subtype == PG_QUERY__ALTER_TABLE_TYPE__AT_SetRelOptions ? Kind::SetOptions
                                                                                   : Kind::ResetOptions;
        if (cmd.def != nullptr && cmd.def->node_case == PG_QUERY__NODE__NODE_LIST) {
          command.options = options_of(cmd.def->list->n_items, cmd.def->list->items);
        }
        break;
      case PG_QUERY__ALTER_TABLE_TYPE__AT_SetTableSpace:
        command.kind = Kind::SetTablespace;
        break;
      case PG_QUERY__ALTER_TABLE_TYPE__AT_EnableTrig:
      case PG_QUERY__ALTER_TABLE_TYPE__AT_EnableAlwaysTrig:
      case PG_QUERY__ALTER_TABLE_TYPE__AT_EnableReplicaTrig:
      case PG_QUERY__ALTER_TABLE_TYPE__AT_DisableTrig:
        command.kind = Kind::Trigger;
        break;
      case PG_QUERY__ALTER_TABLE_TYPE__AT_EnableTrigAll:
      case PG_QUERY__ALTER_TABLE_TYPE__AT_DisableTrigAll:
      case PG_QUERY__ALTER_TABLE_TYPE__AT_EnableTrigUser:
      case PG_QUERY__ALTER_TABLE_TYPE__AT_DisableTrigUser:
        command.kind = Kind::Trigger;
        command.name.clear();
        if (cmd.subtype == PG_QUERY__ALTER_TABLE_TYPE__AT_DisableTrigAll)
          command.description = "DISABLE TRIGGER ALL";
        break;
      case PG_QUERY__ALTER_TABLE_TYPE__AT_ChangeOwner:
        command.kind = Kind::OwnerTo;
        if (cmd.newowner != nullptr) command.name = role_name_of(*cmd.newowner);
        break;
      default: {
        const ProtobufCEnumValue* value = protobuf_c_enum_descriptor_get_value(
            &pg_query__alter_table_type__descriptor, static_cast<int>(cmd.subtype));
        command.kind = Kind::Other;
        // AT_SetStatistics is SET STATISTICS.
        for (const char* c = value != nullptr ? value->name + 3 : "?"; *c != '\0'; ++c) {
          if (*c >= 'A' && *c <= 'Z' && !command.description.empty()) command.description += ' ';
          command.description += static_cast<char>(std::toupper(static_cast<unsigned char>(*c)));
        }
      }
    }
    body.commands.push_back(std::move(command));
    for (ConstraintDefinition& constraint : constraints) {
      AlterTableStatement::Command added;
      added.kind = Kind::AddConstraint;
      added.name = constraint.name;
      added.is_of_column = true;
      added.constraint = std::move(constraint);
      body.commands.push_back(std::move(added));
    }
  }
  out.body = std::move(body);
}

void StatementBuilder::build_rename(const PgQuery__RenameStmt& rename, Statement& out) {
  using What = RenameStatement::What;
  if (build_alter_function(rename.rename_type, rename.object, AlterFunctionStatement::Change::Rename,
                           rename.newname, out))
    return;
  RenameStatement body;
  if (rename.relation != nullptr) body.object = name_of(rename.relation);
  body.old_name = rename.subname;
  body.new_name = rename.newname;
  body.if_exists = rename.missing_ok != 0;
  PgQuery__ObjectType tagged = rename.rename_type;
  switch (rename.rename_type) {
    case PG_QUERY__OBJECT_TYPE__OBJECT_TABLE:
      body.what = What::Table;
      break;
    case PG_QUERY__OBJECT_TYPE__OBJECT_COLUMN:
      body.what = What::Column;
      tagged = rename.relation_type;
      break;
    case PG_QUERY__OBJECT_TYPE__OBJECT_TABCONSTRAINT:
      body.what = What::Constraint;
      tagged = PG_QUERY__OBJECT_TYPE__OBJECT_TABLE;
      break;
    case PG_QUERY__OBJECT_TYPE__OBJECT_VIEW:
      body.what = What::View;
      break;
    case PG_QUERY__OBJECT_TYPE__OBJECT_MATVIEW:
      body.what = What::MaterializedView;
      break;
    case PG_QUERY__OBJECT_TYPE__OBJECT_INDEX:
      body.what = What::Index;
      break;
    case PG_QUERY__OBJECT_TYPE__OBJECT_SEQUENCE:
      body.what = What::Sequence;
      break;
    case PG_QUERY__OBJECT_TYPE__OBJECT_SCHEMA:
      body.what = What::Schema;
      body.object.name = rename.subname;
      break;
    default:
      body.what = What::Other;
      if (body.object.name.empty()) body.object.name = rename.subname;
  }
  out.tag = "ALTER " + words_of(tagged);
  body.tag = out.tag;
  out.body = std::move(body);
}

void StatementBuilder::build_drop(const PgQuery__DropStmt& drop, Statement& out) {
  using What = DropStatement::What;
  DropStatement body;
  body.if_exists = drop.missing_ok != 0;
  body.cascade = has_cascade(drop.behavior);
  body.concurrently = drop.concurrent != 0;
  body.description = words_of(drop.remove_type);
  out.tag = "DROP " + body.description;
  switch (drop.remove_type) {
    case PG_QUERY__OBJECT_TYPE__OBJECT_TABLE:
      body.what = What::Table;
      break;
    case PG_QUERY__OBJECT_TYPE__OBJECT_VIEW:
      body.what = What::View;
      break;
    case PG_QUERY__OBJECT_TYPE__OBJECT_MATVIEW:
      body.what = What::MaterializedView;
      break;
    case PG_QUERY__OBJECT_TYPE__OBJECT_INDEX:
      body.what = What::Index;
      break;
    case PG_QUERY__OBJECT_TYPE__OBJECT_SEQUENCE:
      body.what = What::Sequence;
      break;
    case PG_QUERY__OBJECT_TYPE__OBJECT_SCHEMA:
      body.what = What::Schema;
      break;
    case PG_QUERY__OBJECT_TYPE__OBJECT_EXTENSION:
      body.what = What::Extension;
      break;
    default:
      body.what = What::Other;
  }
  for (std::size_t i = 0; i < drop.n_objects; ++i) body.names.push_back(name_of_list(drop.objects[i]));
  out.body = std::move(body);
}

void StatementBuilder::build_comment(const PgQuery__CommentStmt& comment, Statement& out) {
  CommentStatement body;
  out.tag = "COMMENT";
  body.object_kind = words_of(comment.objtype);
  std::transform(body.object_kind.begin(), body.object_kind.end(), body.object_kind.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  const bool is_part = comment.objtype == PG_QUERY__OBJECT_TYPE__OBJECT_COLUMN ||
                       comment.objtype == PG_QUERY__OBJECT_TYPE__OBJECT_TABCONSTRAINT;
  if (is_part && comment.object->node_case == PG_QUERY__NODE__NODE_LIST) {
    const PgQuery__List* list = comment.object->list;
    if (list->n_items > 0) body.column = string_of(list->items[list->n_items - 1]);
    if (list->n_items > 1) body.object.name = string_of(list->items[list->n_items - 2]);
    if (list->n_items > 2) body.object.schema = string_of(list->items[list->n_items - 3]);
  } else if (comment.object->node_case == PG_QUERY__NODE__NODE_OBJECT_WITH_ARGS) {
    auto target = function_target(*comment.object->object_with_args);
    body.object = std::move(target.name);
    body.argument_types = std::move(target.argument_types);
  } else {
    body.object = name_of_list(comment.object);
  }
  // The tree does not tell '' from NULL; both remove the comment.
  if (*comment.comment != '\0') body.text = comment.comment;
  out.body = std::move(body);
}

}  // namespace tickstone::sql
