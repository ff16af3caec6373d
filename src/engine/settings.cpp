// SPDX-License-Identifier: Apache-2.0
#include "engine/settings.hpp"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <utility>

#include <tickstone/error.hpp>

#include "engine/database.hpp"

namespace tickstone::engine {
namespace {

using Kind = SettingDefinition::Kind;

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) { return std::tolower(c); });
  return out;
}

const SettingDefinition* find_definition(const std::string& name) {
  const auto& all = Settings::definitions();
  const auto found = std::find_if(all.begin(), all.end(), [&](const auto& d) { return d.name == name; });
  return found == all.end() ? nullptr : &*found;
}

std::optional<bool> parse_boolean(const std::string& text) {
  const std::string t = lower(text);
  if (t == "on" || t == "true" || t == "yes" || t == "1" || t == "t" || t == "y") return true;
  if (t == "off" || t == "false" || t == "no" || t == "0" || t == "f" || t == "n") return false;
  return std::nullopt;
}

/// Milliseconds of `250`, `250ms`, `2s`, `1min`, `1h`, `1d`.
std::optional<double> read_milliseconds(const std::string& text) {
  char* end = nullptr;
  const double number = std::strtod(text.c_str(), &end);
  if (end == text.c_str()) return std::nullopt;
  std::string unit = end;
  unit.erase(std::remove(unit.begin(), unit.end(), ' '), unit.end());
  double factor = 1;
  if (unit == "us")
    factor = 0.001;
  else if (unit == "s")
    factor = 1000;
  else if (unit == "min")
    factor = 60'000;
  else if (unit == "h")
    factor = 3'600'000;
  else if (unit == "d")
    factor = 86'400'000;
  else if (!unit.empty() && unit != "ms")
    return std::nullopt;
  return number * factor;
}

std::optional<std::int64_t> parse_milliseconds(const std::string& text) {
  const auto result = read_milliseconds(text);
  if (!result || *result < 0 || *result > 2147483647.0) return std::nullopt;
  return static_cast<std::int64_t>(*result);
}

std::string show_milliseconds(std::int64_t ms) {
  if (ms == 0) return "0";
  if (ms % 86'400'000 == 0) return std::to_string(ms / 86'400'000) + "d";
  if (ms % 3'600'000 == 0) return std::to_string(ms / 3'600'000) + "h";
  if (ms % 60'000 == 0) return std::to_string(ms / 60'000) + "min";
  if (ms % 1000 == 0) return std::to_string(ms / 1000) + "s";
  return std::to_string(ms) + "ms";
}

