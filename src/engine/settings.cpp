// SPDX-License-Identifier: Apache-2.0
#include "engine/settings.hpp"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <deque>
#include <unordered_map>
#include <utility>

#include <tickstone/error.hpp>

#include "engine/database.hpp"
#include "engine/date_style_setting.hpp"
#include "engine/setting_value.hpp"
#include "types/text_encoding.hpp"

namespace tickstone::engine {
namespace {

using Kind = SettingDefinition::Kind;

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) { return std::tolower(c); });
  return out;
}

bool is_fixed(const SettingDefinition& definition) {
  return definition.context == "internal" || definition.context == "postmaster";
}

/// Errors: CantChangeRuntimeParam.
void check_session_may_change(const SettingDefinition& definition) {
  const auto refuse = [&](const std::string& what) {
    throw Error(ErrorCode::CantChangeRuntimeParam,
                "parameter \"" + std::string(definition.shown_name) + "\" cannot be " + what);
  };
  if (definition.context == "internal") refuse("changed");
  if (definition.context == "postmaster") refuse("changed without restarting the server");
  if (definition.context == "sighup") refuse("changed now");
  if (definition.context == "backend" || definition.context == "superuser-backend")
    refuse("set after connection start");
}

/// Adds those of PostgreSQL that are not our own, and what it says of those that are.
std::vector<SettingDefinition> with_postgresql_settings(std::vector<SettingDefinition> own) {
  static std::deque<std::string> shown;  // views point into it
  std::unordered_map<std::string_view, std::size_t> place;
  for (std::size_t i = 0; i < own.size(); ++i) place.emplace(own[i].name, i);
  for (auto& theirs : postgresql_settings()) {
    if (const auto known = place.find(theirs.name); known != place.end()) {
      own[known->second].category = theirs.category;
      continue;
    }
    if (!theirs.unit.empty())
      theirs.default_value = shown.emplace_back(checked_value(theirs, {std::string(theirs.default_value)}));
    own.push_back(theirs);
  }
  return own;
}

}  // namespace

