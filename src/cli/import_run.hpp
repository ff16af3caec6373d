// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "cli/import_ledger.hpp"
#include "cli/row_loader.hpp"
#include "cli/row_source.hpp"

namespace tickstone::cli {

/// What is imported into, and how.
struct ImportJob {
  market::Connection& target;
  std::string table;  // as it was given
  std::vector<market::ResultColumn> columns;
  FileLayout layout;
  market::ImportMapping mapping;
  std::vector<std::pair<std::string, std::string>> renamed;  // --map: field, column (empty: left out)
  std::optional<std::string> symbol;
  std::optional<std::string> timeframe;
  ExistingRows existing = ExistingRows::Reject;
  bool is_dry_run = false;
  bool shows_progress = true;

  ImportJob with_target(market::Connection& other) const;
};

/// What became of one file.
struct FileOutcome {
  enum class State : std::uint8_t { Loaded, Resumed, DoneBefore, DryRun };
  std::string path;
  State state = State::Loaded;
  RowCounts rows;                    // of this run; of the one before where it was done then
  std::vector<std::string> mapping;  // of a dry run
  std::vector<std::string> unused_fields;
  std::string reject_file;  // where rows of this run were rejected
};

/// Loads one file, batch by batch, each in a transaction with its entry in `ledger` (nullptr: none is kept,
/// as for standard input). Where a run before was cut short it goes on from there.
FileOutcome import_file(const ImportJob& job, const std::string& path, ImportLedger* ledger,
                        RejectFile& rejects);

}  // namespace tickstone::cli
