// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tickstone/database_manager.hpp>

namespace tickstone {

/// The application's tables but for the feature store's, without rows: made when first asked for, emptied
/// then.
void empty_app_tables(Executor& executor);

}  // namespace tickstone
