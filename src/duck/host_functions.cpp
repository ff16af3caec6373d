// SPDX-License-Identifier: Apache-2.0
#include "duck/host_functions.hpp"

#include "duck/error_translation.hpp"
#include "duck/function_catalog.hpp"
#include "duck/logical_types.hpp"
#include "duck/scan_vectors.hpp"
#include "duck/session_state.hpp"

namespace tickstone::duck {

namespace {

using duckdb::DataChunk;
using duckdb::Expression;
using duckdb::ExpressionState;
using duckdb::idx_t;
using duckdb::make_uniq;
using duckdb::unique_ptr;

/// Which host function a bound call means.
struct HostFunctionInfo : duckdb::FunctionData {
  explicit HostFunctionInfo(std::shared_ptr<const HostFunction> function_in)
      : function(std::move(function_in)) {}
  std::shared_ptr<const HostFunction> function;
  unique_ptr<duckdb::FunctionData> Copy() const override { return make_uniq<HostFunctionInfo>(function); }
  bool Equals(const duckdb::FunctionData& other) const override {
    return function == other.Cast<HostFunctionInfo>().function;
  }
};

struct HostScalarInfo : duckdb::ScalarFunctionInfo {
  explicit HostScalarInfo(std::shared_ptr<const HostFunction> function_in)
      : function(std::move(function_in)) {}
  std::shared_ptr<const HostFunction> function;
};

/// The value as DuckDB expects it of the function's declared type.
duckdb::Value as_declared(const Value& value, const duckdb::LogicalType& type) {
  duckdb::Value result = value.is_null ? duckdb::Value(type) : to_duck(value);
  if (result.type() == type) return result;
  return result.DefaultCastAs(type);
}

void call_rows(DataChunk& arguments, ExpressionState& state, duckdb::Vector& result) {
  through_duckdb([&] {
    const auto& expression = state.expr.Cast<duckdb::BoundFunctionExpression>();
    const auto& function = *expression.bind_info->Cast<HostFunctionInfo>().function;
    auto& session = SessionState::of(state.GetContext());
    const auto type = logical_type_of(function.result);
    if (function.arguments.empty() && !function.is_volatile) {
      result.Reference(as_declared(session.call(function.name, {}), type));
      return;
    }
    const bool is_constant = !function.is_volatile && arguments.AllConstant();
    const idx_t rows = is_constant ? 1 : arguments.size();
    for (idx_t row = 0; row < rows; ++row) {
      std::vector<Value> values;
      bool has_null = false;
      for (idx_t i = 0; i < arguments.ColumnCount(); ++i) {
        Value value = from_duck(arguments.data[i].GetValue(row));
        value.type = function.arguments[i].id == TypeId::Numeric ? value.type : function.arguments[i];
        has_null |= value.is_null;
        values.push_back(std::move(value));
      }
      if (has_null && function.null_in_null_out) {
        result.SetValue(row, duckdb::Value(type));
      } else {
        result.SetValue(row, as_declared(session.call(function.name, values), type));
      }
    }
    if (is_constant) result.SetVectorType(duckdb::VectorType::CONSTANT_VECTOR);
  });
}

unique_ptr<duckdb::FunctionData> bind_host(duckdb::ClientContext&, duckdb::ScalarFunction& function,
                                           duckdb::vector<unique_ptr<Expression>>&) {
  return make_uniq<HostFunctionInfo>(function.function_info->Cast<HostScalarInfo>().function);
}

/// A stable function without arguments, such as now(), becomes a parameter with a value of this execution, so
/// that the plan can be kept and the value can prune.
unique_ptr<Expression> bind_session_value(duckdb::FunctionBindExpressionInput& input) {
  return through_duckdb([&]() -> unique_ptr<Expression> {
    const auto& function = *input.bind_data->Cast<HostFunctionInfo>().function;
    auto& session = SessionState::of(input.context);
    const auto type = logical_type_of(function.result);
    auto parameter = make_uniq<duckdb::BoundParameterExpression>("tickstone_" + function.name);
    parameter->return_type = type;
    parameter->parameter_data = duckdb::make_shared_ptr<duckdb::BoundParameterData>(
        as_declared(session.call(function.name, {}), type), type);
    if (auto* notes = session.notes()) {
      notes->parameters.push_back({function.name, parameter->parameter_data, type});
    }
    // Inside a function that passes it on: DuckDB would give a bare parameter the type of whatever casts it.
    duckdb::ScalarFunction passing(function.name, {type}, type, duckdb::ScalarFunction::NopFunction);
    duckdb::vector<unique_ptr<Expression>> children;
    children.push_back(std::move(parameter));
    return make_uniq<duckdb::BoundFunctionExpression>(type, std::move(passing), std::move(children), nullptr);
  });
}

duckdb::ScalarFunction scalar_of(const HostFunction& declared, const std::string& name) {
  auto shared = std::make_shared<const HostFunction>(declared);
  duckdb::vector<duckdb::LogicalType> arguments;
  for (const auto& argument : declared.arguments) arguments.push_back(logical_type_of(argument));
  duckdb::ScalarFunction function(name, std::move(arguments), logical_type_of(declared.result), call_rows,
                                  bind_host);
  function.function_info = duckdb::make_shared_ptr<HostScalarInfo>(shared);
  function.null_handling = duckdb::FunctionNullHandling::SPECIAL_HANDLING;
  function.errors = duckdb::FunctionErrors::CAN_THROW_RUNTIME_ERROR;
  if (declared.is_volatile) {
    function.stability = duckdb::FunctionStability::VOLATILE;
  } else if (declared.arguments.empty()) {
    function.bind_expression = bind_session_value;
  } else {
    // Folded within one execution; a kept plan is bound again, as what it says may have changed.
    function.stability = duckdb::FunctionStability::CONSISTENT_WITHIN_QUERY;
  }
  return function;
}

struct HostTableInfo : duckdb::TableFunctionInfo {
  explicit HostTableInfo(HostTableFunction function_in) : function(std::move(function_in)) {}
  HostTableFunction function;
};

struct HostTableBindData : duckdb::TableFunctionData {
  const HostTableFunction* function = nullptr;
  duckdb::shared_ptr<duckdb::TableFunctionInfo> info;  // keeps `function`
  std::vector<Value> arguments;
};

struct HostTableState : duckdb::GlobalTableFunctionState {
  Batch rows;
  std::size_t next_row = 0;
  std::vector<duckdb::column_t> columns;
  std::vector<VectorFiller> fillers;
};

unique_ptr<duckdb::FunctionData> bind_table(duckdb::ClientContext&, duckdb::TableFunctionBindInput& input,
                                            duckdb::vector<duckdb::LogicalType>& types,
                                            duckdb::vector<duckdb::string>& names) {
  auto data = make_uniq<HostTableBindData>();
  data->info = input.table_function.function_info;
  data->function = &data->info->Cast<HostTableInfo>().function;
  const auto& function = *data->function;
  for (std::size_t i = 0; i < function.arguments.size(); ++i) {
    Value value = Value::null_of(function.arguments[i]);
    if (i < input.inputs.size()) {
      value = from_duck(input.inputs[i]);
    } else if (i < function.argument_names.size()) {
      const auto named = input.named_parameters.find(function.argument_names[i]);
      if (named != input.named_parameters.end()) value = from_duck(named->second);
    }
    if (value.type.id != TypeId::Numeric) value.type = function.arguments[i];
    data->arguments.push_back(std::move(value));
  }
  for (const auto& column : function.columns) {
    types.push_back(logical_type_of(column.type, column.layout));
    names.push_back(column.name);
  }
  return data;
}

unique_ptr<duckdb::GlobalTableFunctionState> init_table(duckdb::ClientContext& context,
                                                        duckdb::TableFunctionInitInput& input) {
  return through_duckdb([&] {
    const auto& bind = input.bind_data->Cast<HostTableBindData>();
    auto state = make_uniq<HostTableState>();
    state->rows = SessionState::of(context).call_table(bind.function->name, bind.arguments);
    for (const auto id : input.column_ids) {
      state->columns.push_back(id);
      const bool is_column = id < bind.function->columns.size();
      const SourceColumn column = is_column ? bind.function->columns[id] : SourceColumn{};
      state->fillers.emplace_back(logical_type_of(column.type, column.layout), column.layout);
    }
    return unique_ptr<duckdb::GlobalTableFunctionState>(std::move(state));
  });
}

void scan_table(duckdb::ClientContext&, duckdb::TableFunctionInput& input, DataChunk& output) {
  through_duckdb([&] {
    auto& state = input.global_state->Cast<HostTableState>();
    const std::size_t total = state.rows.row_count();
    const std::size_t count = std::min(storage::kScanRows, total - state.next_row);
    if (count == 0) return;
    for (std::size_t i = 0; i < state.columns.size(); ++i) {
      if (state.columns[i] < state.rows.columns.size()) {
        state.fillers[i].fill(slice_of(state.rows.columns[state.columns[i]].view(), state.next_row, count),
                              output.data[i]);
      } else {
        output.data[i].SetVectorType(duckdb::VectorType::CONSTANT_VECTOR);
        duckdb::ConstantVector::SetNull(output.data[i], true);
      }
    }
    state.next_row += count;
    output.SetCardinality(count);
  });
}

duckdb::TableFunctionSet table_set_of(const HostTableFunction& declared) {
  duckdb::TableFunctionSet set(declared.name);
  auto info = duckdb::make_shared_ptr<HostTableInfo>(declared);
  for (std::size_t given = 0; given <= declared.arguments.size(); ++given) {
    duckdb::vector<duckdb::LogicalType> arguments;
    for (std::size_t i = 0; i < given; ++i) arguments.push_back(logical_type_of(declared.arguments[i]));
    duckdb::TableFunction function(declared.name, std::move(arguments), scan_table, bind_table, init_table);
    for (std::size_t i = given; i < declared.argument_names.size() && i < declared.arguments.size(); ++i) {
      if (!declared.argument_names[i].empty()) {
        function.named_parameters[declared.argument_names[i]] = logical_type_of(declared.arguments[i]);
      }
    }
    function.function_info = info;
    function.projection_pushdown = true;
    function.verify_serialization = false;
    set.AddFunction(std::move(function));
  }
  return set;
}

}  // namespace

void register_host_functions(duckdb::DatabaseInstance& db, const InstanceOptions& options) {
  FunctionCatalog catalog(db);
  std::map<std::string, duckdb::ScalarFunctionSet> sets;
  for (const auto& function : options.functions) {
    sets.try_emplace(function.name, function.name)
        .first->second.AddFunction(scalar_of(function, function.name));
    if (function.name == "now") {
      // What DuckDB's parser makes of CURRENT_TIMESTAMP, and PostgreSQL's other names.
      for (const char* other : {"get_current_timestamp", "transaction_timestamp"}) {
        sets.try_emplace(other, other).first->second.AddFunction(scalar_of(function, other));
      }
    }
  }
  for (auto& [name, set] : sets) catalog.replace(std::move(set));
  for (const auto& function : options.table_functions) catalog.replace(table_set_of(function));
  catalog.finish();
}

}  // namespace tickstone::duck
