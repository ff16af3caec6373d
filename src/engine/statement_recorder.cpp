// SPDX-License-Identifier: Apache-2.0
#include "engine/statement_recorder.hpp"

#include <charconv>

#include "base/logging.hpp"
#include "engine/database_core.hpp"

namespace tickstone::engine {
namespace {

StatementKind kind_of(std::string_view tag) {
  if (tag.starts_with("SELECT") || tag.starts_with("FETCH")) return StatementKind::Select;
  if (tag.starts_with("INSERT")) return StatementKind::Insert;
  if (tag.starts_with("UPDATE")) return StatementKind::Update;
  if (tag.starts_with("DELETE")) return StatementKind::Delete;
  if (tag.starts_with("COPY")) return StatementKind::Copy;
  return StatementKind::Other;
}

/// The number at the end of `INSERT 0 5`, `SELECT 3`.
std::uint64_t rows_of(std::string_view tag) {
  const auto space = tag.rfind(' ');
  if (space == std::string_view::npos) return 0;
  std::uint64_t rows = 0;
  const auto digits = tag.substr(space + 1);
  const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), rows);
  return read.ec == std::errc() && read.ptr == digits.data() + digits.size() ? rows : 0;
}

/// Those that pg_stat_statements leaves to the statement that they name.
bool is_of_another_statement(std::string_view tag) {
  return tag.starts_with("PREPARE") || tag.starts_with("DEALLOCATE");
}

}  // namespace

std::int64_t StatementRecorder::now_ns() const { return database_.clock().monotonic_ns(); }

void StatementRecorder::ended(StatementSlot& slot, std::string_view text, std::string_view tag,
                              std::int64_t duration_ns) {
  auto& counters = database_.counters();
  const auto kind = kind_of(tag);
  counters.statements[static_cast<std::size_t>(kind)].record(static_cast<std::uint64_t>(duration_ns));
  if (kind == StatementKind::Select) counters.add(counters.rows_returned, rows_of(tag));
  if (settings_.statement_tracking() == StatementTracking::None) return;
  if (kind == StatementKind::Other && (!settings_.tracks_utility() || is_of_another_statement(tag))) return;
  record(slot, true, text, tag, duration_ns);
}

void StatementRecorder::ended_within(std::string_view text, std::string_view tag, std::int64_t duration_ns) {
  if (kind_of(tag) == StatementKind::Other && !settings_.tracks_utility()) return;
  StatementSlot slot;
  record(slot, false, text, tag, duration_ns);
}

void StatementRecorder::record(StatementSlot& slot, bool is_top_level, std::string_view text,
                               std::string_view tag, std::int64_t duration_ns) {
  // Boundary: a statement that has ended well does not fail because it cannot be counted.
  try {
    if (slot == nullptr || slot->is_dropped())
      slot = database_.statements().find_or_add(user_oid_, is_top_level, text);
    slot->record(duration_ns, rows_of(tag));
  } catch (const std::exception& error) {
    log_warning("a statement could not be counted: {}", error.what());
  }
}

}  // namespace tickstone::engine
