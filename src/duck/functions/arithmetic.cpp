// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "duck/functions/functions.hpp"
#include "duck/functions/numeric_math.hpp"
#include "duck/functions/numeric_types.hpp"
#include "duck/functions/time_arithmetic.hpp"
#include "duck/functions/wide_functions.hpp"

// PostgreSQL's + - * / % over numbers: integers overflow with an error, division by zero is one, numeric
// keeps its digits. One function for any two types; what it does is chosen at bind.

namespace tickstone::duck {

namespace {

using duckdb::BinaryExecutor;
using duckdb::DataChunk;
using duckdb::Expression;
using duckdb::ExpressionState;
using duckdb::hugeint_t;
using duckdb::LogicalType;
using duckdb::LogicalTypeId;
using duckdb::make_uniq;
using duckdb::ScalarFunction;
using duckdb::unique_ptr;
using duckdb::Vector;

using Arguments = duckdb::vector<unique_ptr<Expression>>;

enum class Operator : std::uint8_t { Add, Subtract, Multiply, Divide, Modulo };

constexpr const char* kNames[] = {"+", "-", "*", "/", "%"};

// Integers.

template <typename T>
constexpr NumberKind kind_of() {
  return sizeof(T) == 2 ? NumberKind::SmallInt : sizeof(T) == 4 ? NumberKind::Integer : NumberKind::BigInt;
}

template <typename T, Operator op>
T integer_operation(T left, T right) {
  T result = 0;
  if constexpr (op == Operator::Add) {
    if (__builtin_add_overflow(left, right, &result)) throw_integer_overflow(kind_of<T>());
  } else if constexpr (op == Operator::Subtract) {
    if (__builtin_sub_overflow(left, right, &result)) throw_integer_overflow(kind_of<T>());
  } else if constexpr (op == Operator::Multiply) {
    if (__builtin_mul_overflow(left, right, &result)) throw_integer_overflow(kind_of<T>());
  } else {
    if (right == 0) throw_division_by_zero();
    if (right == -1) {
      if constexpr (op == Operator::Modulo) return 0;
      if (__builtin_sub_overflow(T{0}, left, &result)) throw_integer_overflow(kind_of<T>());
      return result;
    }
    result = static_cast<T>(op == Operator::Divide ? left / right : left % right);
  }
  return result;
}

template <typename T, Operator op>
void integer_loop(DataChunk& arguments, ExpressionState&, Vector& result) {
  BinaryExecutor::Execute<T, T, T>(arguments.data[0], arguments.data[1], result, arguments.size(),
                                   integer_operation<T, op>);
}

// Floats.

template <typename T, Operator op>
T float_operation(T left, T right) {
  if constexpr (op == Operator::Add || op == Operator::Subtract) {
    const T result = op == Operator::Add ? left + right : left - right;
    if (std::isinf(result) && !std::isinf(left) && !std::isinf(right)) {
      throw_through_duckdb(ErrorCode::NumericValueOutOfRange, "value out of range: overflow");
    }
    return result;
  } else if constexpr (op == Operator::Multiply) {
    const T result = left * right;
    if (std::isinf(result) && !std::isinf(left) && !std::isinf(right)) {
      throw_through_duckdb(ErrorCode::NumericValueOutOfRange, "value out of range: overflow");
    }
    if (result == 0 && left != 0 && right != 0) {
      throw_through_duckdb(ErrorCode::NumericValueOutOfRange, "value out of range: underflow");
    }
    return result;
  } else {
    if (right == 0) {
      if (std::isnan(left)) return left;
      throw_division_by_zero();
    }
    if constexpr (op == Operator::Modulo) {
      return std::fmod(left, right);
    } else {
      const T result = left / right;
      if (std::isinf(result) && !std::isinf(left)) {
        throw_through_duckdb(ErrorCode::NumericValueOutOfRange, "value out of range: overflow");
      }
      return result;
    }
  }
}

template <typename T, Operator op>
void float_loop(DataChunk& arguments, ExpressionState&, Vector& result) {
  BinaryExecutor::Execute<T, T, T>(arguments.data[0], arguments.data[1], result, arguments.size(),
                                   float_operation<T, op>);
}

// Numeric. Operands come as they lie, 64 or 128 bits wide; scales are evened out here.

struct NumericPlan : duckdb::FunctionData {
  Int128 left_factor = 1;
  Int128 right_factor = 1;
  std::uint8_t left_scale = 0;
  std::uint8_t right_scale = 0;
  int result_scale = 0;

