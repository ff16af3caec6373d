// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "duck/duckdb_api.hpp"
#include "duck/instance.hpp"

namespace tickstone::duck {

/// Makes the host's functions callable by name, in place of DuckDB's of the same name.
void register_host_functions(duckdb::DatabaseInstance& db, const InstanceOptions& options);

}  // namespace tickstone::duck
