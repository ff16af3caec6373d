// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

#include "engine/row_keys.hpp"
#include "engine/write_target.hpp"

/// Changes of rows in storage with all that hangs on them: the tables of unique keys.
///
/// New rows have all columns of the target in its order; old rows are batches of `WriteTarget::old_columns`,
/// the row id last where the table has one.
namespace tickstone::engine {

/// `rows` into storage's table, its columns put in storage's order.
storage::Transaction::InsertResult store_rows(storage::Transaction& writes, const WriteTarget& target,
                                              const Batch& rows, storage::OnDuplicate on_duplicate);
/// Errors: UniqueViolation for any key.
/// The same, and the rows are storage's from now on.
storage::Transaction::InsertResult store_rows(storage::Transaction& writes, const WriteTarget& target,
                                              Batch&& rows, storage::OnDuplicate on_duplicate);
void insert_rows(SessionContext& context, storage::Transaction& writes, const WriteTarget& target,
                 const Batch& rows);
void update_rows(SessionContext& context, storage::Transaction& writes, const WriteTarget& target,
                 const Batch& old, const Batch& rows);
/// How many existed.
std::uint64_t erase_rows(SessionContext& context, storage::Transaction& writes, const WriteTarget& target,
                         const Batch& old);
/// What a unique key has of whole rows of the target.
KeyEntries new_key_entries(SessionContext& context, const WriteTarget& target, const UniqueKey& key,
                           const Batch& rows);

/// Into the key's table, of rows of the relation. Errors: UniqueViolation.
void insert_entries(SessionContext& context, storage::Transaction& writes,
                    const catalog::RelationObject& relation, const UniqueKey& key, const Batch& entries);

/// The rows' key as storage's `lock`, `erase` and `lookup` take it.
Batch storage_key(const WriteTarget& target, const Batch& old);
/// Rows whose values in `columns` (of the target) are not what they were.
std::vector<bool> changed_rows(const WriteTarget& target, const std::vector<std::size_t>& columns,
                               const Batch& old, const Batch& rows);
/// What a lookup found, cut into whole rows in the target's order and old rows.
Batch old_rows(const WriteTarget& target, const Batch& rows, const Column* row_ids);

/// Columns from `from` on of a query's result as old rows; they are moved out of it.
Batch take_old(const WriteTarget& target, Batch& result, std::size_t from, const FormatContext& format);

/// Locks the keys. Returns true, with a new view, when somebody else changed them since the statement's view:
/// what was read of them must be read again. Errors: SerializationFailure under REPEATABLE READ.
bool lock_rows(SessionContext& context, storage::Transaction& writes, storage::TableId table,
               const Batch& keys, storage::LockMode mode);

}  // namespace tickstone::engine
