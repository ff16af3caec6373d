// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <numeric>

#include "duck/functions/functions.hpp"
#include "duck/functions/numeric_types.hpp"
#include "types/time_bucket.hpp"

// pg_gapfill(rows, width, start, finish, zone, kinds, lookup...): the rows of one series, a list of structs
// whose first field is the bucket, with those of the missing buckets between start and finish among them.
// `kinds` has a letter a field after the first: n NULL where there was no row, l the last value (L: past
// NULLs, too), i on a line between the neighbours; p and q after it say that a value before the first row and
// one after the last stand among the lookups.

namespace tickstone::duck {

namespace {

using duckdb::DataChunk;
using duckdb::Expression;
using duckdb::ExpressionState;
using duckdb::FlatVector;
using duckdb::idx_t;
using duckdb::interval_t;
using duckdb::LogicalType;
using duckdb::LogicalTypeId;
using duckdb::make_uniq;
using duckdb::PhysicalType;
using duckdb::ScalarFunction;
using duckdb::SelectionVector;
using duckdb::UnifiedVectorFormat;
using duckdb::unique_ptr;
using duckdb::Vector;

using Arguments = duckdb::vector<unique_ptr<Expression>>;

constexpr idx_t kFirstLookup = 6;
constexpr std::int64_t kMostBuckets = 100'000'000;
constexpr std::int32_t kGap = -1;

[[noreturn]] void fail(const std::string& message, const std::string& hint = {}) {
  throw_through_duckdb(ErrorCode::InvalidParameterValue, "invalid time_bucket_gapfill argument: " + message,
                       {}, hint);
}

struct FillColumn {
  char kind = 'n';
  idx_t before = 0;  // arguments; 0: none
  idx_t after = 0;
};

struct FillData : duckdb::FunctionData {
  std::vector<FillColumn> columns;
  unique_ptr<duckdb::FunctionData> Copy() const override {
    auto copy = make_uniq<FillData>();
    copy->columns = columns;
    return copy;
  }
  bool Equals(const duckdb::FunctionData& other) const override {
    const auto& others = other.Cast<FillData>().columns;
    return std::equal(columns.begin(), columns.end(), others.begin(), others.end(),
                      [](const FillColumn& a, const FillColumn& b) {
                        return a.kind == b.kind && a.before == b.before && a.after == b.after;
                      });
  }
};

/// The starts of buckets in the unit of the time's type: microseconds, days, or numbers.
class Steps {
 public:
  Steps(const LogicalType& time, const UnifiedVectorFormat& width, const TimeZone* zone, idx_t row)
      : is_date_(time.id() == LogicalTypeId::DATE) {
    const auto at = width.sel->get_index(row);
    if (!width.validity.RowIsValid(at)) fail("bucket_width cannot be NULL");
    switch (time.id()) {
      case LogicalTypeId::SMALLINT:
        step_ = reinterpret_cast<const std::int16_t*>(width.data)[at];
        break;
      case LogicalTypeId::INTEGER:
        step_ = reinterpret_cast<const std::int32_t*>(width.data)[at];
        break;
      case LogicalTypeId::BIGINT:
        step_ = reinterpret_cast<const std::int64_t*>(width.data)[at];
        break;
      default:
        interval_ = from_duck_interval(reinterpret_cast<const interval_t*>(width.data)[at]);
        step_ = approximate(*interval_);
        zone_ = zone;
    }
    if (step_ <= 0) fail("bucket_width must be greater than 0");
  }

  /// The bucket that `time` is in becomes the first.
  std::int64_t begin(std::int64_t time) {
    if (!interval_) return first_ = value_ = bucket_start(time, step_, 0);
    const std::int64_t us = is_date_ ? time * kMicrosPerDay : time;
    const TimeBucket bucket(*interval_, std::nullopt, std::nullopt, zone_);
    steps_.emplace(*interval_, zone_, bucket.start_of(us));
    return first_ = value_ = in_unit(steps_->value());
  }
  std::int64_t first() const { return first_; }
  std::int64_t value() const { return value_; }
  void advance() {
    if (steps_) {
      steps_->advance();
      value_ = in_unit(steps_->value());
    } else if (__builtin_add_overflow(value_, step_, &value_)) {
      value_ = kTimestampInfinity;
    }
  }
  /// How many there are up to `finish`, about.
  double count_to(std::int64_t finish) const {
    const double unit = is_date_ ? static_cast<double>(kMicrosPerDay) : 1;
    return (static_cast<double>(finish) - static_cast<double>(first_)) * unit / static_cast<double>(step_);
  }

