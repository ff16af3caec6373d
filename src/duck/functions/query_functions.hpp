// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "duck/function_catalog.hpp"

namespace tickstone::duck {

/// What the rewriter's texts call where PostgreSQL has a clause that DuckDB has not.
void register_query_functions(FunctionCatalog& catalog);

}  // namespace tickstone::duck
