// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "catalog/catalog.hpp"

namespace tickstone::engine {

/// One row stands for the whole catalog: transactions that change it wait for each other, with the deadlock
/// check of row locks.
void lock_catalog(storage::Transaction& transaction);

}  // namespace tickstone::engine
