// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <limits>
#include <optional>
#include <set>
#include <unordered_map>

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

/// The values of features from the first label (less the age) to the last.
class FeatureReader {
 public:
  FeatureReader(Executor& executor, const SortedLabels& labels, std::int64_t max_age_us)
      : executor_(executor), labels_(labels) {
    conditions_ = " AND timestamp <= $2";
    parameters_ = {Null{}, Timestamp{std::chrono::microseconds{labels.last_us()}}};
    if (max_age_us > 0) {
      parameters_.emplace_back(Timestamp{std::chrono::microseconds{labels.first_us() - max_age_us}});
      conditions_ += " AND timestamp >= $" + std::to_string(parameters_.size());
    }
    if (const auto symbols = symbols_of(labels); !symbols.empty()) {
      parameters_.emplace_back(symbols);
      conditions_ += " AND symbol = ANY($" + std::to_string(parameters_.size()) + ")";
    }
  }

  /// Calls `on_feature(position, series by series of the labels)` for each feature, by one query each.
  template <typename OnFeature>
  void read_each(const std::vector<std::string>& features, OnFeature on_feature) {
    const std::string sql =
        "SELECT symbol, timestamp, value::double precision FROM feature_timeseries WHERE "
        "feature_name = $1" +
        conditions_;
    Feature feature(labels_.series().size());
    for (std::size_t f = 0; f < features.size(); ++f) {
      for (auto& series : feature) series.clear();
      parameters_[0] = features[f];
      executor_.stream(sql, parameters_, [&](const DataFrame& part) {
        const auto& columns = part.content().batch.columns;
        add(columns, part.row_count(), [&](std::size_t /*row*/) -> Feature& { return feature; });
      });
      finish(feature);
      on_feature(f, feature);
    }
  }

  /// The same by one query for all: all values are in memory at once.
  template <typename OnFeature>
  void read_at_once(const std::vector<std::string>& features, OnFeature on_feature) {
    const std::string sql =
        "SELECT symbol, timestamp, value::double precision, feature_name FROM "
        "feature_timeseries WHERE feature_name = ANY($1)" +
        conditions_;
    std::vector<Feature> all(features.size(), Feature(labels_.series().size()));
    std::unordered_map<std::string_view, Feature*> by_name;
    for (std::size_t f = 0; f < features.size(); ++f) by_name[features[f]] = &all[f];
    parameters_[0] = features;
    executor_.stream(sql, parameters_, [&](const DataFrame& part) {
      const auto& columns = part.content().batch.columns;
      const ColumnView names = columns.at(3).view();
      add(columns, part.row_count(),
          [&](std::size_t row) -> Feature& { return *by_name.at(names.bytes(row)); });
    });
    for (std::size_t f = 0; f < features.size(); ++f) {
      finish(all[f]);
      on_feature(f, all[f]);
      Feature().swap(all[f]);
    }
  }

  std::uint64_t rows_read() const { return rows_read_; }

 private:
  using Feature = std::vector<FeatureSeries>;

  template <typename FeatureOf>
  void add(const std::vector<Column>& columns, std::size_t row_count, FeatureOf feature_of) {
    if (row_count == 0) return;
    const ColumnView symbols = columns[0].view();
    const ColumnView times = columns[1].view();
    const ColumnView values = columns[2].view();
    std::string_view symbol;
    std::int32_t number = -1;
    for (std::size_t row = 0; row < row_count; ++row) {
      // Rows of one symbol mostly come together.
      if (const auto next = symbols.bytes(row); row == 0 || next != symbol) {
        symbol = next;
        number = labels_.find(symbol);
      }
      if (number < 0) continue;
      feature_of(row)[static_cast<std::size_t>(number)].add(times.fixed<std::int64_t>(row),
                                                            values.fixed<double>(row));
    }
    rows_read_ += row_count;
  }

  static void finish(Feature& feature) {
    for (auto& series : feature) series.sort();
  }

  Executor& executor_;
  const SortedLabels& labels_;
  std::string conditions_;
  Parameters parameters_;  // the first is the feature
  std::uint64_t rows_read_ = 0;
};

/// Whether a query of the executor sees what another has committed since the query before.
bool sees_changes(Executor& executor) {
  const DataFrame frame = executor.get_dataframe("SELECT current_setting('transaction_isolation')");
  const auto level = frame.get<std::string>(0, 0);
  return level == "read committed" || level == "read uncommitted";
}

/// Fills `set`, which has its labels and features.
void read_values(Executor& executor, const TrainingRequest& request, const SortedLabels& labels,
                 TrainingSet& set) {
  const std::size_t rows = request.labels.size();
  const std::int64_t max_age_us = request.max_age.count();
  set.values.assign(set.features.size(), std::vector<double>(rows, std::numeric_limits<double>::quiet_NaN()));
  if (request.with_ages) set.ages_us.assign(set.features.size(), std::vector<std::int64_t>(rows, -1));
  set.missing.assign(set.features.size(), rows);
  if (rows == 0) return;
  FeatureReader reader(executor, labels, max_age_us);
  const auto merge = [&](std::size_t f, const std::vector<FeatureSeries>& series) {
    const std::span<std::int64_t> ages =
        request.with_ages ? std::span<std::int64_t>(set.ages_us[f]) : std::span<std::int64_t>{};
    for (std::size_t i = 0; i < series.size(); ++i)
      set.missing[f] -= market::merge_as_of(labels.series()[i], series[i], max_age_us, set.values[f], ages);
  };
  if (set.features.size() > 1 && sees_changes(executor)) {
    reader.read_at_once(set.features, merge);
  } else {
    reader.read_each(set.features, merge);
  }
  set.values_read = reader.rows_read();
}

}  // namespace

TrainingSet fetch_training_data(Executor& executor, const TrainingRequest& request) {
  check(request);
  TrainingSet set{request.labels, request.features, {}, {}, {}, 0};
  const SortedLabels labels(request.labels);
  executor.in_snapshot([&](Executor& snapshot) { read_values(snapshot, request, labels, set); });
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