 private:
  static std::int64_t approximate(const IntervalValue& width) {
    if (width.months < 0 || width.days < 0 || width.micros < 0) return 0;
    const Int128 us = (Int128{width.months} * 30 + width.days) * kMicrosPerDay + width.micros;
    return static_cast<std::int64_t>(std::min<Int128>(us, kTimestampInfinity));
  }
  std::int64_t in_unit(std::int64_t us) const {
    if (!is_date_ || us == kTimestampInfinity) return us;
    return bucket_start(us, kMicrosPerDay, 0) / kMicrosPerDay;
  }

  bool is_date_;
  std::optional<IntervalValue> interval_;
  const TimeZone* zone_ = nullptr;
  std::int64_t step_ = 0;
  std::int64_t first_ = 0;
  std::int64_t value_ = 0;
  std::optional<BucketSteps> steps_;
};

std::int64_t time_at(const void* data, const LogicalType& type, idx_t at) {
  switch (type.InternalType()) {
    case PhysicalType::INT16:
      return static_cast<const std::int16_t*>(data)[at];
    case PhysicalType::INT32:
      return static_cast<const std::int32_t*>(data)[at];
    default:
      return static_cast<const std::int64_t*>(data)[at];
  }
}

std::int64_t bound_at(const UnifiedVectorFormat& bound, const LogicalType& type, idx_t row,
                      const char* name) {
  const auto at = bound.sel->get_index(row);
  if (!bound.validity.RowIsValid(at)) {
    fail(std::string(name) + " cannot be NULL",
         "Specify start and finish as arguments or in the WHERE clause.");
  }
  const std::int64_t value = time_at(bound.data, type, at);
  const bool is_infinite = type.id() == LogicalTypeId::DATE
                               ? value == kDateInfinity || value == kDateNegInfinity
                           : type.InternalType() == PhysicalType::INT64 && type.id() != LogicalTypeId::BIGINT
                               ? value == kTimestampInfinity || value == kTimestampNegInfinity
                               : false;
  if (is_infinite) fail(std::string(name) + " cannot be infinite");
  return value;
}

/// One series with its gaps: per row its bucket, and the row it is among those given or kGap.
struct Series {
  std::vector<std::int64_t> times;
  std::vector<std::int32_t> sources;
  std::int64_t first = 0;
  idx_t row = 0;     // of the call
  idx_t offset = 0;  // of the given rows
  std::size_t size() const { return times.size(); }
};

/// A number of a row to draw a line from or to.
struct Point {
  bool is_known = false;
  std::int64_t time = 0;
  idx_t at = 0;  // among `format`
  const UnifiedVectorFormat* format = nullptr;
};

template <typename T>
T value_between(std::int64_t x, std::int64_t x0, std::int64_t x1, T y0, T y1) {
  if constexpr (std::is_floating_point_v<T>) {
    if (y0 == y1) return y0;
    return (y0 * static_cast<T>(x1 - x) + y1 * static_cast<T>(x - x0)) / static_cast<T>(x1 - x0);
  } else {
    const Int128 width = Int128{x1} - x0;
    const Int128 sum = Int128{y0} * (Int128{x1} - x) + Int128{y1} * (Int128{x} - x0);
    Int128 quotient = sum / width;
    const Int128 rest = sum % width;
    if (2 * (rest < 0 ? -rest : rest) >= (width < 0 ? -width : width))
      quotient += (sum < 0) == (width < 0) ? 1 : -1;
    if (quotient > std::numeric_limits<T>::max() || quotient < std::numeric_limits<T>::min()) {
      throw_integer_overflow(sizeof(T) == 2   ? NumberKind::SmallInt
                             : sizeof(T) == 4 ? NumberKind::Integer
                                              : NumberKind::BigInt);
    }
    return static_cast<T>(quotient);
  }
}

class Filler {
 public:
  Filler(DataChunk& arguments, const FillData& data, Vector& result)
      : arguments_(arguments), data_(data), result_(result) {}

