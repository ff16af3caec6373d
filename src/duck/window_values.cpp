// SPDX-License-Identifier: Apache-2.0
#include "duck/window_values.hpp"

#include <deque>

#include "duck/functions/exact_sums.hpp"
#include "duck/logical_types.hpp"

namespace tickstone::duck {

namespace {

using duckdb::BoundWindowExpression;
using duckdb::DataChunk;
using duckdb::ExpressionType;
using duckdb::FlatVector;
using duckdb::idx_t;
using duckdb::PhysicalType;
using duckdb::Vector;

constexpr std::uint32_t kNoRow = UINT32_MAX;

enum class Kind : std::uint8_t {
  None,
  Count,
  ExactSum,
  Least,
  Greatest,
  RowNumber,
  Rank,
  DenseRank,
  First,
  Last,
  Nth,
  Lag,
  Lead
};

/// Of these types, equal values are the same value.
bool is_compared_plainly(const duckdb::LogicalType& type) {
  if (type.HasAlias()) return false;
  switch (type.id()) {
    case duckdb::LogicalTypeId::SMALLINT:
    case duckdb::LogicalTypeId::INTEGER:
    case duckdb::LogicalTypeId::BIGINT:
    case duckdb::LogicalTypeId::HUGEINT:
    case duckdb::LogicalTypeId::DECIMAL:
    case duckdb::LogicalTypeId::DATE:
    case duckdb::LogicalTypeId::TIMESTAMP:
    case duckdb::LogicalTypeId::TIMESTAMP_TZ:
    case duckdb::LogicalTypeId::VARCHAR:
      return true;
    default:
      return false;
  }
}

Kind kind_of_aggregate(const BoundWindowExpression& window) {
  const auto& function = *window.aggregate;
  const auto& arguments = window.children;
  if (function.name == "count_star" || (function.name == "count" && arguments.size() <= 1))
    return Kind::Count;
  if (arguments.size() != 1) return Kind::None;
  if (keeps_exact_sum(function)) return Kind::ExactSum;
  if (function.name != "min" && function.name != "max") return Kind::None;
  if (!is_compared_plainly(window.return_type) || arguments[0]->return_type != window.return_type)
    return Kind::None;
  return function.name == "min" ? Kind::Least : Kind::Greatest;
}

Kind kind_of(const BoundWindowExpression& window) {
  const auto takes_itself = [&](std::size_t count) {
    return window.children.size() == count && window.children[0]->return_type == window.return_type;
  };
  switch (window.GetExpressionType()) {
    case ExpressionType::WINDOW_AGGREGATE:
      return window.aggregate ? kind_of_aggregate(window) : Kind::None;
    case ExpressionType::WINDOW_ROW_NUMBER:
      return Kind::RowNumber;
    case ExpressionType::WINDOW_RANK:
      return Kind::Rank;
    case ExpressionType::WINDOW_RANK_DENSE:
      return Kind::DenseRank;
    case ExpressionType::WINDOW_FIRST_VALUE:
      return takes_itself(1) ? Kind::First : Kind::None;
    case ExpressionType::WINDOW_LAST_VALUE:
      return takes_itself(1) ? Kind::Last : Kind::None;
    case ExpressionType::WINDOW_NTH_VALUE:
      return takes_itself(2) ? Kind::Nth : Kind::None;
    case ExpressionType::WINDOW_LAG:
      return takes_itself(1) ? Kind::Lag : Kind::None;
    case ExpressionType::WINDOW_LEAD:
      return takes_itself(1) ? Kind::Lead : Kind::None;
    default:
      return Kind::None;
  }
}

/// Which of `count` rows have a value.
class Present {
 public:
  explicit Present(Vector& column) : mask_(FlatVector::Validity(column)) {}
  bool operator()(std::uint32_t row) const { return mask_.RowIsValid(row); }

