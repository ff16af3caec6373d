// SPDX-License-Identifier: Apache-2.0
#include "duck/window_step.hpp"

#include <algorithm>
#include <deque>

#include <duckdb/execution/operator/aggregate/physical_window.hpp>
#include <duckdb/planner/expression/bound_reference_expression.hpp>

#include "duck/window_values.hpp"

namespace tickstone::duck {

namespace {

using duckdb::BoundWindowExpression;
using duckdb::DataChunk;
using duckdb::Expression;
using duckdb::ExpressionClass;
using duckdb::idx_t;
using duckdb::PhysicalWindow;
using duckdb::Vector;

/// Rows that do not come in order are sorted up to here; more are DuckDB's.
constexpr idx_t kMostSorted = 16'384;
/// What the texts of the rows may take of memory.
constexpr std::size_t kMostTextBytes = 8 << 20;

duckdb::Allocator& allocator() { return duckdb::Allocator::DefaultAllocator(); }

const BoundWindowExpression& window_of(const Expression& expression) {
  return expression.Cast<BoundWindowExpression>();
}

/// Whether it can be computed for the rows as they come, any number of times.
bool is_plain(const Expression& expression) { return !expression.IsVolatile() && !expression.HasSubquery(); }

/// Of floats, -0 and 0 are equal in order, and may be told apart.
bool may_be_key(const duckdb::LogicalType& type) {
  const auto physical = type.InternalType();
  if (physical == duckdb::PhysicalType::FLOAT || physical == duckdb::PhysicalType::DOUBLE) return false;
  return order_key_by(0, type).has_value();
}

std::size_t text_bytes(Vector& column, idx_t count) {
  if (column.GetType().InternalType() != duckdb::PhysicalType::VARCHAR) return 0;
  duckdb::UnifiedVectorFormat format;
  column.ToUnifiedFormat(count, format);
  const auto* texts = reinterpret_cast<const duckdb::string_t*>(format.data);
  std::size_t bytes = 0;
  for (idx_t row = 0; row < count; ++row) {
    const auto at = format.sel->get_index(row);
    if (format.validity.RowIsValid(at) && !texts[at].IsInlined()) bytes += texts[at].GetSize();
  }
  return bytes;
}

bool have_same_order(const BoundWindowExpression& a, const BoundWindowExpression& b) {
  if (a.orders.size() != b.orders.size() || !a.PartitionsAreEquivalent(b)) return false;
  for (idx_t i = 0; i < a.orders.size(); ++i) {
    if (!a.orders[i].Equals(b.orders[i])) return false;
  }
  return true;
}

/// The whole number that an expression without columns is now; nothing for what is none.
std::optional<std::int64_t> number_of(duckdb::ClientContext& context, const Expression& expression) {
  duckdb::Value value;
  if (!expression.IsScalar() || !duckdb::ExpressionExecutor::TryEvaluateScalar(context, expression, value))
    return std::nullopt;
  // Far past any number of rows here, and no sum of two overflows.
  constexpr std::int64_t kMost = INT32_MAX;
  if (value.IsNull() || !value.type().IsIntegral() || !value.DefaultTryCastAs(duckdb::LogicalType::BIGINT))
    return std::nullopt;
  return std::clamp(value.GetValueUnsafe<std::int64_t>(), -kMost, kMost);
}

/// The rows with those columns beside them that the functions take and that are computed.
class WindowStep final : public ShortStep {
 public:
  WindowStep(duckdb::ClientContext& context, const PhysicalWindow& op, ShortStep& above)
      : op_(op), types_(op.children[0].get().types), executor_(context), arena_(allocator()), above_(above) {
    for (const auto& expression : op.select_list) calls_.push_back(call_of(window_of(*expression)));
    const auto& first = window_of(*op.select_list[0]);
    std::vector<OrderKey> keys;
    const auto add_key = [&](const Expression& expression) {
      const idx_t column = column_of(expression);
      keys.push_back(*order_key_by(column, types_[column]));
    };
    for (const auto& partition : first.partitions) add_key(*partition);
    for (const auto& order : first.orders) {
      add_key(*order.expression);
      keys.back().set_direction(order);
    }
    order_.emplace(std::move(keys), first.partitions.size());
  }

  /// Reads the values of now. False where they are not such as these functions take here.
  bool find_offsets(duckdb::ClientContext& context) {
    for (WindowCall& call : calls_) {
      const auto& window = *call.function;
      const auto read = [&](const duckdb::unique_ptr<Expression>& from, std::int64_t least,
                            std::int64_t& into) {
        if (!from) return true;
        const auto number = number_of(context, *from);
        if (!number || *number < least) return false;
        into = *number;
        return true;
      };
      if (!read(window.start_expr, 0, call.start.offset) || !read(window.end_expr, 0, call.end.offset) ||
          !read(window.offset_expr, INT64_MIN, call.offset)) {
        return false;
      }
      const bool is_nth = window.GetExpressionType() == duckdb::ExpressionType::WINDOW_NTH_VALUE;
      if (is_nth && !read(window.children[1], 1, call.offset)) return false;
    }
    return true;
  }

