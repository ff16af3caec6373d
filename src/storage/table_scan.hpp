// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "storage/own_rows.hpp"
#include "storage/scan.hpp"

namespace tickstone::storage {

/// Plans a scan of one table. Lifetime: the scan keeps what it reads alive.
std::unique_ptr<TableScan> make_table_scan(TableView view, const ScanRequest& request);

}  // namespace tickstone::storage
