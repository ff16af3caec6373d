// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include <tickstone/error.hpp>

#include "sql/statement_builder.hpp"
#include "sql/type_name.hpp"

namespace tickstone::sql {

namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

bool is_on(const std::string& value) {
  const std::string word = lower(value);
  return !(word == "false" || word == "off" || word == "0" || word == "no");
}

// DECLARE's option bits.
constexpr int kBinaryCursor = 0x01;
constexpr int kScrollCursor = 0x02;
constexpr int kNoScrollCursor = 0x04;
constexpr int kHoldCursor = 0x20;

}  // namespace

bool StatementBuilder::build_session(const Node* node, Statement& out) {
  const auto utility = [&](std::string command, std::vector<QualifiedName> tables = {}) {
    out.tag = command;
    out.body = UtilityStatement{std::move(command), std::move(tables)};
    return true;
  };
  const auto notification = [&](NotificationStatement statement) {
    using Action = NotificationStatement::Action;
    out.tag = statement.action == Action::Listen   ? "LISTEN"
              : statement.action == Action::Notify ? "NOTIFY"
                                                   : "UNLISTEN";
    out.body = std::move(statement);
    return true;
  };
  switch (node->node_case) {
    case PG_QUERY__NODE__NODE_TRANSACTION_STMT:
      build_transaction(*node->transaction_stmt, out);
      return true;
    case PG_QUERY__NODE__NODE_VARIABLE_SET_STMT:
      build_set(*node->variable_set_stmt, out);
      return true;
    case PG_QUERY__NODE__NODE_ALTER_SYSTEM_STMT:
      // The setting as SET has it; the tag tells them apart.
      build_set(*node->alter_system_stmt->setstmt, out);
      out.tag = "ALTER SYSTEM";
      return true;
    case PG_QUERY__NODE__NODE_VARIABLE_SHOW_STMT:
      build_show(*node->variable_show_stmt, out);
      return true;
    case PG_QUERY__NODE__NODE_EXPLAIN_STMT:
      build_explain(*node->explain_stmt, out);
      return true;
    case PG_QUERY__NODE__NODE_PREPARE_STMT:
      build_prepare(*node->prepare_stmt, out);
      return true;
    case PG_QUERY__NODE__NODE_DECLARE_CURSOR_STMT:
      build_declare(*node->declare_cursor_stmt, out);
      return true;
    case PG_QUERY__NODE__NODE_FETCH_STMT:
      build_fetch(*node->fetch_stmt, out);
      return true;
    case PG_QUERY__NODE__NODE_VACUUM_STMT:
      build_vacuum(*node->vacuum_stmt, out);
      return true;
    case PG_QUERY__NODE__NODE_CREATE_ROLE_STMT:
    case PG_QUERY__NODE__NODE_ALTER_ROLE_STMT:
    case PG_QUERY__NODE__NODE_DROP_ROLE_STMT:
      build_role(node, out);
      return true;
    case PG_QUERY__NODE__NODE_EXECUTE_STMT: {
      ExecuteStatement body{node->execute_stmt->name, {}};
      for (std::size_t i = 0; i < node->execute_stmt->n_params; ++i)
        body.arguments.push_back(expr(node->execute_stmt->params[i]));
      out.tag = "EXECUTE";
      out.body = std::move(body);
      return true;
    }
    case PG_QUERY__NODE__NODE_DEALLOCATE_STMT: {
      const std::string name = node->deallocate_stmt->name;
      out.tag = name.empty() ? "DEALLOCATE ALL" : "DEALLOCATE";
      out.body = DeallocateStatement{name, name.empty()};
      return true;
    }
    case PG_QUERY__NODE__NODE_CLOSE_PORTAL_STMT: {
      const std::string name = node->close_portal_stmt->portalname;
      CursorStatement body;
      body.action = name.empty() ? CursorStatement::Action::CloseAll : CursorStatement::Action::Close;
      body.name = name;
      out.tag = name.empty() ? "CLOSE CURSOR ALL" : "CLOSE CURSOR";
      out.body = std::move(body);
      return true;
    }
    case PG_QUERY__NODE__NODE_LOCK_STMT: {
      std::vector<QualifiedName> tables;
      for (std::size_t i = 0; i < node->lock_stmt->n_relations; ++i)
        tables.push_back(name_of(node->lock_stmt->relations[i]->range_var));
      out.tag = "LOCK TABLE";
      static constexpr std::array kModes = {
          "",      "ACCESS SHARE",        "ROW SHARE", "ROW EXCLUSIVE",   "SHARE UPDATE EXCLUSIVE",
          "SHARE", "SHARE ROW EXCLUSIVE", "EXCLUSIVE", "ACCESS EXCLUSIVE"};
      const auto mode = static_cast<std::size_t>(node->lock_stmt->mode);
      out.body = LockTableStatement{std::move(tables), kModes.at(mode), node->lock_stmt->nowait != 0};
      return true;
    }
    case PG_QUERY__NODE__NODE_REFRESH_MAT_VIEW_STMT: {
      const PgQuery__RefreshMatViewStmt& refresh = *node->refresh_mat_view_stmt;
      if (refresh.concurrent != 0 && refresh.skip_data != 0) {
        throw Error(ErrorCode::SyntaxError, "CONCURRENTLY and WITH NO DATA options cannot be used together");
      }
      utility("REFRESH MATERIALIZED VIEW", {name_of(refresh.relation)});
      std::get<UtilityStatement>(out.body).command += refresh.skip_data != 0    ? " WITH NO DATA"
                                                      : refresh.concurrent != 0 ? " CONCURRENTLY"
                                                                                : "";
      return true;
    }
    case PG_QUERY__NODE__NODE_REINDEX_STMT:
      build_reindex(*node->reindex_stmt, out);
      return true;
    case PG_QUERY__NODE__NODE_CLUSTER_STMT: {
      std::vector<QualifiedName> tables;
      if (node->cluster_stmt->relation != nullptr) tables.push_back(name_of(node->cluster_stmt->relation));
      return utility("CLUSTER", std::move(tables));
    }
    case PG_QUERY__NODE__NODE_GRANT_STMT:
      if (build_grant(*node->grant_stmt, out)) return true;
      return utility(node->grant_stmt->is_grant != 0 ? "GRANT" : "REVOKE");
    case PG_QUERY__NODE__NODE_GRANT_ROLE_STMT:
      build_grant_role(*node->grant_role_stmt, out);
      return true;
    case PG_QUERY__NODE__NODE_ALTER_DEFAULT_PRIVILEGES_STMT:
      build_default_rights(*node->alter_default_privileges_stmt, out);
      return true;
    case PG_QUERY__NODE__NODE_ALTER_OWNER_STMT:
      if (build_owner(*node->alter_owner_stmt, out)) return true;
      return utility("ALTER OWNER");
    case PG_QUERY__NODE__NODE_ALTER_EXTENSION_STMT:
      return utility("ALTER EXTENSION");
    case PG_QUERY__NODE__NODE_ALTER_ROLE_SET_STMT:
      return utility("ALTER ROLE");
    case PG_QUERY__NODE__NODE_ALTER_DATABASE_STMT:
    case PG_QUERY__NODE__NODE_ALTER_DATABASE_SET_STMT:
      return utility("ALTER DATABASE");
    case PG_QUERY__NODE__NODE_CREATEDB_STMT:
      return utility("CREATE DATABASE");
    case PG_QUERY__NODE__NODE_DROPDB_STMT:
      return utility("DROP DATABASE");
    case PG_QUERY__NODE__NODE_CREATE_TABLE_SPACE_STMT:
      return utility("CREATE TABLESPACE");
    case PG_QUERY__NODE__NODE_DROP_TABLE_SPACE_STMT:
      return utility("DROP TABLESPACE");
    case PG_QUERY__NODE__NODE_LISTEN_STMT:
      return notification({NotificationStatement::Action::Listen, node->listen_stmt->conditionname, {}});
    case PG_QUERY__NODE__NODE_UNLISTEN_STMT:
      if (*node->unlisten_stmt->conditionname == 0)
        return notification({NotificationStatement::Action::UnlistenAll, {}, {}});
      return notification({NotificationStatement::Action::Unlisten, node->unlisten_stmt->conditionname, {}});
    case PG_QUERY__NODE__NODE_NOTIFY_STMT:
      return notification({NotificationStatement::Action::Notify, node->notify_stmt->conditionname,
                           node->notify_stmt->payload});
    case PG_QUERY__NODE__NODE_CHECK_POINT_STMT:
      return utility("CHECKPOINT");
    case PG_QUERY__NODE__NODE_CONSTRAINTS_SET_STMT: {
      SetConstraintsStatement body;
      body.deferred = node->constraints_set_stmt->deferred != 0;
      for (std::size_t i = 0; i < node->constraints_set_stmt->n_constraints; ++i)
        body.constraints.push_back(name_of(node->constraints_set_stmt->constraints[i]->range_var));
      out.tag = "SET CONSTRAINTS";
      out.body = std::move(body);
      return true;
    }
    case PG_QUERY__NODE__NODE_DISCARD_STMT:
      switch (node->discard_stmt->target) {
        case PG_QUERY__DISCARD_MODE__DISCARD_PLANS:
          return utility("DISCARD PLANS");
        case PG_QUERY__DISCARD_MODE__DISCARD_SEQUENCES:
          return utility("DISCARD SEQUENCES");
        case PG_QUERY__DISCARD_MODE__DISCARD_TEMP:
          return utility("DISCARD TEMP");
        default:
          return utility("DISCARD ALL");
      }
    default:
      return false;
  }
}

