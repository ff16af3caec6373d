// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "types/value.hpp"

namespace tickstone::engine {

/// One setting that we know: what SHOW and pg_settings say of it.
struct SettingDefinition {
  enum class Kind : std::uint8_t { Text, Boolean, Integer, Real, Enumeration, Milliseconds };
  std::string_view name;  // lower case
  std::string_view shown_name;
  Kind kind = Kind::Text;
  std::string_view default_value;
  std::string_view description;
  // user, superuser (in a session); backend (when it begins); sighup (by a reload); postmaster (at start);
  // internal
  std::string_view context = "user";
  bool is_reported = false;                     // ParameterStatus
  std::string_view choices = {};                // Enumeration: separated by |
  std::string_view unit = {};                   // B, kB, 8kB, MB, ms, s or min
  std::string_view minimum = {}, maximum = {};  // in that unit
  std::string_view category = "Tickstone";

  bool takes_effect() const;
};

/// The description of settings that are known and do nothing.
inline constexpr std::string_view kWithoutEffect = "Accepted for compatibility.";
inline bool SettingDefinition::takes_effect() const { return description != kWithoutEffect; }

/// Which statements log_statement names.
enum class LoggedStatements : std::uint8_t { None, Definitions, Modifications, All };
/// Which statements pg_stat_statements.track names.
enum class StatementTracking : std::uint8_t { None, Top, All };

/// What of a session's statements goes to the server's log.
struct StatementLogging {
  bool is_any = false;  // durations or statements
  LoggedStatements statements = LoggedStatements::None;
  bool durations = false;
  std::int64_t min_duration_ms = -1;  // -1: none by its duration
  bool errors = true, statements_of_errors = true;
};

/// Each in its file: settings_logging.cpp, settings_server.cpp, settings_timescale.cpp,
/// settings_postgresql.cpp.
const std::vector<SettingDefinition>& logging_settings();
const std::vector<SettingDefinition>& server_settings();
const std::vector<SettingDefinition>& timescale_settings();
std::vector<SettingDefinition> postgresql_settings();

/// A session's settings (GUCs): known ones are checked, dotted ones of any extension are kept as text.
///
/// Errors: UndefinedObject `unrecognized configuration parameter "x"`, InvalidParameterValue,
/// CantChangeRuntimeParam, InsufficientPrivilege.
class Settings {
 public:
  Settings();
  static const std::vector<SettingDefinition>& definitions();
  /// By its name in lower case.
  static const SettingDefinition* find_definition(const std::string& name);

  void set(const std::string& name, const std::vector<std::string>& values, bool local);
  /// Whether the session may change what only superusers may.
  void set_superuser(bool is_superuser) { is_superuser_ = is_superuser; }
  /// Errors: InsufficientPrivilege `permission denied to set parameter "x"`.
  void require_privilege(const std::string& name) const;
  void reset(const std::string& name, bool local = false);
  /// All but the roles, as in PostgreSQL.
  void reset_all();
  /// SET ROLE and SET SESSION AUTHORIZATION (`name`: "role" or "session_authorization"), checked by the
  /// caller: no other way sets them.
  void set_role(const std::string& name, const std::string& role, bool local);
  /// What SET ROLE and SET SESSION AUTHORIZATION have set; empty: nothing.
  const std::string& role() const { return role_; }
  const std::string& session_role() const { return session_role_; }
  /// As SHOW prints it.
  std::string show(const std::string& name) const;
  std::optional<std::string> find(const std::string& name) const;
  /// Starting values of the session: what RESET returns to.
  void set_session_default(const std::string& name, const std::string& value);
  /// What the server's configuration says (checked already): below the session's own defaults.
  void set_server_values(std::shared_ptr<const std::map<std::string, std::string>> values);
  /// Where a value comes from: the definition, the server's configuration, the connection's start, SET.
  enum class Origin : std::uint8_t { Default, Server, Client, Session };
  Origin origin(const std::string& name) const;
  /// What RESET returns to.
  std::optional<std::string> find_default(const std::string& name) const;

  /// A transaction's changes: ended by commit (SET LOCAL undone) or rollback (all undone).
  void begin_transaction();
  void commit_transaction();
  void rollback_transaction();
  /// What a savepoint has to know to come back to it.
  struct Mark {
    std::map<std::string, std::string> values;
    std::map<std::string, std::optional<std::string>> before_transaction, before_local;
  };
  Mark mark() const { return {values_, before_transaction_, before_local_}; }
  void rollback_to(const Mark& mark);

  /// What clients are told of and has changed since the last call.
  std::vector<std::pair<std::string, std::string>> take_reported();

  const FormatContext& format_context() const { return format_; }
  void set_now_us(std::int64_t now_us) { format_.now_us = now_us; }
  /// Lifetime: the settings'.
  void set_names(const ObjectNaming* names) { format_.names = names; }
  std::vector<std::string> search_path(const std::string& user) const;
  std::int64_t statement_timeout_ms() const { return statement_timeout_ms_; }
  std::int64_t lock_timeout_ms() const { return lock_timeout_ms_; }
  std::int64_t idle_in_transaction_timeout_ms() const { return idle_in_transaction_timeout_ms_; }
  const StatementLogging& logging() const { return logging_; }
  StatementTracking statement_tracking() const { return statement_tracking_; }
  bool tracks_utility() const { return tracks_utility_; }
  bool synchronous_commit() const { return synchronous_commit_; }
  // What every statement asks for.
  const std::string& time_zone() const { return time_zone_; }
  const std::string& application_name() const { return application_name_; }
  bool is_repeatable_read_by_default() const { return is_repeatable_read_by_default_; }
  bool is_read_only_by_default() const { return is_read_only_by_default_; }
  /// All values that are not of the definitions: two sessions with the same ones make the same plans.
  std::map<std::string, std::string> values() const;
  /// Counts up with every change that a plan may depend on.
  std::uint64_t version() const { return version_; }
  /// Something else that plans depend on has changed (the catalog, within a transaction).
  void invalidate_plans() { ++version_; }

 private:
  void store(const std::string& name, std::string value, bool local);
  void refresh();
  void refresh_logging();

  std::map<std::string, std::string> values_;
  std::map<std::string, std::string> defaults_;
  std::shared_ptr<const std::map<std::string, std::string>> server_values_;
  std::map<std::string, std::string> reported_;
  bool in_transaction_ = false;
  std::map<std::string, std::optional<std::string>> before_transaction_;
  std::map<std::string, std::optional<std::string>> before_local_;
  FormatContext format_;
  std::int64_t statement_timeout_ms_ = 0;
  std::int64_t lock_timeout_ms_ = 0;
  std::int64_t idle_in_transaction_timeout_ms_ = 0;
  bool is_superuser_ = true;
  StatementLogging logging_;
  StatementTracking statement_tracking_ = StatementTracking::Top;
  bool tracks_utility_ = true;
  bool synchronous_commit_ = true;
  std::string time_zone_;
  std::string application_name_;
  std::string role_, session_role_;
  bool is_repeatable_read_by_default_ = false;
  bool is_read_only_by_default_ = false;
  std::uint64_t version_ = 0;
  std::uint64_t reported_version_ = UINT64_MAX;  // of the values that `take_reported` has seen
};

}  // namespace tickstone::engine