  void run() {
    const idx_t rows = arguments_.size();
    for (Vector& argument : arguments_.data) argument.ToUnifiedFormat(rows, formats_.emplace_back());
    Vector& lists = arguments_.data[0];
    struct_ = &duckdb::ListVector::GetEntry(lists);
    const idx_t given = duckdb::ListVector::GetListSize(lists);
    auto& fields = duckdb::StructVector::GetEntries(*struct_);
    for (auto& field : fields) field->ToUnifiedFormat(given, field_formats_.emplace_back());
    time_type_ = fields[0]->GetType();

    result_.SetVectorType(duckdb::VectorType::FLAT_VECTOR);
    auto* entries = FlatVector::GetData<duckdb::list_entry_t>(result_);
    idx_t total = 0;
    for (idx_t row = 0; row < rows; ++row) {
      const Series& series = series_.emplace_back(series_of(row));
      entries[row] = {total, series.size()};
      total += series.size();
    }
    duckdb::ListVector::Reserve(result_, total);
    duckdb::ListVector::SetListSize(result_, total);
    auto& out = duckdb::StructVector::GetEntries(duckdb::ListVector::GetEntry(result_));
    write_times(*out[0]);
    for (std::size_t c = 0; c < data_.columns.size(); ++c)
      write(data_.columns[c], *fields[c + 1], field_formats_[c + 1], *out[c + 1]);
    if (arguments_.AllConstant()) result_.SetVectorType(duckdb::VectorType::CONSTANT_VECTOR);
  }

 private:
  Series series_of(idx_t row) {
    const TimeZone* zone = nullptr;
    const auto zone_at = formats_[4].sel->get_index(row);
    if (formats_[4].validity.RowIsValid(zone_at)) {
      const auto& name = reinterpret_cast<const duckdb::string_t*>(formats_[4].data)[zone_at];
      zone = find_time_zone({name.GetData(), name.GetSize()});
      if (zone == nullptr) {
        throw_through_duckdb(ErrorCode::InvalidParameterValue,
                             "time zone \"" + name.GetString() + "\" not recognized");
      }
    }
    Steps steps(time_type_, formats_[1], zone, row);
    Series series;
    series.row = row;
    series.first = steps.begin(bound_at(formats_[2], time_type_, row, "start"));
    const std::int64_t finish = bound_at(formats_[3], time_type_, row, "finish");
    if (steps.count_to(finish) > static_cast<double>(kMostBuckets)) {
      throw_through_duckdb(
          ErrorCode::ProgramLimitExceeded,
          "time_bucket_gapfill would make more than " + std::to_string(kMostBuckets) + " buckets", {},
          "Use a wider bucket or a shorter range.");
    }
    const auto at = formats_[0].sel->get_index(row);
    duckdb::list_entry_t list{0, 0};
    if (formats_[0].validity.RowIsValid(at))
      list = reinterpret_cast<const duckdb::list_entry_t*>(formats_[0].data)[at];
    series.offset = list.offset;
    const auto& times = field_formats_[0];
    const auto time_of = [&](std::int32_t index) {
      return time_at(times.data, time_type_, times.sel->get_index(list.offset + static_cast<idx_t>(index)));
    };
    std::vector<std::int32_t> order(list.length);
    std::iota(order.begin(), order.end(), 0);
    for (const std::int32_t index : order) {
      if (!times.validity.RowIsValid(times.sel->get_index(list.offset + static_cast<idx_t>(index))))
        fail("ts cannot be NULL");
    }
    const auto is_earlier = [&](std::int32_t a, std::int32_t b) { return time_of(a) < time_of(b); };
    if (!std::is_sorted(order.begin(), order.end(), is_earlier))
      std::sort(order.begin(), order.end(), is_earlier);
    const auto add = [&series](std::int64_t time, std::int32_t source) {
      series.times.push_back(time);
      series.sources.push_back(source);
    };
    std::size_t next = 0;
    while (true) {
      const bool is_filling = steps.value() < finish;
      if (next == order.size() && !is_filling) break;
      if (next < order.size() && (!is_filling || time_of(order[next]) <= steps.value())) {
        const std::int64_t time = time_of(order[next]);
        if (time == steps.value()) steps.advance();
        add(time, order[next++]);
        continue;
      }
      add(steps.value(), kGap);
      steps.advance();
    }
    return series;
  }

  void write_times(Vector& out) {
    idx_t at = 0;
    const auto write_as = [&]<typename T>(T*) {
      auto* data = FlatVector::GetData<T>(out);
      for (const Series& series : series_) {
        for (const std::int64_t time : series.times) data[at++] = static_cast<T>(time);
      }
    };
    switch (time_type_.InternalType()) {
      case PhysicalType::INT16:
        return write_as(static_cast<std::int16_t*>(nullptr));
      case PhysicalType::INT32:
        return write_as(static_cast<std::int32_t*>(nullptr));
      default:
        return write_as(static_cast<std::int64_t*>(nullptr));
    }
  }