void StatementBuilder::apply_transaction_options(std::size_t count, Node* const* options,
                                                 TransactionStatement& out) const {
  for (const Option& option : options_of(count, options)) {
    if (option.name == "transaction_isolation") out.isolation = lower(option.value);
    if (option.name == "transaction_read_only")
      out.read_only = option.value != "0" && option.value != "false";
  }
}

void StatementBuilder::build_transaction(const PgQuery__TransactionStmt& transaction, Statement& out) {
  using Action = TransactionStatement::Action;
  TransactionStatement body;
  body.savepoint = transaction.savepoint_name;
  body.chain = transaction.chain != 0;
  apply_transaction_options(transaction.n_options, transaction.options, body);
  switch (transaction.kind) {
    case PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_BEGIN:
      body.action = Action::Begin;
      out.tag = "BEGIN";
      break;
    case PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_START:
      body.action = Action::Begin;
      out.tag = "START TRANSACTION";
      break;
    case PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_COMMIT:
      body.action = Action::Commit;
      out.tag = "COMMIT";
      break;
    case PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_ROLLBACK:
      body.action = Action::Rollback;
      out.tag = "ROLLBACK";
      break;
    case PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_SAVEPOINT:
      body.action = Action::Savepoint;
      out.tag = "SAVEPOINT";
      break;
    case PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_RELEASE:
      body.action = Action::Release;
      out.tag = "RELEASE";
      break;
    case PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_ROLLBACK_TO:
      body.action = Action::RollbackTo;
      out.tag = "ROLLBACK";
      break;
    case PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_PREPARE:
      body.action = Action::Prepare;
      out.tag = "PREPARE TRANSACTION";
      break;
    default:
      body.action = Action::Other;
      out.tag = "COMMIT PREPARED";
  }
  out.body = std::move(body);
}

