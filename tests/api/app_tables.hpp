// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tickstone/database_manager.hpp>

namespace tickstone {

/// The application's tables, which run.sh has made by `tickstone migrate`, without rows.
void empty_app_tables(Executor& executor);

}  // namespace tickstone