  bool is_null(const UnifiedVectorFormat& format, const Series& series, std::int32_t source) const {
    return !format.validity.RowIsValid(format.sel->get_index(series.offset + static_cast<idx_t>(source)));
  }

  /// Copies the values of rows that were given, and of those that take another's.
  void write(const FillColumn& column, Vector& from, const UnifiedVectorFormat& format, Vector& out) {
    idx_t total = 0;
    for (const Series& series : series_) total += series.size();
    SelectionVector sources(std::max<idx_t>(total, 1));
    std::vector<bool> nulls(total);
    std::vector<std::pair<idx_t, idx_t>> looked_up;  // rows of the result, rows of the call
    idx_t base = 0;
    for (const Series& series : series_) {
      std::int32_t current = kGap;
      bool is_looked_up = false;
      for (std::size_t i = 0; i < series.size(); ++i) {
        std::int32_t source = series.sources[i];
        bool takes_lookup = false;
        if (column.kind == 'l' || column.kind == 'L') {
          const bool has_null = source != kGap && is_null(format, series, source);
          if (source == kGap || (has_null && column.kind == 'L')) {
            if (current == kGap && !is_looked_up && column.before != 0 && series.times[i] == series.first)
              is_looked_up = true;
            source = current;
            takes_lookup = is_looked_up && current == kGap;
          } else {
            is_looked_up = false;
            current = has_null ? kGap : source;
          }
        }
        const idx_t row = base + i;
        nulls[row] = source == kGap;
        sources.set_index(row, source == kGap ? 0 : series.offset + static_cast<idx_t>(source));
        if (takes_lookup) looked_up.emplace_back(row, series.row);
      }
      base += series.size();
    }
    if (duckdb::ListVector::GetListSize(arguments_.data[0]) > 0 && total > 0)
      duckdb::VectorOperations::Copy(from, out, sources, total, 0, 0);
    for (idx_t row = 0; row < total; ++row) {
      if (nulls[row]) FlatVector::SetNull(out, row, true);
    }
    for (std::size_t i = 0; i < looked_up.size();) {
      std::size_t end = i;
      while (end < looked_up.size() && looked_up[end].second == looked_up[i].second &&
             looked_up[end].first == looked_up[i].first + (end - i))
        ++end;
      const idx_t count = end - i;
      SelectionVector same(count);
      for (idx_t n = 0; n < count; ++n) same.set_index(n, looked_up[i].second);
      duckdb::VectorOperations::Copy(arguments_.data[column.before], out, same, count, 0, looked_up[i].first);
      i = end;
    }
    if (column.kind == 'i') interpolate(column, format, out);
  }

  void interpolate(const FillColumn& column, const UnifiedVectorFormat& format, Vector& out) {
    switch (out.GetType().InternalType()) {
      case PhysicalType::INT16:
        return interpolate_as<std::int16_t>(column, format, out);
      case PhysicalType::INT32:
        return interpolate_as<std::int32_t>(column, format, out);
      case PhysicalType::INT64:
        return interpolate_as<std::int64_t>(column, format, out);
      case PhysicalType::FLOAT:
        return interpolate_as<float>(column, format, out);
      default:
        return interpolate_as<double>(column, format, out);
    }
  }

  /// A record (time, value) that was looked up.
  Point looked_up_point(idx_t argument, idx_t row, std::array<UnifiedVectorFormat, 2>& parts) {
    Point point;
    Vector& records = arguments_.data[argument];
    const auto& format = formats_[argument];
    if (!format.validity.RowIsValid(format.sel->get_index(row))) return point;
    duckdb::Vector flat(records.GetType());
    flat.Reference(records);
    flat.Flatten(arguments_.size());
    auto& entries = duckdb::StructVector::GetEntries(flat);
    for (std::size_t i = 0; i < 2; ++i) entries[i]->ToUnifiedFormat(arguments_.size(), parts[i]);
    const auto time = parts[0].sel->get_index(row);
    const auto value = parts[1].sel->get_index(row);
    if (!parts[0].validity.RowIsValid(time) || !parts[1].validity.RowIsValid(value)) return point;
    kept_.push_back(std::move(flat));
    point = {true, time_at(parts[0].data, time_type_, time), value, &parts[1]};
    return point;
  }

