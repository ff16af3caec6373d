// SPDX-License-Identifier: Apache-2.0
// The functions that only a session can answer: who asks, what time it is, sequences, settings.
#include "engine/session_functions.hpp"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <thread>

#include <tickstone/error.hpp>

#include "base/clock.hpp"
#include "catalog/privileges.hpp"
#include "catalog/system_oids.hpp"
#include "engine/server_configuration.hpp"
#include "engine/session_context.hpp"
#include "engine/setting_value.hpp"
#include "types/array_value.hpp"

namespace tickstone::engine {

std::vector<duck::HostFunction> host_functions() {
  const SqlType text = SqlType::of(TypeId::Text), bigint = SqlType::of(TypeId::BigInt),
                boolean = SqlType::of(TypeId::Boolean), integer = SqlType::of(TypeId::Integer),
                time = SqlType::of(TypeId::TimestampTz), dbl = SqlType::of(TypeId::Double);
  std::vector<duck::HostFunction> all = {
      {"now", {}, time, false},
      {"transaction_timestamp", {}, time, false},
      {"statement_timestamp", {}, time, false},
      {"clock_timestamp", {}, time, true},
      {"pg_current_user", {}, text, false},
      {"pg_session_user", {}, text, false},
      {"pg_current_schema", {}, text, false},
      {"current_schema", {}, text, false},
      {"current_database", {}, text, false},
      {"current_catalog", {}, text, false},
      {"version", {}, text, false},
      {"pg_backend_pid", {}, integer, false},
      {"pg_postmaster_start_time", {}, time, false},
      {"pg_conf_load_time", {}, time, false},
      {"pg_reload_conf", {}, boolean, true},
      {"current_setting", {text}, text, true},
      {"current_setting", {text, boolean}, text, true},
      {"set_config", {text, text, boolean}, text, true, false},
      {"nextval", {text}, bigint, true},
      {"nextval", {bigint}, bigint, true},
      {"currval", {text}, bigint, true},
      {"currval", {bigint}, bigint, true},
      {"lastval", {}, bigint, true},
      {"setval", {text, bigint}, bigint, true},
      {"setval", {text, bigint, boolean}, bigint, true},
      {"setval", {bigint, bigint}, bigint, true},
      {"setval", {bigint, bigint, boolean}, bigint, true},
      {"pg_cancel_backend", {integer}, boolean, true},
      {"pg_terminate_backend", {integer}, boolean, true},
      {"pg_blocking_pids", {integer}, SqlType::array_of(TypeId::Integer), true},
      {"pg_notify", {text, text}, text, true, false},
      {"pg_notification_queue_usage", {}, dbl, true},
      {"pg_domain_failure", {text, text}, text, true},
      {"pg_sleep", {dbl}, SqlType::of(TypeId::Text), true},
      {"txid_current", {}, bigint, false},
      {"pg_export_snapshot", {}, text, true},
      {"pg_stat_statements_reset", {}, text, true},
      {"pg_stat_statements_reset", {bigint}, text, true},
      {"pg_stat_statements_reset", {bigint, bigint}, text, true},
      {"pg_stat_statements_reset", {bigint, bigint, bigint}, text, true},
  };
  const SqlType nothing = text;  // of functions that return void
  for (const char* name : {"pg_advisory_lock", "pg_advisory_lock_shared", "pg_advisory_xact_lock",
                           "pg_advisory_xact_lock_shared"}) {
    all.push_back({name, {bigint}, nothing, true});
    all.push_back({name, {integer, integer}, nothing, true});
  }
  for (const char* name :
       {"pg_try_advisory_lock", "pg_try_advisory_lock_shared", "pg_try_advisory_xact_lock",
        "pg_try_advisory_xact_lock_shared", "pg_advisory_unlock", "pg_advisory_unlock_shared"}) {
    all.push_back({name, {bigint}, boolean, true});
    all.push_back({name, {integer, integer}, boolean, true});
  }
  all.push_back({"pg_advisory_unlock_all", {}, nothing, true});
  for (const auto& f : catalog::catalog_functions()) {
    all.push_back({f.name, f.arguments, f.result, false, f.null_in_null_out});
  }
  return all;
}

std::vector<duck::HostTableFunction> host_table_functions() {
  std::vector<duck::HostTableFunction> all;
  for (const auto& f : catalog::catalog_table_functions()) {
    duck::HostTableFunction function{f.name, f.arguments, f.argument_names, {}};
    for (const auto& c : f.columns)
      function.columns.push_back({c.name, c.type, initial_layout(c.type), false, 0});
    all.push_back(std::move(function));
  }
  return all;
}

catalog::Oid SessionContext::sequence_oid(const Value& name) const {
  const auto catalog = this->catalog();
  const catalog::RelationObject* found = nullptr;
  std::string shown;
  if (name.type.id == TypeId::Text) {
    shown = name.text;
    // A name as SQL writes it: perhaps quoted, perhaps with a schema.
    std::vector<std::string> parts(1);
    bool quoted = false;
    for (const char c : name.text) {
      if (c == '"')
        quoted = !quoted;
      else if (c == '.' && !quoted)
        parts.emplace_back();
      else
        parts.back() += quoted ? c : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    }
    found = find_user_relation(parts.size() > 1 ? parts[parts.size() - 2] : "", parts.back());
  } else {
    shown = std::to_string(static_cast<std::int64_t>(name.integer));
    found = catalog->find_relation(static_cast<catalog::Oid>(name.integer));
  }
  if (found == nullptr) throw Error(ErrorCode::UndefinedTable, "relation \"" + shown + "\" does not exist");
  if (found->kind != catalog::RelationKind::Sequence) {
    throw Error(ErrorCode::WrongObjectType, "\"" + found->name + "\" is not a sequence");
  }
  return found->oid;
}

std::int64_t SessionContext::nextval(catalog::Oid sequence) {
  const auto catalog = this->catalog();
  const auto* relation = catalog->find_relation(sequence);
  if (relation == nullptr || !relation->sequence)
    throw Error(ErrorCode::UndefinedTable, "the sequence of a column is gone");
  const auto& info = *relation->sequence;
  const auto value = database_.store().next_sequence_value(
      sequence, {info.start, info.increment, info.minimum, info.maximum, info.cycle});
  if (!value) {
    const bool is_ascending = info.increment > 0;
    throw Error(ErrorCode::SequenceLimitExceeded,
                std::string("nextval: reached ") + (is_ascending ? "maximum" : "minimum") +
                    " value of sequence \"" + relation->name + "\" (" +
                    std::to_string(is_ascending ? info.maximum : info.minimum) + ")");
  }
  sequence_values_[sequence] = *value;
  lastval_ = *value;
  return *value;
}

std::optional<std::int64_t> SessionContext::last_sequence_value(catalog::Oid sequence) const {
  return database_.store().last_sequence_value(sequence);
}

std::vector<catalog::RunningFacts::SettingInfo> SessionContext::settings_shown() const {
  std::vector<SettingInfo> all;
  for (const auto& d : Settings::definitions()) {
    SettingInfo info;
    const std::string name(d.name);
    info.name = d.shown_name;
    info.shown = settings_.show(name);
    info.value = plain_value(d, info.shown);
    info.unit = d.unit;
    info.category = d.category;
    info.description = d.description;
    info.boot_value = plain_value(d, std::string(d.default_value));
    info.reset_value = plain_value(d, *settings_.find_default(name));
    info.minimum = d.minimum;
    info.maximum = d.maximum;
    for (std::string_view rest = d.choices; !rest.empty();) {
      const auto bar = std::min(rest.find('|'), rest.size());
      info.choices.emplace_back(rest.substr(0, bar));
      rest.remove_prefix(std::min(bar + 1, rest.size()));
    }
    info.context = d.context;
    using Kind = SettingDefinition::Kind;
    info.type = d.kind == Kind::Boolean                                   ? "bool"
                : d.kind == Kind::Integer || d.kind == Kind::Milliseconds ? "integer"
                : d.kind == Kind::Real                                    ? "real"
                : d.kind == Kind::Enumeration                             ? "enum"
                                                                          : "string";
    const auto configured = database_.configuration().find(name);
    if (configured) info.pending_restart = configured->pending_restart;
    switch (settings_.origin(name)) {
      case Settings::Origin::Default:
        break;
      case Settings::Origin::Client:
        info.source = d.context == "internal" ? "override" : "client";
        break;
      case Settings::Origin::Session:
        info.source = "session";
        break;
      case Settings::Origin::Server:
        if (!configured) break;
        info.source = configured->source;
        info.source_file = configured->file.string();
        info.source_line = configured->line;
    }
    all.push_back(std::move(info));
  }
  return all;
}

std::vector<catalog::RunningFacts::FileSettingInfo> SessionContext::file_settings() const {
  std::vector<FileSettingInfo> all;
  for (const auto& line : database_.configuration().file_lines()) {
    all.push_back({line.line.file.string(), line.line.name, line.line.value, line.error, line.line.line,
                   line.is_applied});
  }
  return all;
}

bool SessionContext::reload_configuration() {
  const auto* role = catalog()->find_role(options_.user);
  if (role == nullptr || !role->superuser)
    throw Error(ErrorCode::InsufficientPrivilege, "permission denied for function pg_reload_conf");
  // What is wrong with the files is in the log and in pg_file_settings, as in PostgreSQL.
  database_.configuration().reload();
  return true;
}

Value SessionContext::call_session_function(std::string_view f, std::span<const Value> arguments,
                                            bool& known) {
  known = true;
  if (f == "now" || f == "transaction_timestamp") return Value::of_timestamptz(transaction_start_us_);
  if (f == "statement_timestamp") return Value::of_timestamptz(statement_start_us_);
  if (f == "clock_timestamp") return Value::of_timestamptz(database_.clock().now_us());
  if (f == "pg_current_user") return Value::of_text(user());
  if (f == "pg_session_user") return Value::of_text(session_user());
  if (f == "current_schema" || f == "pg_current_schema") {
    for (const auto& name : settings_.search_path(user())) {
      if (catalog()->find_schema(name) != nullptr) return Value::of_text(name);
    }
    return Value::null_of(SqlType::of(TypeId::Text));
  }
  if (f == "current_database" || f == "current_catalog") return Value::of_text(database_.name());
  if (f == "version") {
    return Value::of_text("PostgreSQL " + std::string(kServerVersion) +
                          " (Tickstone " TICKSTONE_VERSION ") on x86_64-pc-linux-gnu, 64-bit");
  }
  if (f == "pg_backend_pid") return Value::of_integer(options_.pid);
  if (f == "pg_postmaster_start_time") return Value::of_timestamptz(database_.start_time_us());
  if (f == "pg_conf_load_time") return Value::of_timestamptz(database_.configuration().load_time_us());
  if (f == "pg_reload_conf") return Value::of_bool(reload_configuration());
  if (f == "current_setting") {
    std::string name = arguments[0].text;
    std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
    if (arguments.size() > 1 && arguments[1].integer != 0) {
      const auto value = settings_.find(name);
      return value ? Value::of_text(*value) : Value::null_of(SqlType::of(TypeId::Text));
    }
    return Value::of_text(settings_.show(name));
  }
  if (f == "set_config") {
    if (arguments[0].is_null) throw Error(ErrorCode::NullValueNotAllowed, "SET requires parameter name");
    settings_.set_superuser(catalog::is_superuser(*database_.catalog(), user()));
    std::string name = arguments[0].text;
    std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
    if (name == "search_path") {
      std::vector<std::string> parts;
      std::string text = arguments[1].text;
      std::size_t at = 0;
      while (at <= text.size()) {
        const auto comma = std::min(text.find(',', at), text.size());
        std::string part = text.substr(at, comma - at);
        while (!part.empty() && (part.front() == ' ' || part.front() == '"')) part.erase(part.begin());
        while (!part.empty() && (part.back() == ' ' || part.back() == '"')) part.pop_back();
        if (!part.empty()) parts.push_back(part);
        at = comma + 1;
      }
      settings_.set(name, parts, arguments[2].integer != 0);
    } else {
      settings_.set(name, {arguments[1].text}, arguments[2].integer != 0);
    }
    return Value::of_text(settings_.show(name));
  }
  if (f == "nextval" || f == "currval" || f == "setval") {
    using catalog::Privilege;
    const auto catalog = this->catalog();
    const auto& sequence = *catalog->find_relation(sequence_oid(arguments[0]));
    const auto wanted = f == "setval"    ? catalog::bits(Privilege::Update)
                        : f == "nextval" ? catalog::bits(Privilege::Usage) | catalog::bits(Privilege::Update)
                                         : catalog::bits(Privilege::Usage) | catalog::bits(Privilege::Select);
    if (!catalog::has_privilege(*catalog, sequence, user(), static_cast<catalog::Privileges>(wanted)))
      throw Error(ErrorCode::InsufficientPrivilege, "permission denied for sequence " + sequence.name);
  }
  if (f == "nextval") return Value::of_bigint(nextval(sequence_oid(arguments[0])));
  if (f == "currval") {
    const auto oid = sequence_oid(arguments[0]);
    const auto found = sequence_values_.find(oid);
    if (found == sequence_values_.end()) {
      throw Error(ErrorCode::ObjectNotInPrerequisiteState, "currval of sequence \"" +
                                                               catalog()->find_relation(oid)->name +
                                                               "\" is not yet defined in this session");
    }
    return Value::of_bigint(found->second);
  }
  if (f == "lastval") {
    if (!lastval_)
      throw Error(ErrorCode::ObjectNotInPrerequisiteState, "lastval is not yet defined in this session");
    return Value::of_bigint(*lastval_);
  }
  if (f == "setval") {
    const auto oid = sequence_oid(arguments[0]);
    const auto value = static_cast<std::int64_t>(arguments[1].integer);
    const auto catalog = this->catalog();
    const auto& info = *catalog->find_relation(oid)->sequence;
    if (value < info.minimum || value > info.maximum) {
      throw Error(ErrorCode::NumericValueOutOfRange,
                  "setval: value " + std::to_string(value) + " is out of bounds for sequence \"" +
                      catalog->find_relation(oid)->name + "\" (" + std::to_string(info.minimum) + ".." +
                      std::to_string(info.maximum) + ")");
    }
    const bool is_called = arguments.size() < 3 || arguments[2].integer != 0;
    // What comes after the last one is kept as such, so that the end of BIGINT is no wrap-around.
    const Int128 after = Int128{value} + (is_called ? info.increment : 0);
    const auto next = after > INT64_MAX   ? INT64_MAX
                      : after < INT64_MIN ? INT64_MIN
                                          : static_cast<std::int64_t>(after);
    database_.store().set_sequence(oid, next, is_called ? std::optional(value) : std::nullopt);
    if (is_called) sequence_values_[oid] = value, lastval_ = value;
    return Value::of_bigint(value);
  }
  if (f == "pg_cancel_backend")
    return Value::of_bool(database_.cancel_session(static_cast<std::int32_t>(arguments[0].integer)));
  if (f == "pg_terminate_backend")
    return Value::of_bool(database_.end_session(static_cast<std::int32_t>(arguments[0].integer)));
  if (f == "pg_blocking_pids") {
    std::vector<std::int32_t> pids;
    for (const auto& lock : database_.store().locks()) {
      if (lock.is_granted || lock.session != static_cast<std::int32_t>(arguments[0].integer)) continue;
      for (const auto pid : lock.blocked_by) {
        if (std::find(pids.begin(), pids.end(), pid) == pids.end()) pids.push_back(pid);
      }
    }
    ArrayBuilder builder;
    for (const auto pid : pids) builder.add(array_element_bytes(Value::of_integer(pid)));
    Value value = Value::null_of(SqlType::array_of(TypeId::Integer));
    value.is_null = false;
    value.text = builder.finish();
    return value;
  }
  if (f == "pg_domain_failure") {
    throw Error(arguments[1].text == "23502" ? ErrorCode::NotNullViolation : ErrorCode::CheckViolation,
                arguments[0].text);
  }
  if (f == "pg_notify") {
    notifications_.notify(arguments[0].is_null ? std::string_view{} : arguments[0].text,
                          arguments[1].is_null ? std::string_view{} : arguments[1].text);
    return Value::of_text("");
  }
  if (f == "pg_notification_queue_usage") return Value::of_double(database_.notifications().usage());
  if (f == "pg_sleep") {
    const auto end =
        std::chrono::steady_clock::now() + std::chrono::duration<double>(std::max(0.0, arguments[0].number));
    while (std::chrono::steady_clock::now() < end) {
      check_cancelled();
      const auto left = std::chrono::duration<double>(end - std::chrono::steady_clock::now());
      std::this_thread::sleep_for(std::min(left, std::chrono::duration<double>(0.01)));
    }
    return Value::of_text("");
  }
  if (f == "pg_export_snapshot") {
    if (!savepoints_.empty())
      throw Error(ErrorCode::ActiveSqlTransaction, "cannot export a snapshot from a subtransaction");
    if (writes_ != nullptr)
      throw Error(ErrorCode::FeatureNotSupported,
                  "cannot export the snapshot of a transaction that has written");
    return Value::of_text(database_.exported_snapshots().add(options_.pid, {view_, statement_catalog_}));
  }
  if (f == "txid_current") return Value::of_bigint(static_cast<std::int64_t>(view_->seq() + 1));
  if (f == "pg_stat_statements_reset") {
    if (!is_superuser())
      throw Error(ErrorCode::InsufficientPrivilege,
                  "permission denied for function pg_stat_statements_reset");
    const auto argument = [&](std::size_t i) {
      return i < arguments.size() ? static_cast<std::int64_t>(arguments[i].integer) : 0;
    };
    // There is one database: another one's number stands for none of the statements.
    if (argument(1) == 0 || argument(1) == catalog::kDatabase)
      database_.statements().reset(argument(0), argument(2));
    return Value::of_text("");
  }
  known = false;
  return {};
}

Value SessionContext::call_advisory_function(std::string_view f, std::span<const Value> arguments,
                                             bool& known) {
  known = f.starts_with("pg_advisory_") || f.starts_with("pg_try_advisory_");
  if (!known) return {};
  if (f == "pg_advisory_unlock_all") {
    advisory_locks_.unlock_all();
    return Value::of_text("");
  }
  AdvisoryLocks::Key key{static_cast<std::int64_t>(arguments[0].integer), arguments.size() == 2};
  if (key.is_pair) {
    const auto second = static_cast<std::uint32_t>(static_cast<std::int32_t>(arguments[1].integer));
    key.number = (key.number << 32) | second;
  }
  const bool is_shared = f.ends_with("_shared");
  const SessionAdvisoryLocks::Held wanted{
      key, is_shared ? AdvisoryLocks::Mode::Shared : AdvisoryLocks::Mode::Exclusive};
  const auto until = f.find("_xact_") != std::string_view::npos ? SessionAdvisoryLocks::Until::Transaction
                                                                : SessionAdvisoryLocks::Until::Session;
  if (f.starts_with("pg_try_")) return Value::of_bool(advisory_locks_.try_lock(wanted, until));
  if (f.starts_with("pg_advisory_unlock")) {
    const bool had = advisory_locks_.unlock(wanted);
    if (!had) {
      notice({"WARNING",
              ErrorCode::Warning,
              std::string("you don't own a lock of type ") + (is_shared ? "ShareLock" : "ExclusiveLock"),
              {},
              {}});
    }
    return Value::of_bool(had);
  }
  advisory_locks_.lock(wanted, until, std::chrono::milliseconds(settings_.lock_timeout_ms()),
                       [this] { check_cancelled(); });
  return Value::of_text("");
}

std::vector<catalog::RunningFacts::AdvisoryLockInfo> SessionContext::advisory_locks_shown() const {
  std::vector<AdvisoryLockInfo> infos;
  for (const auto& lock : database_.advisory_locks().shown()) {
    infos.push_back({lock.pid, lock.key.number, lock.key.is_pair, lock.mode == AdvisoryLocks::Mode::Shared,
                     lock.is_granted});
  }
  return infos;
}

Value SessionContext::call(std::string_view function, std::span<const Value> arguments) {
  bool known = false;
  Value value = call_advisory_function(function, arguments, known);
  if (known) return value;
  value = call_session_function(function, arguments, known);
  if (known) return value;
  return catalog::call_catalog_function(function, arguments, *catalog(), *this);
}

Batch SessionContext::call_table(std::string_view function, std::span<const Value> arguments) {
  return catalog::call_catalog_table_function(function, arguments, *catalog(), *this);
}

}  // namespace tickstone::engine