 private:
  duckdb::ValidityMask& mask_;
};

void count_rows(const WindowFrames& frames, Vector* column, Vector& out) {
  auto* const values = FlatVector::GetData<std::int64_t>(out);
  const auto count = static_cast<std::uint32_t>(frames.begins.size());
  if (column == nullptr || FlatVector::Validity(*column).AllValid()) {
    for (std::uint32_t row = 0; row < count; ++row) values[row] = frames.ends[row] - frames.begins[row];
    return;
  }
  const Present is_present(*column);
  std::vector<std::uint32_t> before(count + 1);
  for (std::uint32_t row = 0; row < count; ++row) before[row + 1] = before[row] + (is_present(row) ? 1 : 0);
  for (std::uint32_t row = 0; row < count; ++row)
    values[row] = before[frames.ends[row]] - before[frames.begins[row]];
}

/// Sums of the rows before each, and how many they are. False where 128 bits might not hold the sum of any
/// frame.
template <typename T>
bool sum_up(Vector& column, std::uint32_t count, std::vector<ExactState>& before) {
  const auto* const values = FlatVector::GetData<T>(column);
  const Present is_present(column);
  Int128 sum = 0;
  Int128 magnitude = 0;
  std::uint64_t present = 0;
  before.resize(count + 1);
  before[0] = {0, 0};
  for (std::uint32_t row = 0; row < count; ++row) {
    if (is_present(row)) {
      ++present;
      if constexpr (sizeof(T) == sizeof(duckdb::hugeint_t)) {
        const Int128 value = to_int128(values[row]);
        if (__builtin_add_overflow(magnitude, value < 0 ? -value : value, &magnitude)) return false;
        sum += value;
      } else {
        sum += values[row];
      }
    }
    before[row + 1] = {sum, present};
  }
  return true;
}

bool sum_up_any(Vector& column, std::uint32_t count, std::vector<ExactState>& before) {
  switch (column.GetType().InternalType()) {
    case PhysicalType::INT32:
      return sum_up<std::int32_t>(column, count, before);
    case PhysicalType::INT64:
      return sum_up<std::int64_t>(column, count, before);
    case PhysicalType::INT128:
      return sum_up<duckdb::hugeint_t>(column, count, before);
    default:
      return false;
  }
}

bool exact_sums(const BoundWindowExpression& window, const WindowFrames& frames, Vector& column,
                duckdb::ArenaAllocator& arena, Vector& out) {
  const auto count = static_cast<std::uint32_t>(frames.begins.size());
  std::vector<ExactState> before;
  if (!sum_up_any(column, count, before)) return false;
  std::vector<ExactState> states(count);
  std::vector<ExactState*> places(count);
  for (std::uint32_t row = 0; row < count; ++row) {
    const ExactState& until = before[frames.ends[row]];
    const ExactState& from = before[frames.begins[row]];
    states[row] = {until.sum - from.sum, until.count - from.count};
    places[row] = &states[row];
  }
  Vector all(duckdb::LogicalType::POINTER, reinterpret_cast<duckdb::data_ptr_t>(places.data()));
  duckdb::AggregateInputData input(window.bind_info.get(), arena);
  window.aggregate->finalize(all, input, out, count, 0);
  return true;
}

/// Of each frame the row with the least or the greatest value: those that a later row of the frame beats are
/// dropped as that comes.
std::vector<std::uint32_t> extremes(const WindowFrames& frames, Vector& column, bool is_least) {
  const auto count = static_cast<std::uint32_t>(frames.begins.size());
  const Present is_present(column);
  duckdb::UnifiedVectorFormat format;
  column.ToUnifiedFormat(count, format);
  const auto key = order_key_by(0, column.GetType());
  std::vector<std::uint32_t> picked(count, kNoRow);
  std::deque<std::uint32_t> best;
  std::uint32_t taken = 0;
  for (std::uint32_t row = 0; row < count; ++row) {
    for (; taken < frames.ends[row]; ++taken) {
      if (!is_present(taken)) continue;
      while (!best.empty()) {
        const int order = key->compare(format, best.back(), format, taken);
        if (is_least ? order < 0 : order > 0) break;
        best.pop_back();
      }
      best.push_back(taken);
    }
    while (!best.empty() && best.front() < frames.begins[row]) best.pop_front();
    // A frame that ends where an earlier one did has no rows.
    if (!best.empty() && frames.begins[row] < frames.ends[row]) picked[row] = best.front();
  }
  return picked;
}

void numbers(Kind kind, const WindowRows& order, Vector& out) {
  auto* const values = FlatVector::GetData<std::int64_t>(out);
  std::size_t peer = 0;
  for (std::size_t partition = 0; partition + 1 < order.partitions().size(); ++partition) {
    const std::uint32_t first = order.partitions()[partition];
    const std::size_t first_peer = first == 0 ? 0 : peer + 1;
    for (std::uint32_t row = first; row < order.partitions()[partition + 1]; ++row) {
      while (order.peers()[peer + 1] <= row) ++peer;
      values[row] = kind == Kind::RowNumber ? row - first + 1
                    : kind == Kind::Rank    ? order.peers()[peer] - first + 1
                                            : static_cast<std::int64_t>(peer - first_peer + 1);
    }
  }
}

std::vector<std::uint32_t> places_in(const WindowFrames& frames, Kind kind, std::int64_t nth) {
  std::vector<std::uint32_t> picked(frames.begins.size(), kNoRow);
  for (std::size_t row = 0; row < picked.size(); ++row) {
    const std::int64_t begin = frames.begins[row];
    const std::int64_t end = frames.ends[row];
    if (begin == end) continue;
    if (kind == Kind::Nth && nth > end - begin) continue;
    picked[row] =
        static_cast<std::uint32_t>(kind == Kind::Last ? end - 1 : begin + (kind == Kind::Nth ? nth - 1 : 0));
  }
  return picked;
}

/// The rows that many before each in its partition.
std::vector<std::uint32_t> rows_before(const WindowRows& order, std::int64_t offset) {
  std::vector<std::uint32_t> picked(order.count(), kNoRow);
  for (std::size_t partition = 0; partition + 1 < order.partitions().size(); ++partition) {
    const std::int64_t first = order.partitions()[partition];
    const std::int64_t last = order.partitions()[partition + 1];
    for (std::int64_t row = first; row < last; ++row) {
      const bool is_there = offset >= 0 ? offset <= row - first : offset > row - last;
      if (is_there) picked[row] = static_cast<std::uint32_t>(row - offset);
    }
  }
  return picked;
}

/// The column's values of the rows that were picked; of the default's column, or NULL, where none was.
void pick(Vector& column, Vector* otherwise, const std::vector<std::uint32_t>& picked, Vector& out) {
  const idx_t count = picked.size();
  duckdb::SelectionVector places(count);
  for (idx_t row = 0; row < count; ++row) places.set_index(row, picked[row] == kNoRow ? 0 : picked[row]);
  duckdb::VectorOperations::Copy(column, out, places, count, 0, 0);
  for (idx_t row = 0; row < count; ++row) {
    if (picked[row] != kNoRow) continue;
    if (otherwise == nullptr) {
      FlatVector::SetNull(out, row, true);
    } else {
      FlatVector::SetNull(out, row, false);
      duckdb::VectorOperations::Copy(*otherwise, out, row + 1, row, row);
    }
  }
}

}  // namespace

bool has_window_values(const BoundWindowExpression& window) {
  return !window.ignore_nulls && !window.distinct && !window.filter_expr && window.arg_orders.empty() &&
         window.exclude_clause == duckdb::WindowExcludeMode::NO_OTHER && WindowRows::has_edge(window.start) &&
         WindowRows::has_edge(window.end) && kind_of(window) != Kind::None;
}

bool window_values(const WindowCall& call, DataChunk& rows, const WindowRows& order,
                   duckdb::ArenaAllocator& arena, Vector& out) {
  const Kind kind = kind_of(*call.function);
  Vector* const argument = call.arguments.empty() ? nullptr : &rows.data[call.arguments[0]];
  Vector* const otherwise = call.default_column ? &rows.data[*call.default_column] : nullptr;
  switch (kind) {
    case Kind::Count:
      count_rows(order.frames(call.start, call.end), argument, out);
      return true;
    case Kind::ExactSum:
      return exact_sums(*call.function, order.frames(call.start, call.end), *argument, arena, out);
    case Kind::Least:
    case Kind::Greatest:
      pick(*argument, nullptr, extremes(order.frames(call.start, call.end), *argument, kind == Kind::Least),
           out);
      return true;
    case Kind::RowNumber:
    case Kind::Rank:
    case Kind::DenseRank:
      numbers(kind, order, out);
      return true;
    case Kind::First:
    case Kind::Last:
    case Kind::Nth:
      pick(*argument, nullptr, places_in(order.frames(call.start, call.end), kind, call.offset), out);
      return true;
    case Kind::Lag:
    case Kind::Lead:
      pick(*argument, otherwise, rows_before(order, kind == Kind::Lag ? call.offset : -call.offset), out);
      return true;
    case Kind::None:
      break;
  }
  return false;
}

}  // namespace tickstone::duck