  template <typename T>
  void interpolate_as(const FillColumn& column, const UnifiedVectorFormat& format, Vector& out) {
    auto* data = FlatVector::GetData<T>(out);
    idx_t base = 0;
    for (const Series& series : series_) {
      std::array<UnifiedVectorFormat, 2> before_parts;
      std::array<UnifiedVectorFormat, 2> after_parts;
      const auto point_of = [&](std::size_t i) {
        if (is_null(format, series, series.sources[i])) return Point{};
        return Point{true, series.times[i],
                     format.sel->get_index(series.offset + static_cast<idx_t>(series.sources[i])), &format};
      };
      const auto value_of = [](const Point& point) {
        return reinterpret_cast<const T*>(point.format->data)[point.at];
      };
      Point before;
      Point after;
      std::size_t next = 0;  // the next row that was given
      bool knows_after = false;
      for (std::size_t i = 0; i < series.size(); ++i) {
        if (series.sources[i] != kGap) {
          before = point_of(i);
          knows_after = false;
          continue;
        }
        if (!before.is_known && column.before != 0 && series.times[i] == series.first)
          before = looked_up_point(column.before, series.row, before_parts);
        if (!knows_after) {
          for (next = i; next < series.size() && series.sources[next] == kGap;) ++next;
          after = next < series.size() ? point_of(next)
                  : column.after != 0  ? looked_up_point(column.after, series.row, after_parts)
                                       : Point{};
          knows_after = true;
        }
        if (!before.is_known || !after.is_known) continue;
        if (before.time == after.time) throw_through_duckdb(ErrorCode::DivisionByZero, "division by zero");
        data[base + i] =
            value_between<T>(series.times[i], before.time, after.time, value_of(before), value_of(after));
        FlatVector::SetNull(out, base + i, false);
      }
      base += series.size();
    }
  }

