// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "storage/scan.hpp"

namespace tickstone::storage {

/// How many rows the scan gives, of which none has been read. Cost: of one without columns that of the
/// directories of row groups, and of rows that were replaced or erased.
std::uint64_t count_rows(TableScan& scan);

}  // namespace tickstone::storage