[[noreturn]] void invalid_value(const SettingDefinition& definition, const std::string& value,
                                std::string hint = {}) {
  throw Error(ErrorCode::InvalidParameterValue,
              "invalid value for parameter \"" + std::string(definition.shown_name) + "\": \"" + value + "\"",
              {}, std::move(hint));
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
        {"enable_bitmapscan", "enable_bitmapscan", Kind::Boolean, "on", "Accepted for compatibility."},
        {"enable_gathermerge", "enable_gathermerge", Kind::Boolean, "on", "Accepted for compatibility."},
        {"enable_hashagg", "enable_hashagg", Kind::Boolean, "on", "Accepted for compatibility."},
        {"enable_hashjoin", "enable_hashjoin", Kind::Boolean, "on", "Accepted for compatibility."},
        {"enable_incremental_sort", "enable_incremental_sort", Kind::Boolean, "on",
         "Accepted for compatibility."},
        {"enable_indexonlyscan", "enable_indexonlyscan", Kind::Boolean, "on", "Accepted for compatibility."},
        {"enable_indexscan", "enable_indexscan", Kind::Boolean, "on", "Accepted for compatibility."},
        {"enable_material", "enable_material", Kind::Boolean, "on", "Accepted for compatibility."},
        {"enable_memoize", "enable_memoize", Kind::Boolean, "on", "Accepted for compatibility."},
        {"enable_mergejoin", "enable_mergejoin", Kind::Boolean, "on", "Accepted for compatibility."},
        {"enable_nestloop", "enable_nestloop", Kind::Boolean, "on", "Accepted for compatibility."},
        {"enable_parallel_append", "enable_parallel_append", Kind::Boolean, "on",
         "Accepted for compatibility."},
        {"enable_parallel_hash", "enable_parallel_hash", Kind::Boolean, "on", "Accepted for compatibility."},
        {"enable_partition_pruning", "enable_partition_pruning", Kind::Boolean, "on",
         "Accepted for compatibility."},
        {"enable_partitionwise_aggregate", "enable_partitionwise_aggregate", Kind::Boolean, "off",
         "Accepted for compatibility."},
        {"enable_partitionwise_join", "enable_partitionwise_join", Kind::Boolean, "off",
         "Accepted for compatibility."},
        {"enable_seqscan", "enable_seqscan", Kind::Boolean, "on", "Accepted for compatibility."},
        {"enable_sort", "enable_sort", Kind::Boolean, "on", "Accepted for compatibility."},
        {"enable_tidscan", "enable_tidscan", Kind::Boolean, "on", "Accepted for compatibility."},
        {"escape_string_warning", "escape_string_warning", Kind::Boolean, "on",
         "Accepted for compatibility."},
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
         "Sets the display format for interval values.", "user", true, "postgres"},
        {"jit", "jit", Kind::Boolean, "off", "Accepted for compatibility."},
        {"lc_collate", "lc_collate", Kind::Text, "C", "Shows the collation order locale.", "internal"},
        {"lc_ctype", "lc_ctype", Kind::Text, "C.UTF-8", "Shows the character classification locale.",
         "internal"},
        {"lc_messages", "lc_messages", Kind::Text, "C", "Accepted for compatibility."},
        {"lc_monetary", "lc_monetary", Kind::Text, "C", "Accepted for compatibility."},
        {"lock_timeout",
         "lock_timeout",
         Kind::Milliseconds,
         "0",
         "Sets the maximum allowed duration of any wait for a lock.",
         "user",
         false,
         {},
         "ms"},
        {"maintenance_work_mem", "maintenance_work_mem", Kind::Text, "256MB", "Accepted for compatibility."},
        {"max_connections", "max_connections", Kind::Integer, "100",
         "Sets the maximum number of concurrent connections.", "postmaster"},
        {"max_identifier_length", "max_identifier_length", Kind::Integer, "63",
         "Shows the maximum identifier length.", "internal"},
        {"max_index_keys", "max_index_keys", Kind::Integer, "32", "Shows the maximum number of index keys.",
         "internal"},
        {"max_parallel_workers_per_gather", "max_parallel_workers_per_gather", Kind::Integer, "2",
         "Accepted for compatibility."},
        {"password_encryption", "password_encryption", Kind::Enumeration, "scram-sha-256",
         "Chooses the algorithm for encrypting passwords.", "user", false, "scram-sha-256"},
        {"plan_cache_mode", "plan_cache_mode", Kind::Enumeration, "auto", "Accepted for compatibility.",
         "user", false, "auto|force_generic_plan|force_custom_plan"},
        {"row_security", "row_security", Kind::Boolean, "on", "Accepted for compatibility."},
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
        {"shared_buffers", "shared_buffers", Kind::Text, "512MB", "Shows the block cache's size.",
         "postmaster"},
        {"tickstone.memory", "tickstone.memory", Kind::Text, "",
         "Shows the memory that open chunks, block cache and queries share.", "postmaster"},
        {"temp_file_limit", "temp_file_limit", Kind::Text, "",
         "Shows the most that all queries together write to temporary files.", "postmaster"},
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
        {"work_mem", "work_mem", Kind::Text, "64MB", "Accepted for compatibility."},
        {"xmloption", "xmloption", Kind::Text, "content", "Accepted for compatibility."},
        {"check_function_bodies", "check_function_bodies", Kind::Boolean, "on",
         "Accepted for compatibility."},
        {"default_table_access_method", "default_table_access_method", Kind::Text, "heap",
         "Accepted for compatibility."},
        {"default_tablespace", "default_tablespace", Kind::Text, "", "Accepted for compatibility."},
        {"default_text_search_config", "default_text_search_config", Kind::Text, "pg_catalog.english",
         "Accepted for compatibility."},
        {"enable_seqscan", "enable_seqscan", Kind::Boolean, "on", "Accepted for compatibility."},
        {"enable_indexscan", "enable_indexscan", Kind::Boolean, "on", "Accepted for compatibility."},
        {"random_page_cost", "random_page_cost", Kind::Real, "1.1", "Accepted for compatibility."},
        {"effective_cache_size", "effective_cache_size", Kind::Text, "6GB", "Accepted for compatibility."},
    };
    const auto& more = timescale_settings();
    own.insert(own.end(), more.begin(), more.end());
    return own;
  }();
  return all;
}

