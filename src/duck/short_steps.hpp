// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include <duckdb/execution/physical_operator.hpp>

#include "duck/duckdb_api.hpp"
#include "types/column.hpp"

/// The steps that rows take through a plan which one thread runs by itself.
namespace tickstone::duck {

/// What whoever gives rows to a step has to do next.
enum class Flow : std::uint8_t {
  More,     // go on
  Enough,   // no further row counts
  TooMuch,  // leave it all to DuckDB
};

/// Takes rows, and gives what becomes of them to the step above.
class ShortStep {
 public:
  virtual ~ShortStep() = default;
  virtual Flow take(duckdb::DataChunk& rows) = 0;
  /// There are no more.
  virtual Flow end() = 0;
};

/// What computes an operator's expressions. Small ones are kept from run to run.
class ShortExpressions {
 public:
  /// Lifetime: of `op`, a filter or a projection.
  explicit ShortExpressions(const duckdb::PhysicalOperator& op);

  /// Whether something about them needs a query that DuckDB runs.
  bool needs_query() const { return needs_query_; }
  /// Whether it matters how often they are computed.
  bool are_volatile() const { return are_volatile_; }

  duckdb::ExpressionExecutor& executor(duckdb::ClientContext& context);
  /// Of a projection.
  duckdb::DataChunk& projected();
  /// After a run.
  void release();

 private:
  void look_at(const duckdb::Expression& expression, bool is_top);

  const duckdb::PhysicalOperator& op_;
  bool needs_query_ = false;
  bool are_volatile_ = false;
  bool may_be_kept_ = true;
  std::size_t buffer_bytes_ = 0;
  std::unique_ptr<duckdb::ExpressionExecutor> executor_;
  std::unique_ptr<duckdb::DataChunk> projected_;
};

/// Whether there is a step for the operator.
bool has_short_step(const duckdb::PhysicalOperator& op);
/// What it gathers before it gives anything.
enum class Gathering : std::uint8_t { Nothing, Rows, Windows, Groups, Totals };
Gathering gathering_of(const duckdb::PhysicalOperator& op);

/// The step of an operator. `expressions`: of a filter or a projection. `is_input_kept`: the rows that it is
/// given stay as they are until the run is over. nullptr where the values of now need DuckDB. Lifetime: of
/// all arguments.
std::unique_ptr<ShortStep> make_short_step(duckdb::ClientContext& context, const duckdb::PhysicalOperator& op,
                                           ShortExpressions* expressions, bool is_input_kept,
                                           ShortStep& above);

/// Most rows that a LIMIT lets through with those that its OFFSET skips; nothing where that is not known.
std::optional<std::uint64_t> limit_of(const duckdb::PhysicalOperator& op);

/// Keeps what it takes, as batches; too much where it would be more than `most_bytes` of memory.
class ShortAnswer final : public ShortStep {
 public:
  explicit ShortAnswer(std::size_t most_bytes) : most_bytes_(most_bytes) {}
  Flow take(duckdb::DataChunk& rows) override;
  Flow end() override { return Flow::More; }
  std::vector<Batch> batches;

 private:
  std::size_t most_bytes_;
  std::size_t bytes_ = 0;
};

}  // namespace tickstone::duck
