// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>

#include "duck/error_translation.hpp"
#include "duck/function_catalog.hpp"

namespace tickstone::duck {

inline std::string_view view_of(const duckdb::string_t& text) { return {text.GetData(), text.GetSize()}; }

/// One function with a few overloads whose rows are computed one at a time.
class ScalarBuilder {
 public:
  explicit ScalarBuilder(const std::string& name) : set_(name) {}

  using Boxed = std::function<duckdb::Value(const std::vector<duckdb::Value>& arguments,
                                            duckdb::ExpressionState& state)>;
  using Text = std::function<bool(std::string_view text, std::string& out)>;  // false: NULL

  /// Values boxed; for what is rarely called on many rows. NULL in, NULL out.
  ScalarBuilder& boxed(duckdb::vector<duckdb::LogicalType> arguments, const duckdb::LogicalType& result,
                       Boxed body) {
    add(std::move(arguments), result, std::move(body), false);
    return *this;
  }
  /// The same, called with NULLs too.
  ScalarBuilder& boxed_with_nulls(
      duckdb::vector<duckdb::LogicalType> arguments, const duckdb::LogicalType& result, Boxed body,
      duckdb::LogicalType varargs = duckdb::LogicalType(duckdb::LogicalTypeId::INVALID)) {
    add(std::move(arguments), result, std::move(body), true, std::move(varargs));
    return *this;
  }
  /// From text to text.
  ScalarBuilder& text(const duckdb::LogicalType& argument, const duckdb::LogicalType& result, Text body);
  ScalarBuilder& overload(duckdb::ScalarFunction function) {
    function.name = set_.name;
    function.errors = duckdb::FunctionErrors::CAN_THROW_RUNTIME_ERROR;
    set_.AddFunction(std::move(function));
    return *this;
  }
  ScalarBuilder& not_foldable() {
    for (auto& function : set_.functions) function.stability = duckdb::FunctionStability::VOLATILE;
    return *this;
  }
  duckdb::ScalarFunctionSet take() { return std::move(set_); }
  void replace_in(FunctionCatalog& catalog) { catalog.replace(std::move(set_)); }
  void add_to(FunctionCatalog& catalog) { catalog.add(std::move(set_)); }

 private:
  void add(duckdb::vector<duckdb::LogicalType> arguments, const duckdb::LogicalType& result, Boxed body,
           bool with_nulls,
           duckdb::LogicalType varargs = duckdb::LogicalType(duckdb::LogicalTypeId::INVALID));

  duckdb::ScalarFunctionSet set_;
};

/// Runs a boxed body over the rows of a chunk.
void run_boxed(duckdb::DataChunk& arguments, duckdb::ExpressionState& state, duckdb::Vector& result,
               const ScalarBuilder::Boxed& body, bool with_nulls);

}  // namespace tickstone::duck
