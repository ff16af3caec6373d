// SPDX-License-Identifier: Apache-2.0
#include "duck/functions/scalar_builder.hpp"

namespace tickstone::duck {

using duckdb::idx_t;
using duckdb::LogicalType;
using duckdb::Vector;

void run_boxed(duckdb::DataChunk& arguments, duckdb::ExpressionState& state, Vector& result,
               const ScalarBuilder::Boxed& body, bool with_nulls) {
  through_duckdb([&] {
    const bool is_constant = arguments.AllConstant();
    const idx_t rows = is_constant ? 1 : arguments.size();
    std::vector<duckdb::Value> values;
    for (idx_t row = 0; row < rows; ++row) {
      values.clear();
      bool has_null = false;
      for (auto& argument : arguments.data) {
        values.push_back(argument.GetValue(row));
        has_null |= values.back().IsNull();
      }
      if (has_null && !with_nulls) {
        result.SetValue(row, duckdb::Value(result.GetType()));
        continue;
      }
      duckdb::Value value = body(values, state);
      if (value.IsNull()) {
        value = duckdb::Value(result.GetType());
      } else if (value.type() != result.GetType() &&
                 value.type().InternalType() == result.GetType().InternalType() && !value.type().IsNested()) {
        value.Reinterpret(result.GetType());
      }
      result.SetValue(row, value);
    }
    if (is_constant) result.SetVectorType(duckdb::VectorType::CONSTANT_VECTOR);
  });
}

void ScalarBuilder::add(duckdb::vector<LogicalType> arguments, const LogicalType& result, Boxed body,
                        bool with_nulls, LogicalType varargs) {
  duckdb::ScalarFunction function(
      set_.name, std::move(arguments), result,
      [body = std::move(body), with_nulls](duckdb::DataChunk& chunk, duckdb::ExpressionState& state,
                                           Vector& out) { run_boxed(chunk, state, out, body, with_nulls); });
  function.varargs = std::move(varargs);
  function.null_handling = with_nulls ? duckdb::FunctionNullHandling::SPECIAL_HANDLING
                                      : duckdb::FunctionNullHandling::DEFAULT_NULL_HANDLING;
  function.errors = duckdb::FunctionErrors::CAN_THROW_RUNTIME_ERROR;
  set_.AddFunction(std::move(function));
}

ScalarBuilder& ScalarBuilder::text(const LogicalType& argument, const LogicalType& result, Text body) {
  duckdb::ScalarFunction function(
      set_.name, {argument}, result,
      [body = std::move(body)](duckdb::DataChunk& chunk, duckdb::ExpressionState&, Vector& out) {
        through_duckdb([&] {
          std::string buffer;
          duckdb::UnaryExecutor::ExecuteWithNulls<duckdb::string_t, duckdb::string_t>(
              chunk.data[0], out, chunk.size(),
              [&](duckdb::string_t text, duckdb::ValidityMask& mask, idx_t row) {
                buffer.clear();
                if (!body(view_of(text), buffer)) {
                  mask.SetInvalid(row);
                  return duckdb::string_t();
                }
                return duckdb::StringVector::AddStringOrBlob(out, buffer);
              });
        });
      });
  function.errors = duckdb::FunctionErrors::CAN_THROW_RUNTIME_ERROR;
  set_.AddFunction(std::move(function));
  return *this;
}

}  // namespace tickstone::duck