const std::vector<SettingDefinition>& Settings::definitions() {
  static const std::vector<SettingDefinition> all = [] {
    std::vector<SettingDefinition> own = {
        {"application_name", "application_name", Kind::Text, "",
         "Sets the application name to be reported in statistics and logs.", "user", true},
        {"bytea_output", "bytea_output", Kind::Enumeration, "hex", "Sets the output format for bytea.",
         "user", false, "hex|escape"},
        {"client_encoding", "client_encoding", Kind::Text, "UTF8",
         "Sets the client's character set encoding.", "user", true},
        {"client_min_messages", "client_min_messages", Kind::Enumeration, "notice",
         "Sets the message levels that are sent to the client.", "user", false,
         "debug5|debug4|debug3|debug2|debug1|debug|log|info|notice|warning|error"},
        {"data_checksums", "data_checksums", Kind::Boolean, "on", "Shows that every block is checksummed.",
         "internal"},
        {"datestyle", "DateStyle", Kind::Text, "ISO, MDY",
         "Sets the display format for date and time values.", "user", true},
        {"default_transaction_isolation", "default_transaction_isolation", Kind::Enumeration,
         "read committed", "Sets the transaction isolation level of each new transaction.", "user", false,
         "read committed|repeatable read|serializable|read uncommitted"},
        {"default_transaction_read_only", "default_transaction_read_only", Kind::Boolean, "off",
         "Sets the default read-only status of new transactions.", "user", true},
        {"extra_float_digits", "extra_float_digits", Kind::Integer, "1",
         "Sets the number of digits displayed for floating-point values."},
        {"idle_in_transaction_session_timeout",
         "idle_in_transaction_session_timeout",
         Kind::Milliseconds,
         "0",
         "Sets the maximum allowed idle time between queries, when in a transaction.",
         "user",
         false,
         {},
         "ms"},
        {"in_hot_standby", "in_hot_standby", Kind::Boolean, "off",
         "Shows whether hot standby is currently active.", "internal", true},
        {"integer_datetimes", "integer_datetimes", Kind::Boolean, "on",
         "Shows whether datetimes are integer based.", "internal", true},
        {"intervalstyle", "IntervalStyle", Kind::Enumeration, "postgres",
         "Sets the display format for interval values.", "user", true,
         "postgres|postgres_verbose|sql_standard|iso_8601"},
        {"lc_collate", "lc_collate", Kind::Text, "C", "Shows the collation order locale.", "internal"},
        {"lc_ctype", "lc_ctype", Kind::Text, "C.UTF-8", "Shows the character classification locale.",
         "internal"},
        {"lock_timeout",
         "lock_timeout",
         Kind::Milliseconds,
         "0",
         "Sets the maximum allowed duration of any wait for a lock.",
         "user",
         false,
         {},
         "ms"},
        {"max_identifier_length", "max_identifier_length", Kind::Integer, "63",
         "Shows the maximum identifier length.", "internal"},
        {"max_index_keys", "max_index_keys", Kind::Integer, "32", "Shows the maximum number of index keys.",
         "internal"},
        {"password_encryption", "password_encryption", Kind::Enumeration, "scram-sha-256",
         "Chooses the algorithm for encrypting passwords.", "user", false, "scram-sha-256"},
        {"role", "role", Kind::Text, "none", "Sets the current role.", "internal"},
        {"search_path", "search_path", Kind::Text, "\"$user\", public",
         "Sets the schema search order for names that are not schema-qualified."},
        {"server_encoding", "server_encoding", Kind::Text, "UTF8",
         "Shows the server (database) character set encoding.", "internal", true},
        {"server_version", "server_version", Kind::Text, kServerVersion, "Shows the server version.",
         "internal", true},
        {"server_version_num", "server_version_num", Kind::Integer, "150008",
         "Shows the server version as an integer.", "internal"},
        {"session_authorization", "session_authorization", Kind::Text, "", "Shows the session user.",
         "internal", true},
        {"standard_conforming_strings", "standard_conforming_strings", Kind::Boolean, "on",
         "Strings treat backslashes literally.", "user", true},
        {"is_superuser", "is_superuser", Kind::Boolean, "on",
         "Shows whether the current user is a superuser.", "internal", true},
        {"statement_timeout",
         "statement_timeout",
         Kind::Milliseconds,
         "0",
         "Sets the maximum allowed duration of any statement.",
         "user",
         false,
         {},
         "ms"},
        {"synchronous_commit", "synchronous_commit", Kind::Enumeration, "on",
         "Sets the current transaction's synchronization level.", "user", false,
         "local|remote_write|remote_apply|on|off|true|false|yes|no|1|0"},
        {"timezone", "TimeZone", Kind::Text, "UTC",
         "Sets the time zone for displaying and interpreting time stamps.", "user", true},
        {"transaction_isolation", "transaction_isolation", Kind::Enumeration, "read committed",
         "Sets the current transaction's isolation level.", "user", false,
         "read committed|repeatable read|serializable|read uncommitted"},
        {"transaction_read_only", "transaction_read_only", Kind::Boolean, "off",
         "Sets the current transaction's read-only status."},
    };
    for (const auto* more : {&logging_settings(), &server_settings(), &timescale_settings()})
      own.insert(own.end(), more->begin(), more->end());
    return with_postgresql_settings(std::move(own));
  }();
  return all;
}

const SettingDefinition* Settings::find_definition(const std::string& name) {
  static const auto by_name = [] {
    std::unordered_map<std::string_view, const SettingDefinition*> map;
    for (const auto& definition : definitions()) map.emplace(definition.name, &definition);
    return map;
  }();
  const auto found = by_name.find(name);
  return found == by_name.end() ? nullptr : found->second;
}

Settings::Settings() { refresh(); }

void Settings::store(const std::string& name, std::string value, bool local) {
  if (in_transaction_) {
    const auto old = values_.find(name);
    const auto before = old == values_.end() ? std::nullopt : std::optional(old->second);
    before_transaction_.try_emplace(name, before);
    if (local)
      before_local_.try_emplace(name, before);
    else
      before_local_.erase(name);
  } else if (local) {
    return;  // PostgreSQL: a warning, and no effect
  }
  values_[name] = std::move(value);
  ++version_;
  refresh();
}

void Settings::set(const std::string& given, const std::vector<std::string>& values, bool local) {
  const std::string name = lower(given);
  const SettingDefinition* definition = find_definition(name);
  // As PostgreSQL has it of a prefix that an extension has reserved.
  const bool is_free = name.find('.') != std::string::npos && !name.starts_with("timescaledb.");
  if (definition == nullptr && !is_free) {
    throw Error(ErrorCode::UndefinedObject, "unrecognized configuration parameter \"" + given + "\"");
  }
  if (definition != nullptr) check_session_may_change(*definition);
  require_privilege(name);
  std::string joined;
  for (const auto& value : values) joined += (joined.empty() ? "" : ", ") + value;
  if (name == "datestyle") {  // what is not said stays
    store(name, date_style_text(read_date_style(joined, format_.dates)), local);
    return;
  }
  store(name, definition == nullptr ? joined : checked_value(*definition, values), local);
}

