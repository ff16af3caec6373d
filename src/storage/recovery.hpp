// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "storage/store_core.hpp"

namespace tickstone::storage {

/// Brings `core` to the last commit that the directory holds: reads the manifest, opens its segments, replays
/// the log and opens a new log file. A directory without manifest is made one where that is allowed. Errors:
/// as `Store::open`.
void recover(StoreCore& core);

}  // namespace tickstone::storage
