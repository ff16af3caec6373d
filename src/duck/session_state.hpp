// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <mutex>

#include "duck/duckdb_api.hpp"
#include "duck/instance.hpp"
#include "duck/workers.hpp"

namespace tickstone::duck {

/// A table that a plan was bound to, and as of which schema version.
struct BoundTable {
  storage::TableId table = 0;
  std::uint64_t schema_version = 0;
  friend bool operator==(const BoundTable&, const BoundTable&) = default;
};

/// A value of the session inside a plan, such as now(): a parameter that nobody sees, set anew at every
/// execution so that the plan can be kept.
struct SessionParameter {
  std::string function;
  duckdb::shared_ptr<duckdb::BoundParameterData> data;
  duckdb::LogicalType type;
};

/// What a plan depends on, noted while it is bound.
struct PlanNotes {
  std::vector<BoundTable> tables;
  std::vector<SessionParameter> parameters;
};

/// What the callbacks inside DuckDB know of the connection that they run for.
class SessionState : public duckdb::ClientContextState {
 public:
  SessionState(RelationSource& source, HostFunctions& functions) : source_(&source), functions_(&functions) {}

  static constexpr const char* kKey = "tickstone";
  static SessionState& of(duckdb::ClientContext& context);

  /// Nothing runs meanwhile.
  void attach(RelationSource& source, HostFunctions& functions) {
    source_ = &source;
    functions_ = &functions;
    view_.reset();
    found_.clear();
  }

  /// Pins the view that all scans of the coming execution read.
  void begin_statement();
  const std::shared_ptr<const storage::ReadView>& view() const { return view_; }

  /// The helpers of the execution that begins now; those of the one before are let go.
  const std::shared_ptr<WorkerUse>& use_workers(std::shared_ptr<WorkerUse> use) {
    if (use_) use_->end();
    return use_ = std::move(use);
  }
  /// Whether an execution has been begun that has not ended.
  bool is_running() const { return use_ && !use_->has_ended(); }
  /// What runs is worth help. Threads: those of DuckDB, while it runs.
  void ask_for_help() {
    if (use_) use_->engage();
  }

  /// The relation of that name; the one that the replacement scan found is kept for the bind that follows.
  std::optional<SourceRelation> find_relation(const std::string& name);
  const SourceRelation* found_relation(const std::string& name) const;
  std::shared_ptr<const Batch> rows(const std::string& name);
  std::string chunk_name(const std::string& relation, std::uint32_t number);

  /// Where binds note what the plan under construction depends on. nullptr: nobody asks.
  void note_into(PlanNotes* notes);
  PlanNotes* notes() { return notes_; }

  /// Calls of the host are made one at a time, whichever thread of DuckDB makes them.
  Value call(std::string_view function, std::span<const Value> arguments);
  Batch call_table(std::string_view function, std::span<const Value> arguments);

  /// While a plan is made to be shown: scans say what they would read.
  bool is_explaining() const { return is_explaining_; }
  void set_explaining(bool is_explaining) { is_explaining_ = is_explaining; }

  const TimeZone& zone() const { return *zone_; }
  void set_zone(const TimeZone& zone) { zone_ = &zone; }
  void set_styles(const DateStyle& dates, IntervalStyle intervals) {
    dates_ = dates;
    intervals_ = intervals;
  }
  /// How values become text and text becomes values.
  FormatContext format() const {
    FormatContext format;
    format.zone = zone_;
    format.dates = dates_;
    format.intervals = intervals_;
    return format;
  }

 private:
  RelationSource* source_;
  HostFunctions* functions_;
  std::mutex host_mutex_;
  std::shared_ptr<const storage::ReadView> view_;
  std::map<std::string, SourceRelation> found_;
  PlanNotes* notes_ = nullptr;
  bool is_explaining_ = false;
  const TimeZone* zone_ = &utc_zone();
  std::shared_ptr<WorkerUse> use_;
  DateStyle dates_;
  IntervalStyle intervals_ = IntervalStyle::Postgres;
};

}  // namespace tickstone::duck