Settings::Settings() {
  for (const auto& d : definitions()) defaults_.emplace(d.name, d.default_value);
  refresh();
}

std::string Settings::checked(const SettingDefinition& definition,
                              const std::vector<std::string>& values) const {
  std::string joined;
  for (const auto& value : values) joined += (joined.empty() ? "" : ", ") + value;
  switch (definition.kind) {
    case Kind::Boolean: {
      const auto value = parse_boolean(joined);
      if (!value) {
        throw Error(ErrorCode::InvalidParameterValue,
                    "parameter \"" + std::string(definition.shown_name) + "\" requires a Boolean value");
      }
      return *value ? "on" : "off";
    }
    case Kind::Integer: {
      char* end = nullptr;
      const long long number = std::strtoll(joined.c_str(), &end, 10);
      if (joined.empty() || *end != '\0') invalid_value(definition, joined);
      if (definition.name == "extra_float_digits" && (number < -15 || number > 3)) {
        throw Error(ErrorCode::InvalidParameterValue,
                    std::to_string(number) +
                        " is outside the valid range for parameter \"extra_float_digits\" (-15 .. 3)");
      }
      return std::to_string(number);
    }
    case Kind::Real: {
      char* end = nullptr;
      (void)std::strtod(joined.c_str(), &end);
      if (joined.empty() || *end != '\0') invalid_value(definition, joined);
      return joined;
    }
    case Kind::Enumeration: {
      const std::string wanted = lower(joined);
      std::string_view rest = definition.choices;
      while (!rest.empty()) {
        const auto bar = rest.find('|');
        if (rest.substr(0, bar) == wanted) return wanted;
        rest = bar == std::string_view::npos ? std::string_view{} : rest.substr(bar + 1);
      }
      // Other words for a Boolean are understood and not told.
      std::string choices(definition.choices.substr(0, definition.choices.find("|true|")));
      for (std::size_t at = 0; (at = choices.find('|', at)) != std::string::npos;)
        choices.replace(at, 1, ", ");
      invalid_value(definition, joined, "Available values: " + choices + ".");
    }
    case Kind::Milliseconds: {
      const auto ms = parse_milliseconds(joined);
      if (const auto out_of_range = read_milliseconds(joined); !ms && out_of_range) {
        throw Error(ErrorCode::InvalidParameterValue,
                    std::to_string(static_cast<std::int64_t>(*out_of_range)) +
                        " ms is outside the valid range for parameter \"" +
                        std::string(definition.shown_name) + "\" (0 .. 2147483647)");
      }
      if (!ms) invalid_value(definition, joined);
      return show_milliseconds(*ms);
    }
    case Kind::Text:
      break;
  }
  if (definition.name == "timezone") {
    const TimeZone* zone = find_time_zone(joined);
    if (zone == nullptr) invalid_value(definition, joined);
    return zone->name();
  }
  if (definition.name == "client_encoding") {
    std::string plain = lower(joined);
    plain.erase(std::remove_if(plain.begin(), plain.end(), [](unsigned char c) { return !std::isalnum(c); }),
                plain.end());
    if (plain == "utf8" || plain == "unicode") return "UTF8";
    if (plain == "sqlascii") return "SQL_ASCII";
    throw Error(ErrorCode::InvalidParameterValue,
                "invalid value for parameter \"client_encoding\": \"" + joined + "\"", {},
                "Tickstone speaks UTF8.");
  }
  if (definition.name == "datestyle") {
    const std::string wanted = lower(joined);
    if (wanted.find("sql") != std::string::npos || wanted.find("german") != std::string::npos ||
        wanted.find("postgres") != std::string::npos || wanted.find("dmy") != std::string::npos ||
        wanted.find("ymd") != std::string::npos) {
      throw Error(ErrorCode::FeatureNotSupported, "DateStyle \"" + joined + "\" is not supported", {},
                  "Use ISO, MDY.");
    }
    return "ISO, MDY";
  }
  if (definition.name == "search_path") {
    // Kept as it was written, each name quoted where it must be.
    std::string out;
    for (const auto& value : values) {
      const bool plain = !value.empty() && std::all_of(value.begin(), value.end(), [](unsigned char c) {
        return std::islower(c) || std::isdigit(c) || c == '_' || c >= 0x80;
      });
      out += (out.empty() ? "" : ", ") + (plain ? value : "\"" + value + "\"");
    }
    return out.empty() ? "\"\"" : out;
  }
  return joined;
}