void Settings::set_role(const std::string& name, const std::string& role, bool local) {
  store(name, role, local);
}

void Settings::require_privilege(const std::string& given) const {
  const SettingDefinition* definition = find_definition(lower(given));
  if (is_superuser_ || definition == nullptr || !definition->context.starts_with("superuser")) return;
  throw Error(ErrorCode::InsufficientPrivilege,
              "permission denied to set parameter \"" + std::string(definition->shown_name) + "\"");
}

void Settings::reset(const std::string& given, bool local) {
  const std::string name = lower(given);
  if (find_definition(name) == nullptr && name.find('.') == std::string::npos) {
    throw Error(ErrorCode::UndefinedObject, "unrecognized configuration parameter \"" + given + "\"");
  }
  if (in_transaction_) {
    const auto old = values_.find(name);
    const auto before = old == values_.end() ? std::nullopt : std::optional(old->second);
    before_transaction_.try_emplace(name, before);
    if (local)
      before_local_.try_emplace(name, before);
    else
      before_local_.erase(name);
  }
  require_privilege(name);
  values_.erase(name);
  ++version_;
  refresh();
}

void Settings::reset_all() {
  // Back to what the session began with: PostgreSQL asks for no privilege then.
  const bool was_superuser = std::exchange(is_superuser_, true);
  for (const auto& [name, value] : std::map(values_)) {
    if (name != "role" && name != "session_authorization") reset(name);
  }
  is_superuser_ = was_superuser;
}

std::optional<std::string> Settings::find(const std::string& given) const {
  const std::string name = lower(given);
  if (const auto set = values_.find(name); set != values_.end()) return set->second;
  return find_default(name);
}

std::optional<std::string> Settings::find_default(const std::string& name) const {
  if (const auto preset = defaults_.find(name); preset != defaults_.end()) return preset->second;
  if (server_values_ != nullptr) {
    if (const auto configured = server_values_->find(name); configured != server_values_->end())
      return configured->second;
  }
  const SettingDefinition* definition = find_definition(name);
  return definition == nullptr ? std::nullopt : std::optional(std::string(definition->default_value));
}

Settings::Origin Settings::origin(const std::string& name) const {
  if (values_.contains(name)) return Origin::Session;
  if (defaults_.contains(name)) return Origin::Client;
  return server_values_ != nullptr && server_values_->contains(name) ? Origin::Server : Origin::Default;
}

void Settings::set_server_values(std::shared_ptr<const std::map<std::string, std::string>> values) {
  server_values_ = std::move(values);
  ++version_;
  refresh();
}

std::string Settings::show(const std::string& name) const {
  if (auto value = find(name)) return *value;
  throw Error(ErrorCode::UndefinedObject, "unrecognized configuration parameter \"" + name + "\"");
}

void Settings::set_session_default(const std::string& given, const std::string& value) {
  const std::string name = lower(given);
  const SettingDefinition* definition = find_definition(name);
  if (definition == nullptr && name.find('.') == std::string::npos)
    throw Error(ErrorCode::UndefinedObject, "unrecognized configuration parameter \"" + given + "\"");
  const bool is_plain = definition == nullptr || is_fixed(*definition) || name == "search_path";
  defaults_[name] = is_plain ? value : checked_value(*definition, {value});
  ++version_;
  refresh();
}

std::map<std::string, std::string> Settings::values() const {
  auto all = values_;
  all.insert(defaults_.begin(), defaults_.end());
  if (server_values_ != nullptr) all.insert(server_values_->begin(), server_values_->end());
  return all;
}

void Settings::begin_transaction() {
  in_transaction_ = true;
  before_transaction_.clear();
  before_local_.clear();
}

void Settings::commit_transaction() {
  if (!in_transaction_) return;
  in_transaction_ = false;
  for (auto& [name, before] : before_local_) {
    if (before)
      values_[name] = *before;
    else
      values_.erase(name);
  }
  if (!before_local_.empty()) ++version_, refresh();
  before_local_.clear();
  before_transaction_.clear();
}

void Settings::rollback_transaction() {
  if (!in_transaction_) return;
  in_transaction_ = false;
  for (auto& [name, before] : before_transaction_) {
    if (before)
      values_[name] = *before;
    else
      values_.erase(name);
  }
  if (!before_transaction_.empty()) ++version_, refresh();
  before_local_.clear();
  before_transaction_.clear();
}

