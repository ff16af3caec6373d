// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "engine/action_arguments.hpp"
#include "engine/hypertable.hpp"
#include "engine/session_context.hpp"

namespace tickstone::engine {

/// tickstone_backup(path, base, trust): what is committed, into a directory of the server. Errors:
/// InsufficientPrivilege for all but superusers, since it writes files of the server; ActiveSqlTransaction
/// where the transaction has written, which a backup would not hold; those of storage::Store::backup.
ActionResult write_backup(SessionContext& context, const ActionArguments& arguments);

}  // namespace tickstone::engine