void Settings::store(const std::string& name, std::string value) {
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
  if (definition != nullptr && (definition->context == "internal" || definition->context == "postmaster")) {
    throw Error(ErrorCode::CantChangeRuntimeParam,
                "parameter \"" + std::string(definition->shown_name) + "\" cannot be changed" +
                    (definition->context == "postmaster" ? " without restarting the server" : ""));
  }
  std::string joined;
  for (const auto& value : values) joined += (joined.empty() ? "" : ", ") + value;
  std::string value = definition == nullptr ? joined : checked(*definition, values);
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
  store(name, std::move(value));
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
  values_.erase(name);
  ++version_;
  refresh();
}

void Settings::reset_all() {
  for (const auto& [name, value] : std::map(values_)) reset(name);
}

std::optional<std::string> Settings::find(const std::string& given) const {
  const std::string name = lower(given);
  if (const auto set = values_.find(name); set != values_.end()) return set->second;
  if (const auto preset = defaults_.find(name); preset != defaults_.end()) return preset->second;
  return std::nullopt;
}

std::string Settings::show(const std::string& name) const {
  if (auto value = find(name)) return *value;
  throw Error(ErrorCode::UndefinedObject, "unrecognized configuration parameter \"" + name + "\"");
}

void Settings::set_session_default(const std::string& given, const std::string& value) {
  const std::string name = lower(given);
  const SettingDefinition* definition = find_definition(name);
  if (definition == nullptr) {
    if (name.find('.') == std::string::npos) {
      throw Error(ErrorCode::UndefinedObject, "unrecognized configuration parameter \"" + given + "\"");
    }
    defaults_[name] = value;
  } else {
    const bool fixed = definition->context == "internal" || definition->context == "postmaster";
    defaults_[name] = fixed ? value : checked(*definition, {value});
  }
  ++version_;
  refresh();
}

std::map<std::string, std::string> Settings::values() const {
  auto all = values_;
  all.insert(defaults_.begin(), defaults_.end());
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

void Settings::refresh() {
  if (const TimeZone* zone = find_time_zone(show("timezone")); zone != nullptr) format_.zone = zone;
  format_.extra_float_digits = std::atoi(show("extra_float_digits").c_str());
  format_.bytea_escape = show("bytea_output") == "escape";
  statement_timeout_ms_ = parse_milliseconds(show("statement_timeout")).value_or(0);
  lock_timeout_ms_ = parse_milliseconds(show("lock_timeout")).value_or(0);
  idle_in_transaction_timeout_ms_ =
      parse_milliseconds(show("idle_in_transaction_session_timeout")).value_or(0);
  const std::string sync = show("synchronous_commit");
  synchronous_commit_ = !(sync == "off" || sync == "false" || sync == "no" || sync == "0");
  time_zone_ = show("timezone");
  application_name_ = show("application_name");
  const std::string isolation = show("default_transaction_isolation");
  is_repeatable_read_by_default_ = isolation != "read committed" && isolation != "read uncommitted";
  is_read_only_by_default_ = show("default_transaction_read_only") == "on";
}

}  // namespace tickstone::engine