  Flow take(DataChunk& rows) override {
    if (gathered_.ColumnCount() == 0) gathered_.Initialize(allocator(), types_);
    DataChunk whole;
    whole.InitializeEmpty(types_);
    for (idx_t i = 0; i < rows.ColumnCount(); ++i) whole.data[i].Reference(rows.data[i]);
    DataChunk computed;
    if (!executor_.expressions.empty()) {
      computed.Initialize(allocator(),
                          {types_.begin() + static_cast<std::ptrdiff_t>(rows.ColumnCount()), types_.end()},
                          rows.size());
      executor_.Execute(rows, computed);
      for (idx_t i = 0; i < computed.ColumnCount(); ++i)
        whole.data[rows.ColumnCount() + i].Reference(computed.data[i]);
    }
    whole.SetCardinality(rows.size());
    for (Vector& column : whole.data) text_bytes_ += text_bytes(column, rows.size());
    if (text_bytes_ > kMostTextBytes) return Flow::TooMuch;
    gathered_.Append(whole, true);
    return Flow::More;
  }

  Flow end() override {
    const idx_t count = gathered_.size();
    if (count == 0) return above_.end();
    if (!order_->find(gathered_)) {
      if (count > kMostSorted) return Flow::TooMuch;
      sort();
    }
    std::deque<Vector> values;
    for (const WindowCall& call : calls_) {
      values.emplace_back(call.function->return_type, count);
      if (!window_values(call, gathered_, *order_, arena_, values.back())) return Flow::TooMuch;
    }
    return give(values);
  }

 private:
  /// The column that has the expression's values; a new one where there is none.
  idx_t column_of(const Expression& expression) {
    if (expression.GetExpressionClass() == ExpressionClass::BOUND_REF)
      return expression.Cast<duckdb::BoundReferenceExpression>().index;
    for (idx_t i = 0; i < executor_.expressions.size(); ++i) {
      if (executor_.expressions[i]->Equals(expression))
        return types_.size() - executor_.expressions.size() + i;
    }
    executor_.AddExpression(expression);
    types_.push_back(expression.return_type);
    return types_.size() - 1;
  }

  WindowCall call_of(const BoundWindowExpression& window) {
    WindowCall call;
    call.function = &window;
    const bool is_nth = window.GetExpressionType() == duckdb::ExpressionType::WINDOW_NTH_VALUE;
    for (idx_t i = 0; i < (is_nth ? 1 : window.children.size()); ++i)
      call.arguments.push_back(column_of(*window.children[i]));
    if (window.default_expr) call.default_column = column_of(*window.default_expr);
    call.start.kind = window.start;
    call.end.kind = window.end;
    return call;
  }

  void sort() {
    auto places = order_->sorted(gathered_);
    duckdb::SelectionVector rows(places.data());
    DataChunk sorted;
    sorted.Initialize(allocator(), types_, places.size());
    sorted.Append(gathered_, false, &rows, places.size());
    gathered_.Move(sorted);
    order_->find(gathered_);
  }

  Flow give(std::deque<Vector>& values) {
    const idx_t from_below = op_.children[0].get().types.size();
    DataChunk out;
    out.InitializeEmpty(op_.types);
    for (idx_t from = 0; from < gathered_.size(); from += STANDARD_VECTOR_SIZE) {
      const idx_t to = std::min<idx_t>(from + STANDARD_VECTOR_SIZE, gathered_.size());
      for (idx_t i = 0; i < out.ColumnCount(); ++i)
        out.data[i].Slice(i < from_below ? gathered_.data[i] : values[i - from_below], from, to);
      out.SetCardinality(to - from);
      const Flow flow = above_.take(out);
      if (flow == Flow::TooMuch) return flow;
      if (flow == Flow::Enough) break;
    }
    return above_.end();
  }

  const PhysicalWindow& op_;
  duckdb::vector<duckdb::LogicalType> types_;  // of the rows, then of what is computed of them
  duckdb::ExpressionExecutor executor_;
  std::vector<WindowCall> calls_;
  std::optional<WindowRows> order_;
  DataChunk gathered_;
  std::size_t text_bytes_ = 0;  // of what was gathered
  duckdb::ArenaAllocator arena_;
  ShortStep& above_;
};

}  // namespace

bool has_window_step(const duckdb::PhysicalOperator& op) {
  const auto& functions = op.Cast<PhysicalWindow>().select_list;
  // Of arrays and rows nobody counts the bytes.
  if (functions.empty() ||
      std::any_of(op.types.begin(), op.types.end(), [](const auto& type) { return type.IsNested(); }))
    return false;
  return std::all_of(functions.begin(), functions.end(), [&](const auto& expression) {
    if (expression->GetExpressionClass() != ExpressionClass::BOUND_WINDOW) return false;
    const auto& window = window_of(*expression);
    bool are_plain = has_window_values(window) && have_same_order(window_of(*functions[0]), window);
    duckdb::ExpressionIterator::EnumerateChildren(
        window, [&](const Expression& child) { are_plain = are_plain && is_plain(child); });
    for (const auto& partition : window.partitions)
      are_plain = are_plain && may_be_key(partition->return_type);
    for (const auto& order : window.orders)
      are_plain = are_plain && may_be_key(order.expression->return_type);
    return are_plain && (!window.default_expr || window.default_expr->return_type == window.return_type);
  });
}

std::unique_ptr<ShortStep> make_window_step(duckdb::ClientContext& context,
                                            const duckdb::PhysicalOperator& op, ShortStep& above) {
  auto step = std::make_unique<WindowStep>(context, op.Cast<PhysicalWindow>(), above);
  if (!step->find_offsets(context)) return nullptr;
  return step;
}

}  // namespace tickstone::duck
