// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "engine/executors.hpp"
#include "engine/write_target.hpp"

/// UPDATE, DELETE and upserts of more rows than fit in memory: the statement has the table alone (its readers
/// go on) and changes rows as its query finds them, which `storage` notes a bit a row.
namespace tickstone::engine {

/// Errors: OutOfMemory where what one statement keeps is more than a query may have.
void require_memory(SessionContext& context, std::size_t bytes);

/// What a statement gathers at most before it is one of many rows.
struct GatherLimits {
  std::size_t rows = 0, bytes = 0;
};
GatherLimits gather_limits(SessionContext& context);

/// All rows of the query, typed as the client sees them; nothing where they are more than `limits`.
std::optional<Batch> run_within(SessionContext& context, const sql::DuckQuery& query,
                                std::span<const Value> parameters, const GatherLimits& limits);
/// The rows of the query in batches, as they come. `keeps_duck`: whoever visits asks DuckDB itself.
void stream_rows(Execution& execution, const sql::DuckQuery& query, bool keeps_duck,
                 const std::function<void(Batch)>& visit);

/// Locks that were taken before the statement took its own.
storage::Transaction::Savepoint lock_mark(storage::Transaction& writes);
/// Gives back what was locked since `mark`, locks the table alone and begins the change; with a new view, but
/// under REPEATABLE READ. Nothing where the rows have to be changed one by one; the lock is there anyway.
std::shared_ptr<const WriteTarget> begin_mass_change(SessionContext& context, const sql::QualifiedName& name,
                                                     const std::string& verb, std::string_view command,
                                                     const storage::Transaction::Savepoint& mark);
/// Begins the change of a table that this transaction has alone. False where its rows have to be changed one
/// by one.
bool begin_mass_change(storage::Transaction& writes, const WriteTarget& target);
/// Whether somebody has written the table since the view of REPEATABLE READ.
bool is_newer_than_view(const SessionContext& context, const WriteTarget& target);
void finish_mass_change(storage::Transaction& writes, const WriteTarget& target);
/// The same for a DELETE of everything: the lock alone.
std::shared_ptr<const WriteTarget> have_alone(SessionContext& context, const sql::QualifiedName& name,
                                              const std::string& verb, std::string_view command,
                                              const storage::Transaction::Savepoint& mark);

}  // namespace tickstone::engine