void StatementBuilder::build_set(const PgQuery__VariableSetStmt& set, Statement& out) {
  const std::string_view name = set.name;
  if (set.kind == PG_QUERY__VARIABLE_SET_KIND__VAR_SET_MULTI) {
    TransactionStatement body;
    body.action = TransactionStatement::Action::SetCharacteristics;
    body.for_session = name == "SESSION CHARACTERISTICS";
    if (name == "TRANSACTION SNAPSHOT") {
      body.snapshot = option_value(set.args[0]);
    } else {
      apply_transaction_options(set.n_args, set.args, body);
    }
    out.tag = "SET";
    out.body = std::move(body);
    return;
  }
  SettingStatement body;
  body.name = lower(name);
  body.local = set.is_local != 0;
  out.tag = "SET";
  switch (set.kind) {
    case PG_QUERY__VARIABLE_SET_KIND__VAR_RESET:
      body.action = SettingStatement::Action::Reset;
      out.tag = "RESET";
      break;
    case PG_QUERY__VARIABLE_SET_KIND__VAR_RESET_ALL:
      body.action = SettingStatement::Action::ResetAll;
      out.tag = "RESET";
      break;
    case PG_QUERY__VARIABLE_SET_KIND__VAR_SET_DEFAULT:
      body.to_default = true;
      break;
    case PG_QUERY__VARIABLE_SET_KIND__VAR_SET_CURRENT:
      refuse("SET FROM CURRENT");
    default:
      for (std::size_t i = 0; i < set.n_args; ++i) {
        if (name == "timezone" && set.args[i]->node_case == PG_QUERY__NODE__NODE_TYPE_CAST)
          refuse("SET TIME ZONE INTERVAL");
        body.values.push_back(option_value(set.args[i]));
      }
  }
  out.body = std::move(body);
}

