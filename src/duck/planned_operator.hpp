// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <utility>

#include <duckdb/execution/column_binding_resolver.hpp>
#include <duckdb/planner/operator/logical_extension_operator.hpp>

#include "duck/duckdb_api.hpp"

namespace tickstone::duck {

/// A part of a plan as DuckDB planned it, to become an operator of ours: for all around it, it is the
/// original.
class PlannedOperator : public duckdb::LogicalExtensionOperator {
 public:
  explicit PlannedOperator(duckdb::unique_ptr<duckdb::LogicalOperator> original)
      : original_(std::move(original)) {
    estimated_cardinality = original_->estimated_cardinality;
    has_estimated_cardinality = original_->has_estimated_cardinality;
  }

  duckdb::vector<duckdb::ColumnBinding> GetColumnBindings() override {
    return original_->GetColumnBindings();
  }
  void ResolveColumnBindings(duckdb::ColumnBindingResolver& resolver,
                             duckdb::vector<duckdb::ColumnBinding>& bindings) override {
    resolver.VisitOperator(*original_);
    bindings = original_->GetColumnBindings();
  }
  std::string GetExtensionName() const override { return "tickstone"; }

 protected:
  void ResolveTypes() override {
    original_->ResolveOperatorTypes();
    types = original_->types;
  }
  duckdb::LogicalOperator& original() const { return *original_; }

 private:
  duckdb::unique_ptr<duckdb::LogicalOperator> original_;
};

}  // namespace tickstone::duck
