// SPDX-License-Identifier: Apache-2.0
// Settings of the server's log, of pg_stat_statements and of what is watched over HTTP.
#include "engine/settings.hpp"

namespace tickstone::engine {

const std::vector<SettingDefinition>& logging_settings() {
  using Kind = SettingDefinition::Kind;
  constexpr std::string_view kLevels =
      "debug5|debug4|debug3|debug2|debug1|info|notice|warning|error|log|fatal|panic";
  static const std::vector<SettingDefinition> all = {
      {"log_duration", "log_duration", Kind::Boolean, "off",
       "Logs the duration of each completed SQL statement.", "superuser"},
      {"log_min_duration_statement",
       "log_min_duration_statement",
       Kind::Integer,
       "-1",
       "Sets the minimum execution time above which all statements will be logged.",
       "superuser",
       false,
       {},
       "ms",
       "-1",
       "2147483647"},
      {"log_min_error_statement", "log_min_error_statement", Kind::Enumeration, "error",
       "Causes all statements generating error at or above this level to be logged.", "superuser", false,
       kLevels},
      {"log_statement", "log_statement", Kind::Enumeration, "none", "Sets the type of statements logged.",
       "superuser", false, "none|ddl|mod|all"},
      {"pg_stat_statements.max",
       "pg_stat_statements.max",
       Kind::Integer,
       "5000",
       "Sets the maximum number of statements tracked by pg_stat_statements.",
       "postmaster",
       false,
       {},
       {},
       "100",
       "1073741823"},
      {"pg_stat_statements.save", "pg_stat_statements.save", Kind::Boolean, "on",
       "Saves pg_stat_statements statistics across server shutdowns.", "postmaster"},
      {"pg_stat_statements.track", "pg_stat_statements.track", Kind::Enumeration, "top",
       "Selects which statements are tracked by pg_stat_statements.", "superuser", false, "none|top|all"},
      {"pg_stat_statements.track_planning", "pg_stat_statements.track_planning", Kind::Boolean, "off",
       "Shows that planning is not timed apart from execution.", "internal"},
      {"pg_stat_statements.track_utility", "pg_stat_statements.track_utility", Kind::Boolean, "on",
       "Selects whether utility commands are tracked by pg_stat_statements.", "superuser"},
      {"tickstone.http_port",
       "tickstone.http_port",
       Kind::Integer,
       "-1",
       "Sets the port of 127.0.0.1 for metrics and health over HTTP; 0 takes a free one, -1 none.",
       "postmaster",
       false,
       {},
       {},
       "-1",
       "65535"},
  };
  return all;
}

}  // namespace tickstone::engine