void StatementBuilder::build_show(const PgQuery__VariableShowStmt& show, Statement& out) {
  SettingStatement body;
  out.tag = "SHOW";
  body.name = lower(show.name);
  body.action = body.name == "all" ? SettingStatement::Action::ShowAll : SettingStatement::Action::Show;
  out.body = std::move(body);
}

void StatementBuilder::build_explain(const PgQuery__ExplainStmt& explain, Statement& out) {
  ExplainStatement body;
  out.tag = "EXPLAIN";
  for (const Option& option : options_of(explain.n_options, explain.options)) {
    if (option.name == "analyze") body.analyze = is_on(option.value);
    if (option.name == "verbose") body.verbose = is_on(option.value);
    if (option.name == "format") body.format = lower(option.value);
    static constexpr std::array kOptions = {"analyze", "verbose", "format", "costs",  "settings",
                                            "buffers", "wal",     "timing", "summary"};
    if (std::find(kOptions.begin(), kOptions.end(), option.name) == kOptions.end()) {
      throw Error(ErrorCode::SyntaxError, fmt::format("unrecognized EXPLAIN option \"{}\"", option.name));
    }
  }
  static constexpr std::array kFormats = {"text", "json", "xml", "yaml"};
  if (std::find(kFormats.begin(), kFormats.end(), body.format) == kFormats.end()) {
    throw Error(ErrorCode::InvalidParameterValue,
                fmt::format("unrecognized value for EXPLAIN option \"format\": \"{}\"", body.format));
  }
  auto inner = std::make_shared<Statement>();
  inner->text = out.text;
  inner->parameter_count = out.parameter_count;
  build_body(explain.query, *inner);
  body.statement = std::move(inner);
  out.body = std::move(body);
}

void StatementBuilder::build_prepare(const PgQuery__PrepareStmt& prepare, Statement& out) {
  PrepareStatement body;
  body.name = prepare.name;
  for (std::size_t i = 0; i < prepare.n_argtypes; ++i)
    body.parameter_types.push_back(sql_type_of(*tree_, *prepare.argtypes[i]->type_name));
  auto inner = std::make_shared<Statement>();
  inner->text = out.text;
  inner->parameter_count = out.parameter_count;
  build_body(prepare.query, *inner);
  body.statement = std::move(inner);
  out.parameter_count = 0;
  out.tag = "PREPARE";
  out.body = std::move(body);
}

void StatementBuilder::build_declare(const PgQuery__DeclareCursorStmt& declare, Statement& out) {
  CursorStatement body;
  body.is_binary = (declare.options & kBinaryCursor) != 0;
  body.action = CursorStatement::Action::Declare;
  body.name = declare.portalname;
  body.with_hold = (declare.options & kHoldCursor) != 0;
  body.scroll = (declare.options & kScrollCursor) != 0;
  body.no_scroll = (declare.options & kNoScrollCursor) != 0;
  if (declare.query->node_case == PG_QUERY__NODE__NODE_SELECT_STMT)
    body.locking = locking_of(*declare.query->select_stmt);
  body.query = expr(declare.query);
  out.tag = "DECLARE CURSOR";
  out.body = std::move(body);
}

void StatementBuilder::build_fetch(const PgQuery__FetchStmt& fetch, Statement& out) {
  using Direction = CursorStatement::Direction;
  CursorStatement body;
  body.action = fetch.ismove != 0 ? CursorStatement::Action::Move : CursorStatement::Action::Fetch;
  body.name = fetch.portalname;
  body.count = fetch.how_many;
  switch (fetch.direction) {
    case PG_QUERY__FETCH_DIRECTION__FETCH_BACKWARD:
      body.direction = Direction::Backward;
      break;
    case PG_QUERY__FETCH_DIRECTION__FETCH_ABSOLUTE:
      body.direction = Direction::Absolute;
      break;
    case PG_QUERY__FETCH_DIRECTION__FETCH_RELATIVE:
      body.direction = Direction::Relative;
      break;
    default:
      body.direction = Direction::Forward;
  }
  out.tag = fetch.ismove != 0 ? "MOVE" : "FETCH";
  out.body = std::move(body);
}

void StatementBuilder::build_vacuum(const PgQuery__VacuumStmt& vacuum, Statement& out) {
  UtilityStatement body;
  body.command = vacuum.is_vacuumcmd != 0 ? "VACUUM" : "ANALYZE";
  for (std::size_t i = 0; i < vacuum.n_rels; ++i)
    body.tables.push_back(name_of(vacuum.rels[i]->vacuum_relation->relation));
  out.tag = body.command;
  out.body = std::move(body);
}

