// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

#include "engine/settings.hpp"
#include "engine/statement_statistics.hpp"

namespace tickstone::engine {

class DatabaseCore;

/// Counts what the statements of one session took: for pg_stat_statements and for all together.
class StatementRecorder {
 public:
  StatementRecorder(DatabaseCore& database, const Settings& settings, std::int64_t user_oid)
      : database_(database), settings_(settings), user_oid_(user_oid) {}

  std::int64_t now_ns() const;
  /// A statement has ended well. `tag`: its command tag, which tells the rows. `slot`: of its shape; filled
  /// at the first need.
  void ended(StatementSlot& slot, std::string_view text, std::string_view tag, std::int64_t duration_ns);
  /// One that a function's body runs.
  void ended_within(std::string_view text, std::string_view tag, std::int64_t duration_ns);
  bool tracks_nested() const { return settings_.statement_tracking() == StatementTracking::All; }

 private:
  void record(StatementSlot& slot, bool is_top_level, std::string_view text, std::string_view tag,
              std::int64_t duration_ns);

  DatabaseCore& database_;
  const Settings& settings_;
  std::int64_t user_oid_;
};

}  // namespace tickstone::engine
