// SPDX-License-Identifier: Apache-2.0
#include <tickstone/error.hpp>

#include "engine/executors.hpp"
#include "engine/rights.hpp"
#include "engine/server_configuration.hpp"
#include "engine/transaction_block.hpp"
#include "engine/unpopulated_view.hpp"

namespace tickstone::engine {
namespace {

/// SET ROLE and SET SESSION AUTHORIZATION: superusers may be anyone, others only themselves.
void set_role(SessionContext& context, const sql::SettingStatement& setting) {
  auto& settings = context.settings();
  const bool is_session = setting.name == "session_authorization";
  const bool is_none =
      setting.to_default || setting.values.empty() || (!is_session && setting.values.front() == "none");
  if (is_none) {
    settings.reset(setting.name, setting.local);
    if (is_session) settings.reset("role", setting.local);
    return;
  }
  const auto& role = setting.values.front();
  const auto catalog = context.catalog();
  if (catalog->find_role(role) == nullptr)
    throw Error(ErrorCode::InvalidParameterValue, "role \"" + role + "\" does not exist");
  const auto& self = is_session ? context.login_user() : context.session_user();
  const bool may_be =
      is_session ? role == self || is_superuser(*catalog, self) : catalog::is_member(*catalog, self, role);
  if (!may_be) {
    throw Error(ErrorCode::InsufficientPrivilege, is_session
                                                      ? "permission denied to set session authorization"
                                                      : "permission denied to set role \"" + role + "\"");
  }
  settings.set_role(setting.name, role, setting.local);
  if (is_session) settings.reset("role", setting.local);
}

}  // namespace

std::string execute_alter_system(Execution& execution, const sql::SettingStatement& setting) {
  auto& context = execution.context;
  using Action = sql::SettingStatement::Action;
  const auto* role = context.catalog()->find_role(context.user());
  if (role == nullptr || !role->superuser) {
    throw Error(ErrorCode::InsufficientPrivilege,
                setting.action == Action::ResetAll
                    ? "permission denied to perform ALTER SYSTEM RESET ALL"
                    : "permission denied to set parameter \"" + setting.name + "\"",
                {}, "Only superusers may change the configuration of the server.");
  }
  refuse_in_block(context, "ALTER SYSTEM");
  auto& configuration = context.database().configuration();
  if (setting.action == Action::ResetAll) {
    configuration.alter_system_reset_all();
  } else {
    // SET x TO DEFAULT removes it, as RESET does.
    const bool is_set = setting.action == Action::Set && !setting.to_default;
    configuration.alter_system(setting.name, is_set ? std::optional(setting.values) : std::nullopt);
  }
  return "ALTER SYSTEM";
}

std::string execute_setting(Execution& execution, const sql::SettingStatement& setting) {
  auto& context = execution.context;
  auto& settings = context.settings();
  // Who it is now decides, not who has logged in.
  const bool is_super = is_superuser(*context.catalog(), context.user());
  settings.set_superuser(is_super);
  using Action = sql::SettingStatement::Action;
  switch (setting.action) {
    case Action::Set:
      if (setting.name == "transaction_isolation") {
        const std::string level = setting.values.empty() ? "" : setting.values.front();
        context.set_isolation(level);
      } else if (setting.name == "transaction_read_only") {
        context.set_read_only(!setting.values.empty() &&
                              (setting.values.front() == "on" || setting.values.front() == "true"));
      } else if (setting.name == "session_authorization" || setting.name == "role") {
        set_role(context, setting);
        return "SET";
      }
      if (setting.to_default)
        settings.reset(setting.name, setting.local);
      else
        settings.set(setting.name, setting.values, setting.local);
      return "SET";
    case Action::Reset:
      settings.reset(setting.name);
      if (setting.name == "session_authorization") settings.reset("role");
      return "RESET";
    case Action::ResetAll:
      settings.reset_all();
      return "RESET";
    case Action::Show: {
      Batch batch;
      batch.columns.emplace_back(SqlType::of(TypeId::Text));
      std::string shown = setting.name, value;
      if (setting.name == "transaction_isolation") {
        value = context.isolation_name();
      } else if (setting.name == "transaction_read_only") {
        value = context.is_read_only() ? "on" : "off";
      } else if (setting.name == "is_superuser") {
        value = is_super ? "on" : "off";
      } else {
        value = settings.show(setting.name);
      }
      for (const auto& d : Settings::definitions()) {
        if (d.name == setting.name) shown = d.shown_name;
      }
      batch.columns[0].append_bytes(value);
      send_result(execution, {{shown, SqlType::of(TypeId::Text)}}, batch);
      return "SHOW";
    }
    case Action::ShowAll: {
      Batch batch;
      for (int i = 0; i < 3; ++i) batch.columns.emplace_back(SqlType::of(TypeId::Text));
      for (const auto& info : context.settings_shown()) {
        batch.columns[0].append_bytes(info.name);
        batch.columns[1].append_bytes(info.shown);
        batch.columns[2].append_bytes(info.description);
      }
      const SqlType text = SqlType::of(TypeId::Text);
      send_result(execution, {{"name", text}, {"setting", text}, {"description", text}}, batch);
      return "SHOW";
    }
  }
  return "SET";
}

std::string execute_lock_table(Execution& execution, const sql::LockTableStatement& lock) {
  auto& context = execution.context;
  // Readers have their views and hold nobody up, so what only keeps them out has nothing to do.
  const bool is_for_readers = lock.mode == "ACCESS SHARE" || lock.mode == "ROW SHARE";
  if (lock.mode == "SHARE UPDATE EXCLUSIVE")
    throw Error(ErrorCode::FeatureNotSupported,
                "LOCK TABLE ... IN SHARE UPDATE EXCLUSIVE MODE is not supported");
  for (const auto& name : lock.tables) {
    const auto& relation = context.relation(name);
    if (!relation.is_stored())
      throw Error(ErrorCode::WrongObjectType, "cannot lock relation \"" + relation.name + "\"");
    if (is_for_readers) continue;
    const bool is_exclusive = lock.mode != "ROW EXCLUSIVE";
    if (lock.no_wait && !context.writes("LOCK TABLE").try_lock_table(relation.table(), is_exclusive)) {
      throw Error(ErrorCode::LockNotAvailable, "could not obtain lock on relation \"" + relation.name + "\"");
    }
    if (is_exclusive) {
      context.lock_for_change(name, "LOCK TABLE");
    } else {
      context.lock_for_write(relation, "LOCK TABLE");
    }
  }
  return "LOCK TABLE";
}

void refuse_in_block(const SessionContext& context, std::string_view command) {
  if (context.frame_count() > 0)
    throw Error(ErrorCode::ActiveSqlTransaction,
                std::string(command) + " cannot be executed from a function");
  if (!context.is_alone())
    throw Error(ErrorCode::ActiveSqlTransaction,
                std::string(command) + " cannot run inside a transaction block");
}

std::string execute_notification(Execution& execution, const sql::NotificationStatement& statement) {
  auto& notifications = execution.context.notifications();
  using Action = sql::NotificationStatement::Action;
  switch (statement.action) {
    case Action::Listen:
      notifications.listen(statement.channel);
      return "LISTEN";
    case Action::Unlisten:
      notifications.unlisten(statement.channel);
      return "UNLISTEN";
    case Action::UnlistenAll:
      notifications.unlisten_all();
      return "UNLISTEN";
    case Action::Notify:
      notifications.notify(statement.channel, statement.payload);
      break;
  }
  return "NOTIFY";
}

std::string execute_utility(Execution& execution, const sql::UtilityStatement& utility) {
  auto& context = execution.context;
  const auto& command = utility.command;
  const bool is_of_databases = command == "CREATE DATABASE" || command == "DROP DATABASE";
  const bool is_of_tablespaces = command == "CREATE TABLESPACE" || command == "DROP TABLESPACE";
  if (command == "VACUUM" || is_of_databases || is_of_tablespaces || command.starts_with("REINDEX ") ||
      (command == "CLUSTER" && utility.tables.empty()))
    refuse_in_block(context, command);
  if (is_of_databases)
    throw Error(ErrorCode::FeatureNotSupported, command + " is not supported", {},
                "A data directory holds one database: serve another directory for another one.");
  if (is_of_tablespaces)
    throw Error(ErrorCode::FeatureNotSupported, command + " is not supported", {},
                "All data lies in one directory: put it where there is room.");
  for (const auto& table : utility.tables) (void)context.relation(table);
  if (command == "REFRESH MATERIALIZED VIEW")
    return execute_refresh_materialized_view(execution, utility.tables.front());
  if (command == "REFRESH MATERIALIZED VIEW WITH NO DATA")
    return refresh_with_no_data(execution, utility.tables.front());
  if (command == "REFRESH MATERIALIZED VIEW CONCURRENTLY")
    return refresh_concurrently(execution, utility.tables.front());
  if (utility.command == "CHECKPOINT") context.database().store().checkpoint();
  // VACUUM, ANALYZE and their kin have nothing to do here: upkeep runs by itself.
  return utility.command;
}

}  // namespace tickstone::engine