void Settings::rollback_to(const Mark& mark) {
  if (values_ != mark.values) {
    values_ = mark.values;
    ++version_;
    refresh();
  }
  before_transaction_ = mark.before_transaction;
  before_local_ = mark.before_local;
}

std::vector<std::pair<std::string, std::string>> Settings::take_reported() {
  std::vector<std::pair<std::string, std::string>> changed;
  if (std::exchange(reported_version_, version_) == version_) return changed;
  for (const auto& d : definitions()) {
    if (!d.is_reported) continue;
    const std::string shown_name(d.shown_name);
    const std::string value = show(std::string(d.name));
    const auto last = reported_.find(shown_name);
    if (last != reported_.end() && last->second == value) continue;
    reported_[shown_name] = value;
    changed.emplace_back(shown_name, value);
  }
  return changed;
}

std::vector<std::string> Settings::search_path(const std::string& user) const {
  std::vector<std::string> names;
  const std::string text = show("search_path");
  std::string current;
  bool quoted = false, any = false;
  const auto push = [&] {
    if (current == "$user") current = user;
    if (any && !current.empty()) names.push_back(current);
    current.clear();
    any = false;
  };
  for (const char c : text) {
    if (c == '"') {
      quoted = !quoted;
      any = true;
    } else if (c == ',' && !quoted) {
      push();
    } else if (c != ' ' || quoted) {
      current += quoted ? c : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
      any = true;
    }
  }
  push();
  return names;
}

void Settings::refresh_logging() {
  const std::string statements = show("log_statement");
  logging_.statements = statements == "all"   ? LoggedStatements::All
                        : statements == "mod" ? LoggedStatements::Modifications
                        : statements == "ddl" ? LoggedStatements::Definitions
                                              : LoggedStatements::None;
  logging_.durations = show("log_duration") == "on";
  constexpr const char* kMinDuration = "log_min_duration_statement";
  logging_.min_duration_ms = number_of(*find_definition(kMinDuration), show(kMinDuration));
  logging_.is_any =
      logging_.statements != LoggedStatements::None || logging_.durations || logging_.min_duration_ms >= 0;
  // PostgreSQL ranks LOG above ERROR here.
  const auto is_below_errors = [](const std::string& level) {
    return level != "log" && level != "fatal" && level != "panic";
  };
  logging_.errors = is_below_errors(show("log_min_messages"));
  logging_.statements_of_errors = is_below_errors(show("log_min_error_statement"));
  const std::string tracking = show("pg_stat_statements.track");
  statement_tracking_ = tracking == "none"  ? StatementTracking::None
                        : tracking == "all" ? StatementTracking::All
                                            : StatementTracking::Top;
  tracks_utility_ = show("pg_stat_statements.track_utility") == "on";
}

void Settings::refresh() {
  if (const TimeZone* zone = find_time_zone(show("timezone")); zone != nullptr) format_.zone = zone;
  format_.extra_float_digits = std::atoi(show("extra_float_digits").c_str());
  format_.bytea_escape = show("bytea_output") == "escape";
  format_.dates = read_date_style(show("datestyle"), {});
  format_.intervals = interval_style_of(show("intervalstyle"));
  format_.client = find_text_encoding(show("client_encoding"));
  const auto ms = [&](const char* name) { return number_of(*find_definition(name), show(name)); };
  statement_timeout_ms_ = ms("statement_timeout");
  lock_timeout_ms_ = ms("lock_timeout");
  idle_in_transaction_timeout_ms_ = ms("idle_in_transaction_session_timeout");
  const std::string sync = show("synchronous_commit");
  synchronous_commit_ = !(sync == "off" || sync == "false" || sync == "no" || sync == "0");
  refresh_logging();
  time_zone_ = show("timezone");
  application_name_ = show("application_name");
  const std::string isolation = show("default_transaction_isolation");
  is_repeatable_read_by_default_ = isolation != "read committed" && isolation != "read uncommitted";
  is_read_only_by_default_ = show("default_transaction_read_only") == "on";
  // Not from the defaults, which a client may name when it connects.
  const auto set = [&](const char* name) {
    const auto found = values_.find(name);
    return found == values_.end() || found->second == "none" ? std::string() : found->second;
  };
  role_ = set("role");
  session_role_ = set("session_authorization");
}

}  // namespace tickstone::engine
