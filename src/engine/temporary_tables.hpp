// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "engine/database_core.hpp"

namespace tickstone::engine {

/// Temporary tables live in a schema of their session, `pg_temp_<pid>`, and go with it; those of sessions
/// that a crash ended go when the database is opened.
void drop_temporary_schema(DatabaseCore& database, const std::string& schema);
void drop_temporary_schemas(DatabaseCore& database);

class SessionContext;
/// What ON COMMIT says of the session's temporary tables, before the transaction commits.
void finish_temporary_tables(SessionContext& context);
/// DISCARD TEMP.
void discard_temporary_tables(SessionContext& context);

}  // namespace tickstone::engine