  DataChunk& arguments_;
  const FillData& data_;
  Vector& result_;
  Vector* struct_ = nullptr;
  LogicalType time_type_;
  std::vector<UnifiedVectorFormat> formats_;
  std::vector<UnifiedVectorFormat> field_formats_;
  std::vector<Series> series_;
  std::vector<Vector> kept_;  // of values that points refer to
};

void fill_gaps(DataChunk& arguments, ExpressionState& state, Vector& result) {
  const auto& data = state.expr.Cast<duckdb::BoundFunctionExpression>().bind_info->Cast<FillData>();
  through_duckdb([&] { Filler(arguments, data, result).run(); });
}

/// A record of a lookup has the types of the time and the value.
void cast_record(duckdb::ClientContext& context, unique_ptr<Expression>& record, const LogicalType& time,
                 const LogicalType& value) {
  const LogicalType given = record->return_type;
  const auto children = given.id() == LogicalTypeId::STRUCT ? duckdb::StructType::GetChildTypes(given)
                                                            : duckdb::child_list_t<LogicalType>{};
  if (children.size() != 2)
    throw_through_duckdb(ErrorCode::InvalidParameterValue,
                         "interpolate RECORD arguments must have 2 elements");
  const auto check = [](const LogicalType& is, const LogicalType& wanted, const char* which,
                        const char* of_what) {
    const bool is_number = number_kind(is) != NumberKind::None && number_kind(wanted) != NumberKind::None;
    if (is == wanted || is.id() == LogicalTypeId::SQLNULL || is_number) return;
    throw_through_duckdb(ErrorCode::InvalidParameterValue,
                         std::string(which) + " argument of interpolate returned record must match used " +
                             of_what + " datatype",
                         "Returned type " + to_sql(sql_type_of(is)) + " does not match expected type " +
                             to_sql(sql_type_of(wanted)) + ".");
  };
  check(children[0].second, time, "first", "timestamp");
  check(children[1].second, value, "second", "interpolate");
  duckdb::child_list_t<LogicalType> wanted;
  wanted.emplace_back(children[0].first, time);
  wanted.emplace_back(children[1].first, value);
  record =
      duckdb::BoundCastExpression::AddCastToType(context, std::move(record), LogicalType::STRUCT(wanted));
}

unique_ptr<duckdb::FunctionData> bind_fill(duckdb::ClientContext& context, ScalarFunction& function,
                                           Arguments& arguments) {
  auto data = make_uniq<FillData>();
  const LogicalType rows = arguments[0]->return_type;
  const auto fields = duckdb::StructType::GetChildTypes(duckdb::ListType::GetChildType(rows));
  const LogicalType time = fields[0].second;
  const bool is_integer = is_integer_kind(number_kind(time));
  const auto cast = [&](idx_t i, const LogicalType& type) {
    arguments[i] = duckdb::BoundCastExpression::AddCastToType(context, std::move(arguments[i]), type);
  };
  cast(1, is_integer ? time : LogicalType::INTERVAL);
  cast(2, time);
  cast(3, time);
  cast(4, LogicalType::VARCHAR);
  const std::string kinds =
      duckdb::StringValue::Get(duckdb::ExpressionExecutor::EvaluateScalar(context, *arguments[5]));
  idx_t lookup = kFirstLookup;
  for (const char c : kinds) {
    if (c != 'p' && c != 'q') {
      data->columns.push_back({c, 0, 0});
      continue;
    }
    FillColumn& column = data->columns.back();
    const LogicalType& value = fields[data->columns.size()].second;
    (c == 'p' ? column.before : column.after) = lookup;
    if (column.kind == 'i') {
      cast_record(context, arguments[lookup], time, value);
    } else {
      cast(lookup, value);
    }
    ++lookup;
  }
  function.arguments.clear();
  for (const auto& argument : arguments) function.arguments.push_back(argument->return_type);
  function.varargs = LogicalType(LogicalTypeId::INVALID);
  function.return_type = rows;
  return data;
}

/// A width of time_bucket_gapfill, checked.
template <typename T>
ScalarFunction width_check(const LogicalType& type) {
  ScalarFunction function(
      "pg_gapfill_width", {type}, type, [](DataChunk& chunk, ExpressionState&, Vector& result) {
        duckdb::UnaryExecutor::Execute<T, T>(chunk.data[0], result, chunk.size(), [](T width) {
          bool is_positive = false;
          if constexpr (std::is_same_v<T, interval_t>) {
            is_positive = width.months >= 0 && width.days >= 0 && width.micros >= 0 &&
                          (width.months > 0 || width.days > 0 || width.micros > 0);
          } else {
            is_positive = width > 0;
          }
          if (!is_positive) fail("bucket_width must be greater than 0");
          return width;
        });
      });
  function.errors = duckdb::FunctionErrors::CAN_THROW_RUNTIME_ERROR;
  return function;
}

/// The least time after another.
template <typename T>
ScalarFunction next_time(const LogicalType& type) {
  return ScalarFunction(
      "pg_gapfill_after", {type}, type, [](DataChunk& chunk, ExpressionState&, Vector& result) {
        duckdb::UnaryExecutor::Execute<T, T>(chunk.data[0], result, chunk.size(), [](T time) {
          return time == std::numeric_limits<T>::max() ? time : static_cast<T>(time + 1);
        });
      });
}

}  // namespace

void register_gapfill(FunctionCatalog& catalog) {
  ScalarFunction fill("pg_gapfill",
                      {LogicalType::ANY, LogicalType::ANY, LogicalType::ANY, LogicalType::ANY,
                       LogicalType::ANY, LogicalType::VARCHAR},
                      LogicalType::ANY, fill_gaps, bind_fill);
  fill.varargs = LogicalType::ANY;
  fill.null_handling = duckdb::FunctionNullHandling::SPECIAL_HANDLING;
  fill.errors = duckdb::FunctionErrors::CAN_THROW_RUNTIME_ERROR;
  catalog.replace(std::move(fill));

  duckdb::ScalarFunctionSet width("pg_gapfill_width");
  width.AddFunction(width_check<interval_t>(LogicalType::INTERVAL));
  width.AddFunction(width_check<std::int16_t>(LogicalType::SMALLINT));
  width.AddFunction(width_check<std::int32_t>(LogicalType::INTEGER));
  width.AddFunction(width_check<std::int64_t>(LogicalType::BIGINT));
  catalog.replace(std::move(width));

  duckdb::ScalarFunctionSet after("pg_gapfill_after");
  after.AddFunction(next_time<std::int16_t>(LogicalType::SMALLINT));
  after.AddFunction(next_time<std::int32_t>(LogicalType::INTEGER));
  after.AddFunction(next_time<std::int64_t>(LogicalType::BIGINT));
  after.AddFunction(next_time<std::int32_t>(LogicalType::DATE));
  after.AddFunction(next_time<std::int64_t>(LogicalType::TIMESTAMP));
  after.AddFunction(next_time<std::int64_t>(LogicalType::TIMESTAMP_TZ));
  catalog.replace(std::move(after));
}

}  // namespace tickstone::duck
