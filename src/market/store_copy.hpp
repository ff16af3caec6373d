// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "market/object_copy.hpp"
#include "market/row_checksum.hpp"
#include "market/table_facts.hpp"

namespace tickstone::market {

/// One end of a copy: a conversation, and whom it is with.
struct StoreEnd {
  Connection& connection;
  Home home;
};

struct CopyRequest {
  std::vector<std::string> tables;  // empty: all
  std::string since;                // of hypertables; a time as PostgreSQL reads it, empty: all
  bool only_verifies = false;
  bool only_plans = false;
  bool replaces = false;  // rows and definitions of the target that are not of an earlier copy
  bool makes_roles = false;
};

/// A range of which the two ends do not have the same rows.
struct RangeDifference {
  std::string table;
  TimeRange range;
  RowSum source;
  RowSum target;
};

struct TableOutcome {
  std::string table;
  std::uint64_t range_count = 0;
  std::uint64_t row_count = 0;       // of the source
  std::uint64_t copied_count = 0;    // of them, in this run
  std::uint64_t recorded_count = 0;  // ranges that earlier runs have copied; of a plan
};

struct CopyOutcome {
  std::vector<TableOutcome> tables;
  std::vector<std::string> made_tables;   // of a plan: those that would be made
  std::vector<std::string> made_objects;  // views, functions, jobs, rights, ...; likewise
  std::vector<std::string> refreshed;     // aggregates and materialized views
  std::vector<LeftOut> left_out;          // what the target does not get
  std::vector<RangeDifference> differences;
  std::vector<std::string> missing;  // tables and objects; of a verification
  int schema_version = 0;            // of the application, to which the target is brought; 0: as it is
  std::uint64_t sequence_count = 0;
};

/// For a progress bar: ranges done, ranges in all, what is being done.
using CopyProgress = std::function<void(std::uint64_t, std::uint64_t, const std::string&)>;

/// Brings the rows of one home to another, table by table and time range by time range, and then what else
/// its users have made: views, functions, aggregates, jobs, rights.
///
/// The source is read in one REPEATABLE READ transaction, so all tables are of one moment; what is written
/// there meanwhile comes with the next run. A range is one transaction of the target: its rows, their count
/// and checksum by SQL on both sides, which must be equal, and a row of the table `tickstone_copies`. A run
/// that was cut short goes on with the ranges that have no such row; one after it copies what the source has
/// changed.
///
/// Errors: ObjectNotInPrerequisiteState where the target has rows in a range that no earlier copy has put
/// there; DataCorrupted where what came across is not what was sent; what either end says.
class StoreCopy {
 public:
  StoreCopy(StoreEnd source, StoreEnd target, CopyRequest request, CopyProgress on_progress);
  CopyOutcome run();

 private:
  using Names = std::vector<std::string>;
  struct Recorded {
    std::string end;
    RowSum sum;
  };

  std::vector<TableFacts> tables_to_copy();
  void cut_ranges(TableFacts& table) const;
  /// The version of the application's schema that the target has to be brought to; 0: to none.
  int wanted_version(const std::vector<TableFacts>& tables);
  void make_schema(const std::vector<TableFacts>& tables, const std::vector<SequenceFacts>& sequences);
  /// By their short names, those that the target does not have.
  Names missing_tables(const std::vector<TableFacts>& tables);
  void plan_tables(const std::vector<TableFacts>& tables);
  PlanOptions plan_options(const std::vector<TableFacts>& tables) const;
  /// What the columns and checks of tables to be made call.
  void make_functions_of(const std::vector<TableFacts>& tables);
  void add_foreign_keys(const std::vector<TableFacts>& tables);
  void add_space_dimension(const TableFacts& table);
  void make_state_table();
  std::optional<Recorded> recorded(const TableFacts& table, const TimeRange& range);
  void record(const TableFacts& table, const TimeRange& range, const RowSum& sum);
  void handle_range(const TableFacts& table, const TimeRange& range, TableOutcome& outcome);
  void copy_range(const TableFacts& table, const TimeRange& range, const RowSum& sum, bool has_rows);
  void set_sequences(const std::vector<SequenceFacts>& sequences);
  void refresh_aggregates();
  void copy_objects(const std::vector<TableFacts>& tables, const std::vector<SequenceFacts>& sequences);
  void tell_plan(const std::vector<TableFacts>& tables);

  StoreEnd source_;
  StoreEnd target_;
  CopyRequest request_;
  CopyProgress on_progress_;
  CopyOutcome outcome_;
  HomeFacts facts_;  // of the source, at the moment of its rows
  ObjectCopy objects_;
};

}  // namespace tickstone::market
