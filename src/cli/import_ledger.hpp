// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "cli/import_files.hpp"
#include "market/connection.hpp"

namespace tickstone::cli {

/// What became of rows of a file.
struct RowCounts {
  std::uint64_t added = 0;
  std::uint64_t changed = 0;  // had another value before
  std::uint64_t same = 0;     // were there already, or are left as they were
  std::uint64_t rejected = 0;
  RowCounts& operator+=(const RowCounts& other);
};

/// How far the import of a file into a table has come.
struct ImportProgress {
  std::uint64_t last_line = 0;  // of the file, that has been dealt with (Parquet: rows)
  RowCounts rows;
  std::string reject_file;
  std::uint64_t reject_bytes = 0;  // of it, by then
  bool is_complete = false;
};

/// The table `tickstone_imports`, which says of each file how much of it has been committed: it is written in
/// the transactions of the rows themselves, so that nothing is loaded twice and nothing left out.
class ImportLedger {
 public:
  /// Makes the table where there is none. `table`: schema and name.
  ImportLedger(market::Connection& target, std::string table);
  std::optional<ImportProgress> find(const FileIdentity& file);
  /// In the transaction of the rows. Errors: ObjectInUse where someone else has gone on with this file since
  /// `before`.
  void advance(const FileIdentity& file, const std::string& format, const ImportProgress& before,
               const ImportProgress& after);
  /// Takes up the file from its start. In a transaction of its own.
  void forget(const FileIdentity& file);

 private:
  market::Connection& target_;
  std::string table_;
};

}  // namespace tickstone::cli
