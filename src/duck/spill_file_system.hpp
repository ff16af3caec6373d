// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include <duckdb/common/file_system.hpp>

namespace tickstone::duck {

/// All that DuckDB has of files: its buffer manager's temporary ones in one directory. What a query asks for,
/// by whatever function or statement, comes with the client's context and is refused, also in that directory.
/// Empty: no file at all.
duckdb::unique_ptr<duckdb::FileSystem> make_spill_file_system(const std::string& directory);

}  // namespace tickstone::duck
