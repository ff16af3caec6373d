// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "duck/instance.hpp"

namespace tickstone::engine {

/// All functions that DuckDB must call back for: the session's and the catalog's.
std::vector<duck::HostFunction> host_functions();
std::vector<duck::HostTableFunction> host_table_functions();

}  // namespace tickstone::engine
