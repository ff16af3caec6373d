// SPDX-License-Identifier: Apache-2.0
#include "duck/functions/numeric_types.hpp"

namespace tickstone::duck {

using duckdb::Expression;
using duckdb::LogicalType;
using duckdb::LogicalTypeId;

NumberKind number_kind(const LogicalType& type) {
  switch (type.id()) {
    case LogicalTypeId::TINYINT:
    case LogicalTypeId::UTINYINT:
    case LogicalTypeId::SMALLINT:
      return NumberKind::SmallInt;
    case LogicalTypeId::USMALLINT:
    case LogicalTypeId::INTEGER:
      return NumberKind::Integer;
    case LogicalTypeId::UINTEGER:
    case LogicalTypeId::BIGINT:
      return NumberKind::BigInt;
    case LogicalTypeId::INTEGER_LITERAL:
      return number_kind(duckdb::IntegerLiteral::GetType(type));
    case LogicalTypeId::UBIGINT:
    case LogicalTypeId::HUGEINT:
    case LogicalTypeId::UHUGEINT:
    case LogicalTypeId::DECIMAL:
      return NumberKind::Numeric;
    case LogicalTypeId::FLOAT:
      return NumberKind::Real;
    case LogicalTypeId::DOUBLE:
      return NumberKind::Double;
    default:
      return NumberKind::None;
  }
}

LogicalType type_of(NumberKind kind) {
  switch (kind) {
    case NumberKind::SmallInt:
      return LogicalType::SMALLINT;
    case NumberKind::Integer:
      return LogicalType::INTEGER;
    case NumberKind::BigInt:
      return LogicalType::BIGINT;
    case NumberKind::Real:
      return LogicalType::FLOAT;
    case NumberKind::Double:
      return LogicalType::DOUBLE;
    case NumberKind::None:
    case NumberKind::Numeric:
      break;
  }
  return LogicalType::DECIMAL(38, 0);
}

int scale_of(const LogicalType& type) {
  return type.id() == LogicalTypeId::DECIMAL ? duckdb::DecimalType::GetScale(type) : 0;
}

LogicalType loop_type(const LogicalType& type) {
  if (type.id() == LogicalTypeId::DECIMAL) {
    const bool narrow = duckdb::DecimalType::GetWidth(type) <= 18;
    return LogicalType::DECIMAL(narrow ? 18 : 38, duckdb::DecimalType::GetScale(type));
  }
  const auto kind = number_kind(type);
  return is_integer_kind(kind) ? LogicalType::BIGINT : LogicalType::DECIMAL(38, 0);
}

bool is_untyped(const Expression& expression) {
  const auto id = expression.return_type.id();
  if (id == LogicalTypeId::UNKNOWN || id == LogicalTypeId::SQLNULL || id == LogicalTypeId::STRING_LITERAL)
    return true;
  // An untyped literal; a cast to text would stand in the tree as one.
  return id == LogicalTypeId::VARCHAR &&
         expression.GetExpressionClass() == duckdb::ExpressionClass::BOUND_CONSTANT &&
         !expression.return_type.HasAlias();
}

void set_types(duckdb::ScalarFunction& function, duckdb::vector<LogicalType> arguments, LogicalType result) {
  function.null_handling = duckdb::FunctionNullHandling::DEFAULT_NULL_HANDLING;
  function.arguments = std::move(arguments);
  function.varargs = LogicalType(LogicalTypeId::INVALID);
  function.return_type = std::move(result);
}

void throw_no_operator(const std::string& name, const LogicalType& left, const LogicalType& right) {
  throw duckdb::BinderException("No function matches the given name and argument types '%s(%s, %s)'", name,
                                left.ToString(), right.ToString());
}

void throw_no_function(const std::string& name,
                       const duckdb::vector<duckdb::unique_ptr<Expression>>& arguments) {
  std::string types;
  for (const auto& argument : arguments) {
    if (!types.empty()) types += ", ";
    types += is_untyped(*argument) ? "UNKNOWN" : argument->return_type.ToString();
  }
  throw duckdb::BinderException("No function matches the given name and argument types '%s(%s)'", name,
                                types);
}

duckdb::unique_ptr<duckdb::FunctionData> bind_original(
    duckdb::ClientContext& context, const duckdb::ScalarFunctionSet& set, duckdb::ScalarFunction& function,
    duckdb::vector<duckdb::unique_ptr<Expression>>& arguments) {
  duckdb::FunctionBinder binder(context);
  duckdb::ErrorData error;
  auto overloads = set;
  const auto best = binder.BindFunction(set.name, overloads, arguments, error);
  if (!best.IsValid()) error.Throw();
  function = overloads.GetFunctionByOffset(best.GetIndex());
  duckdb::FunctionBinder(context).ResolveTemplateTypes(function, arguments);
  if (!function.bind) return nullptr;
  return function.bind(context, function, arguments);
}

void throw_integer_overflow(NumberKind kind) {
  const char* name = kind == NumberKind::SmallInt  ? "smallint"
                     : kind == NumberKind::Integer ? "integer"
                                                   : "bigint";
  throw_through_duckdb(ErrorCode::NumericValueOutOfRange, std::string(name) + " out of range");
}

}  // namespace tickstone::duck
