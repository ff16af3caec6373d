// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <limits>
#include <optional>
#include <set>

#include <tickstone/error.hpp>
#include <tickstone/training.hpp>

#include "market/as_of_merge.hpp"
#include "market/data_frame_content.hpp"

namespace tickstone {
namespace {

using market::FeatureSeries;
using market::SortedLabels;

void check(const TrainingRequest& request) {
  std::set<std::string> seen;
  for (const auto& feature : request.features) {
    if (feature.empty()) throw Error(ErrorCode::InvalidParameterValue, "a feature has no name");
    if (!seen.insert(feature).second)
      throw Error(ErrorCode::InvalidParameterValue, "feature \"" + feature + "\" is named twice");
  }
  if (request.max_age.count() < 0)
    throw Error(ErrorCode::InvalidParameterValue, "the maximum age is negative");
}

/// The symbols to ask for: all of them is less work than a long list of them.
std::vector<std::string> symbols_of(const SortedLabels& labels) {
  constexpr std::size_t kLongList = 64;
  std::vector<std::string> symbols;
  if (labels.series().size() > kLongList) return symbols;
  for (const auto& series : labels.series()) symbols.push_back(series.symbol);
  return symbols;
}

class FeatureReader {
 public:
  FeatureReader(Executor& executor, const SortedLabels& labels, std::int64_t max_age_us)
      : executor_(executor), labels_(labels), series_(labels.series().size()) {
    sql_ =
        "SELECT symbol, timestamp, value::double precision FROM feature_timeseries WHERE feature_name = $1 "
        "AND "
        "timestamp <= $2";
    parameters_ = {Null{}, Timestamp{std::chrono::microseconds{labels.last_us()}}};
    if (max_age_us > 0) {
      parameters_.emplace_back(Timestamp{std::chrono::microseconds{labels.first_us() - max_age_us}});
      sql_ += " AND timestamp >= $" + std::to_string(parameters_.size());
    }
    if (const auto symbols = symbols_of(labels); !symbols.empty()) {
      parameters_.emplace_back(symbols);
      sql_ += " AND symbol = ANY($" + std::to_string(parameters_.size()) + ")";
    }
  }

  /// One feature's values by series of `labels`, sorted.
  std::vector<FeatureSeries>& read(const std::string& feature) {
    for (auto& series : series_) series.clear();
    parameters_[0] = feature;
    executor_.stream(sql_, parameters_, [&](const DataFrame& part) { add(part.content().batch); });
    for (auto& series : series_) series.sort();
    return series_;
  }

  std::uint64_t rows_read() const { return rows_read_; }

 private:
  void add(const Batch& batch) {
    if (batch.row_count() == 0) return;
    const ColumnView symbols = batch.columns[0].view();
    const ColumnView times = batch.columns[1].view();
    const ColumnView values = batch.columns[2].view();
    std::string_view symbol;
    std::int32_t number = -1;
    for (std::size_t row = 0; row < batch.row_count(); ++row) {
      // Rows of one symbol mostly come together.
      if (const auto next = symbols.bytes(row); row == 0 || next != symbol) {
        symbol = next;
        number = labels_.find(symbol);
      }
      if (number < 0) continue;
      series_[static_cast<std::size_t>(number)].add(times.fixed<std::int64_t>(row),
                                                    values.fixed<double>(row));
    }
    rows_read_ += batch.row_count();
  }

  Executor& executor_;
  const SortedLabels& labels_;
  std::vector<FeatureSeries> series_;
  std::string sql_;
  Parameters parameters_;
  std::uint64_t rows_read_ = 0;
};

}  // namespace

TrainingSet fetch_training_data(Executor& executor, const TrainingRequest& request) {
  check(request);
  TrainingSet set{request.labels, request.features, {}, {}, {}, 0};
  const std::size_t rows = request.labels.size();
  const SortedLabels labels(request.labels);
  const std::int64_t max_age_us = request.max_age.count();
  std::optional<FeatureReader> reader;
  if (rows > 0) reader.emplace(executor, labels, max_age_us);
  for (const auto& feature : request.features) {
    auto& values = set.values.emplace_back(rows, std::numeric_limits<double>::quiet_NaN());
    if (request.with_ages) set.ages_us.emplace_back(rows, -1);
    std::size_t found = 0;
    if (reader) {
      const std::span<std::int64_t> ages =
          request.with_ages ? std::span<std::int64_t>(set.ages_us.back()) : std::span<std::int64_t>{};
      const auto& series = reader->read(feature);
      for (std::size_t i = 0; i < series.size(); ++i)
        found += market::merge_as_of(labels.series()[i], series[i], max_age_us, values, ages);
    }
    set.missing.push_back(rows - found);
  }
  if (reader) set.values_read = reader->rows_read();
  return set;
}

DataFrame TrainingSet::to_dataframe() const {
  std::vector<market::ResultColumn> columns = {{"symbol", SqlType::of(TypeId::Text)},
                                               {"timestamp", SqlType::of(TypeId::TimestampTz)},
                                               {"label", SqlType::of(TypeId::Double)}};
  for (const auto& feature : features) columns.push_back({feature, SqlType::of(TypeId::Double)});
  Batch batch = market::empty_batch(columns);
  for (auto& column : batch.columns) column.reserve(labels.size());
  for (const auto& label : labels) {
    batch.columns[0].append_bytes(label.symbol);
    batch.columns[1].append_fixed<std::int64_t>(label.time.time_since_epoch().count());
    batch.columns[2].append_fixed(label.value);
  }
  for (std::size_t f = 0; f < features.size(); ++f) {
    Column& column = batch.columns[f + 3];
    for (const double value : values[f]) {
      if (std::isnan(value))
        column.append_null();
      else
        column.append_fixed(value);
    }
  }
  return market::make_data_frame(columns, std::move(batch));
}

}  // namespace tickstone