/// The command says what PostgreSQL runs only outside of a block: REINDEX SCHEMA, REINDEX CONCURRENTLY.
void StatementBuilder::build_reindex(const PgQuery__ReindexStmt& reindex, Statement& out) {
  UtilityStatement body;
  body.command = "REINDEX";
  if (reindex.relation != nullptr) body.tables.push_back(name_of(reindex.relation));
  switch (reindex.kind) {
    case PG_QUERY__REINDEX_OBJECT_TYPE__REINDEX_OBJECT_SCHEMA:
      body.command += " SCHEMA";
      break;
    case PG_QUERY__REINDEX_OBJECT_TYPE__REINDEX_OBJECT_SYSTEM:
      body.command += " SYSTEM";
      break;
    case PG_QUERY__REINDEX_OBJECT_TYPE__REINDEX_OBJECT_DATABASE:
      body.command += " DATABASE";
      break;
    default:
      for (const Option& option : options_of(reindex.n_params, reindex.params)) {
        if (option.name == "concurrently" && is_on(option.value)) body.command += " CONCURRENTLY";
      }
  }
  out.tag = "REINDEX";
  out.body = std::move(body);
}

std::string role_name_of(const PgQuery__RoleSpec& role) {
  switch (role.roletype) {
    case PG_QUERY__ROLE_SPEC_TYPE__ROLESPEC_CURRENT_ROLE:
    case PG_QUERY__ROLE_SPEC_TYPE__ROLESPEC_CURRENT_USER:
      return "current_user";
    case PG_QUERY__ROLE_SPEC_TYPE__ROLESPEC_SESSION_USER:
      return "session_user";
    case PG_QUERY__ROLE_SPEC_TYPE__ROLESPEC_PUBLIC:
      return "public";
    default:
      return role.rolename;
  }
}

void StatementBuilder::build_role(const Node* node, Statement& out) {
  RoleStatement body;
  std::size_t count = 0;
  Node* const* options = nullptr;
  if (node->node_case == PG_QUERY__NODE__NODE_DROP_ROLE_STMT) {
    const PgQuery__DropRoleStmt* drop = node->drop_role_stmt;
    body.action = RoleStatement::Action::Drop;
    body.if_exists = drop->missing_ok != 0;
    for (std::size_t i = 0; i < drop->n_roles; ++i)
      body.names.push_back(role_name_of(*drop->roles[i]->role_spec));
    out.tag = "DROP ROLE";
  } else if (node->node_case == PG_QUERY__NODE__NODE_CREATE_ROLE_STMT) {
    const PgQuery__CreateRoleStmt* create = node->create_role_stmt;
    body.action = RoleStatement::Action::Create;
    body.names.emplace_back(create->role);
    body.login = create->stmt_type == PG_QUERY__ROLE_STMT_TYPE__ROLESTMT_USER;
    count = create->n_options;
    options = create->options;
    out.tag = "CREATE ROLE";
  } else {
    const PgQuery__AlterRoleStmt* alter = node->alter_role_stmt;
    body.action = RoleStatement::Action::Alter;
    body.names.push_back(role_name_of(*alter->role));
    count = alter->n_options;
    options = alter->options;
    out.tag = "ALTER ROLE";
  }
  for (std::size_t i = 0; i < count; ++i) {
    const PgQuery__DefElem* element = options[i]->def_elem;
    const std::string_view name = element->defname;
    const std::string value = option_value(element->arg);
    if (name == "password") {
      body.password_null = element->arg == nullptr;
      if (!body.password_null) body.password = value;
    } else if (name == "canlogin") {
      body.login = is_on(value);
    } else if (name == "superuser") {
      body.superuser = is_on(value);
    } else if (name == "createdb") {
      body.create_db = is_on(value);
    } else if (name == "createrole") {
      body.create_role = is_on(value);
    } else if (name == "connectionlimit") {
      body.connection_limit = std::atoi(value.c_str());
    } else if (name == "validUntil") {
      body.valid_until = value;
    } else if (name == "inherit" || name == "isreplication" || name == "bypassrls") {
      continue;
    } else {
      refuse(fmt::format("role option {}", name), element->location);
    }
  }
  out.body = std::move(body);
}

}  // namespace tickstone::sql