  unique_ptr<duckdb::FunctionData> Copy() const override { return make_uniq<NumericPlan>(*this); }
  bool Equals(const duckdb::FunctionData& other) const override {
    const auto& plan = other.Cast<NumericPlan>();
    return left_scale == plan.left_scale && right_scale == plan.right_scale &&
           result_scale == plan.result_scale;
  }
};

const NumericPlan& plan_of(ExpressionState& state) {
  return state.expr.Cast<duckdb::BoundFunctionExpression>().bind_info->Cast<NumericPlan>();
}

Int128 scaled(Int128 value, Int128 factor) {
  Int128 result;
  if (__builtin_mul_overflow(value, factor, &result)) throw_numeric_overflow();
  return result;
}

template <typename L, typename R, Operator op>
void numeric_loop(DataChunk& arguments, ExpressionState& state, Vector& result) {
  const NumericPlan& plan = plan_of(state);
  const auto run = [&](auto&& operation) {
    BinaryExecutor::Execute<L, R, hugeint_t>(
        arguments.data[0], arguments.data[1], result, arguments.size(),
        [&](L left, R right) { return to_hugeint(operation(widen(left), widen(right))); });
  };
  constexpr bool kIsNarrow = sizeof(L) == 8 && sizeof(R) == 8;
  if constexpr (op == Operator::Add || op == Operator::Subtract) {
    const bool is_same_scale = plan.left_factor == 1 && plan.right_factor == 1;
    if (kIsNarrow && is_same_scale) {
      run([](Int128 left, Int128 right) { return op == Operator::Add ? left + right : left - right; });
      return;
    }
    run([&](Int128 left, Int128 right) {
      left = scaled(left, plan.left_factor);
      right = scaled(right, plan.right_factor);
      Int128 sum;
      const bool overflow = op == Operator::Add ? __builtin_add_overflow(left, right, &sum)
                                                : __builtin_sub_overflow(left, right, &sum);
      if (overflow || !fits_38_digits(sum)) throw_numeric_overflow();
      return sum;
    });
  } else if constexpr (op == Operator::Multiply) {
    const int drop = plan.left_scale + plan.right_scale - plan.result_scale;
    if (kIsNarrow && drop == 0) {
      run([](Int128 left, Int128 right) { return left * right; });
      return;
    }
    run([&](Int128 left, Int128 right) {
      const auto product = multiply_exactly(left, right, drop);
      if (!product) throw_numeric_overflow();
      return *product;
    });
  } else if constexpr (op == Operator::Divide) {
    run([&](Int128 left, Int128 right) {
      if (right == 0) throw_division_by_zero();
      const auto quotient = divide({left, plan.left_scale}, {right, plan.right_scale}, plan.result_scale);
      if (!quotient) throw_numeric_overflow();
      return *quotient;
    });
  } else {
    run([&](Int128 left, Int128 right) {
      if (right == 0) throw_division_by_zero();
      return scaled(left, plan.left_factor) % scaled(right, plan.right_factor);
    });
  }
}

template <Operator op>
duckdb::scalar_function_t numeric_function(const LogicalType& left, const LogicalType& right) {
  if (is_wide(left)) {
    return is_wide(right) ? numeric_loop<hugeint_t, hugeint_t, op>
                          : numeric_loop<hugeint_t, std::int64_t, op>;
  }
  return is_wide(right) ? numeric_loop<std::int64_t, hugeint_t, op>
                        : numeric_loop<std::int64_t, std::int64_t, op>;
}

template <Operator op>
unique_ptr<duckdb::FunctionData> bind_numeric(ScalarFunction& function, const LogicalType& left_type,
                                              const LogicalType& right_type) {
  const LogicalType left = loop_type(left_type);
  const LogicalType right = loop_type(right_type);
  auto plan = make_uniq<NumericPlan>();
  const int left_scale = scale_of(left);
  const int right_scale = scale_of(right);
  plan->left_scale = static_cast<std::uint8_t>(left_scale);
  plan->right_scale = static_cast<std::uint8_t>(right_scale);
  const int larger = std::max(left_scale, right_scale);
  if constexpr (op == Operator::Multiply) {
    const int full = left_scale + right_scale;
    plan->result_scale = full <= kProductScale ? full : std::max(kProductScale, larger);
  } else if constexpr (op == Operator::Divide) {
    plan->result_scale = std::max(kQuotientScale, std::min(larger, 28));
  } else {
    plan->result_scale = larger;
    plan->left_factor = power_of_ten(larger - left_scale);
    plan->right_factor = power_of_ten(larger - right_scale);
  }
  function.function = numeric_function<op>(left, right);
  set_types(function, {left, right}, LogicalType::DECIMAL(38, static_cast<std::uint8_t>(plan->result_scale)));
  return plan;
}

template <Operator op>
duckdb::scalar_function_t integer_function(NumberKind kind) {
  switch (kind) {
    case NumberKind::SmallInt:
      return integer_loop<std::int16_t, op>;
    case NumberKind::Integer:
      return integer_loop<std::int32_t, op>;
    default:
      return integer_loop<std::int64_t, op>;
  }
}

template <Operator op>
unique_ptr<duckdb::FunctionData> bind_operator(duckdb::ClientContext& context, ScalarFunction& function,
                                               Arguments& arguments) {
  const auto name = kNames[static_cast<int>(op)];
  const auto original = duckdb::shared_ptr<duckdb::ScalarFunctionInfo>(function.function_info);
  LogicalType left = arguments[0]->return_type;
  LogicalType right = arguments[1]->return_type;
  const bool left_untyped = is_untyped(*arguments[0]);
  const bool right_untyped = is_untyped(*arguments[1]);
  if (left_untyped && right_untyped) {
    for (const auto& argument : arguments) {
      if (argument->return_type.id() == LogicalTypeId::UNKNOWN) throw duckdb::ParameterNotResolvedException();
    }
    throw duckdb::BinderException(
        "No function matches the given name and argument types '%s(UNKNOWN, UNKNOWN)'", name);
  }
  if (try_bind_wide(function, arguments)) return nullptr;
  if (auto bound = bind_time_operator(context, name, function, arguments)) return std::move(*bound);
  // An untyped literal or parameter is of the other side's type.
  if (left_untyped) left = right;
  if (right_untyped) right = left;
  // Next to a float, a number of any digits is one too.
  if (is_wide_numeric(left)) left = LogicalType::DOUBLE;
  if (is_wide_numeric(right)) right = LogicalType::DOUBLE;
  const NumberKind left_kind = number_kind(left);
  const NumberKind right_kind = number_kind(right);
  if (left_kind == NumberKind::None || right_kind == NumberKind::None) {
    const auto& set = original->Cast<OriginalSet>().set;
    for (const auto& type : {left, right}) {
      // What DuckDB would make a number or a date of.
      if (type.id() == LogicalTypeId::VARCHAR || type.id() == LogicalTypeId::BOOLEAN) {
        throw_no_operator(name, arguments[0]->return_type, arguments[1]->return_type);
      }
    }
    return bind_original(context, set, function, arguments);
  }
  const NumberKind widest = std::max(left_kind, right_kind);
  if (widest == NumberKind::Real || widest == NumberKind::Double) {
    // real with anything else than real is double precision.
    const bool is_real = left_kind == NumberKind::Real && right_kind == NumberKind::Real;
    if (op == Operator::Modulo) throw_no_operator(name, left, right);
    if (is_real) {
      function.function = float_loop<float, op>;
      set_types(function, {LogicalType::FLOAT, LogicalType::FLOAT}, LogicalType::FLOAT);
    } else {
      function.function = float_loop<double, op>;
      set_types(function, {LogicalType::DOUBLE, LogicalType::DOUBLE}, LogicalType::DOUBLE);
    }
    return nullptr;
  }
  if (widest == NumberKind::Numeric) return bind_numeric<op>(function, left, right);
  const LogicalType type = type_of(widest);
  function.function = integer_function<op>(widest);
  set_types(function, {type, type}, type);
  return nullptr;
}

template <Operator op>
void register_operator(FunctionCatalog& catalog, const std::string& name) {
  auto original = catalog.scalars(name);
  duckdb::ScalarFunctionSet set(name);
  for (const auto& overload : original.functions) {
    if (overload.arguments.size() == 1) set.AddFunction(overload);
  }
  ScalarFunction function(name, {LogicalType::ANY, LogicalType::ANY}, LogicalType::ANY, nullptr,
                          bind_operator<op>);
  function.function_info = duckdb::make_shared_ptr<OriginalSet>(std::move(original));
  function.errors = duckdb::FunctionErrors::CAN_THROW_RUNTIME_ERROR;
  // So that NULL operands reach the bind, which knows the result's type.
  function.null_handling = duckdb::FunctionNullHandling::SPECIAL_HANDLING;
  set.AddFunction(std::move(function));
  catalog.replace(std::move(set));
}

}  // namespace

void register_arithmetic(FunctionCatalog& catalog) {
  register_operator<Operator::Add>(catalog, "+");
  register_operator<Operator::Subtract>(catalog, "-");
  register_operator<Operator::Multiply>(catalog, "*");
  register_operator<Operator::Divide>(catalog, "/");
  register_operator<Operator::Modulo>(catalog, "%");
  register_operator<Operator::Modulo>(catalog, "mod");
}

}  // namespace tickstone::duck
