// SPDX-License-Identifier: Apache-2.0
#include "duck/functions/list_aggregate.hpp"

#include "duck/error_translation.hpp"

namespace tickstone::duck {

namespace {

using duckdb::AggregateFunction;
using duckdb::AggregateInputData;
using duckdb::data_ptr_t;
using duckdb::Expression;
using duckdb::idx_t;
using duckdb::LogicalType;
using duckdb::make_uniq;
using duckdb::unique_ptr;
using duckdb::Vector;

struct FinishInfo : duckdb::AggregateFunctionInfo {
  explicit FinishInfo(ListFinish finish_in) : finish(finish_in) {}
  ListFinish finish;
};

/// DuckDB's `list` as it was bound inside ours.
struct ListData : duckdb::FunctionData {
  ListData(AggregateFunction list_in, unique_ptr<duckdb::FunctionData> data_in, ListFinish finish_in)
      : list(std::move(list_in)), data(std::move(data_in)), finish(finish_in) {}
  AggregateFunction list;
  unique_ptr<duckdb::FunctionData> data;
  ListFinish finish;

  unique_ptr<duckdb::FunctionData> Copy() const override {
    return make_uniq<ListData>(list, data ? data->Copy() : nullptr, finish);
  }
  bool Equals(const duckdb::FunctionData& other) const override {
    const auto& that = other.Cast<ListData>();
    return finish == that.finish && list == that.list;
  }
};

const ListData& data_of(const AggregateInputData& input) { return input.bind_data->Cast<ListData>(); }

AggregateInputData inner(const AggregateInputData& input) {
  return AggregateInputData(data_of(input).data.get(), input.allocator, input.combine_type);
}

void update(Vector inputs[], AggregateInputData& input, idx_t count_in, Vector& states, idx_t count) {
  auto list_input = inner(input);
  data_of(input).list.update(inputs, list_input, count_in, states, count);
}

void combine(Vector& source, Vector& target, AggregateInputData& input, idx_t count) {
  auto list_input = inner(input);
  data_of(input).list.combine(source, target, list_input, count);
}

void destroy(Vector& states, AggregateInputData& input, idx_t count) {
  auto list_input = inner(input);
  const auto& list = data_of(input).list;
  if (list.destructor) list.destructor(states, list_input, count);
}

void finalize(Vector& states, AggregateInputData& input, Vector& result, idx_t count, idx_t offset) {
  through_duckdb([&] {
    const auto& data = data_of(input);
    auto list_input = inner(input);
    const bool is_constant = states.GetVectorType() == duckdb::VectorType::CONSTANT_VECTOR;
    Vector lists(data.list.return_type, std::max<idx_t>(count, STANDARD_VECTOR_SIZE));
    data.list.finalize(states, list_input, lists, count, 0);
    if (is_constant) result.SetVectorType(duckdb::VectorType::CONSTANT_VECTOR);
    for (idx_t i = 0; i < count; ++i) {
      const duckdb::Value list = lists.GetValue(i);
      duckdb::Value value = list.IsNull() ? duckdb::Value() : data.finish(list);
      if (value.IsNull()) {
        value = duckdb::Value(result.GetType());
      } else {
        value.Reinterpret(result.GetType());
      }
      result.SetValue(is_constant ? 0 : offset + i, value);
    }
  });
}

unique_ptr<duckdb::FunctionData> bind(duckdb::ClientContext& context, AggregateFunction& function,
                                      duckdb::vector<unique_ptr<Expression>>& arguments) {
  const auto finish = function.function_info->Cast<FinishInfo>().finish;
  duckdb::FunctionBinder binder(context);
  duckdb::ErrorData error;
  if (arguments.size() > 1) {
    // Several arguments travel as one struct.
    duckdb::vector<unique_ptr<Expression>> parts;
    for (auto& argument : arguments) parts.push_back(std::move(argument));
    auto packed = binder.BindScalarFunction(DEFAULT_SCHEMA, "row", std::move(parts), error);
    if (!packed) error.Throw();
    arguments.clear();
    arguments.push_back(std::move(packed));
  }
  auto& entry = duckdb::Catalog::GetSystemCatalog(context).GetEntry<duckdb::AggregateFunctionCatalogEntry>(
      context, DEFAULT_SCHEMA, "list");
  auto list = entry.functions.GetFunctionByOffset(0);
  binder.ResolveTemplateTypes(list, arguments);
  auto data = list.bind ? list.bind(context, list, arguments) : nullptr;
  const std::string name = function.name;
  const LogicalType result = function.return_type;
  function.arguments = list.arguments;
  if (function.arguments.empty() || function.arguments[0].id() == duckdb::LogicalTypeId::ANY ||
      function.arguments[0].id() == duckdb::LogicalTypeId::TEMPLATE) {
    function.arguments = {arguments[0]->return_type};
  }
  function.state_size = list.state_size;
  function.initialize = list.initialize;
  function.destructor = list.destructor ? destroy : nullptr;
  if (list.return_type.id() != duckdb::LogicalTypeId::LIST || !list.return_type.AuxInfo()) {
    list.return_type = LogicalType::LIST(arguments[0]->return_type);
  }
  function.return_type = result;
  return make_uniq<ListData>(std::move(list), std::move(data), finish);
}

}  // namespace

AggregateFunction list_aggregate(const std::string& name, const duckdb::vector<LogicalType>& arguments,
                                 const LogicalType& result, ListFinish finish) {
  AggregateFunction function(arguments, result, nullptr, nullptr, update, combine, finalize,
                             duckdb::FunctionNullHandling::SPECIAL_HANDLING, nullptr, bind);
  function.name = name;
  function.function_info = duckdb::make_shared_ptr<FinishInfo>(finish);
  function.order_dependent = duckdb::AggregateOrderDependent::ORDER_DEPENDENT;
  return function;
}

}  // namespace tickstone::duck
