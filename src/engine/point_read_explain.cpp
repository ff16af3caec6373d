// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "base/clock.hpp"
#include "catalog/object_names.hpp"
#include "engine/point_read.hpp"

namespace tickstone::engine {
namespace {

std::string joined(const std::vector<std::string>& parts) {
  std::string text;
  for (const auto& part : parts) text += (text.empty() ? "" : ", ") + part;
  return text;
}

}  // namespace

std::optional<std::vector<std::string>> PointReader::explain(const SessionContext& context,
                                                             std::span<const Value> parameters,
                                                             bool analyze) const {
  const auto stream = open(context, parameters);
  if (stream == nullptr) return std::nullopt;
  const auto made = plan(context, parameters, Texts::Made);
  const auto& rows = made->rows;
  std::string head = "Point Read on " + name_;
  storage::ScanStatistics statistics;
  if (analyze) {
    const std::int64_t began_us = system_clock().now_us();
    std::uint64_t count = 0;
    Batch batch;
    while (stream->next(batch)) count += batch.row_count();
    head += fmt::format(" (actual rows={}, {:.3f} ms)", count,
                        static_cast<double>(system_clock().now_us() - began_us) / 1000);
    if (read_.distinct_on == 0) statistics = static_cast<PointStream&>(*stream).statistics();
  } else if (!rows->is_empty && !rows->keys && read_.distinct_on == 0) {
    // All that could be read: with an order the end is not known beforehand.
    auto request = rows->request;
    request.order = storage::ScanOrder::Any;
    statistics = rows->view->scan(request)->statistics();
  }
  std::vector<std::string> lines{std::move(head)};
  std::vector<std::string> conditions;
  for (const auto& condition : rows->conditions) conditions.push_back(condition.text);
  if (!conditions.empty()) lines.push_back("  Conditions: " + joined(conditions));
  std::vector<std::string> order;
  for (const auto& key : read_.order) {
    std::string text = read_.relation.columns[key.column].name;
    if (key.is_descending) text += " DESC";
    if (key.has_nulls_first != key.is_descending)
      text += key.has_nulls_first ? " NULLS FIRST" : " NULLS LAST";
    order.push_back(std::move(text));
  }
  if (!order.empty()) lines.push_back("  Order: " + joined(order));
  if (read_.distinct_on > 0) {
    std::size_t reads = rows->is_empty ? 0 : 1;
    for (const auto& one : made->each) reads *= one.values.size();
    lines.push_back(fmt::format("  One Row of Each: {} reads", reads));
    return lines;
  }
  if (rows->limit != UINT64_MAX) lines.push_back("  Limit: " + std::to_string(rows->limit));
  if (rows->offset != 0) lines.push_back("  Offset: " + std::to_string(rows->offset));
  if (rows->is_empty) {
    lines.emplace_back("  Nothing to read: a condition compares with NULL");
  } else if (rows->keys) {
    lines.emplace_back(read_.keys ? fmt::format("  By primary key: {} keys", rows->keys->row_count())
                                  : "  By primary key");
  } else {
    const std::string suffix = analyze ? " Read" : "";
    if (rows->view->schema(table_)->time_column) {
      lines.push_back(
          fmt::format("  Chunks{}: {} of {}", suffix, statistics.chunks_read, statistics.chunks_total));
      std::vector<std::string> names;
      const auto* relation = context.catalog()->find_relation(read_.relation.schema, read_.relation.name);
      for (const auto number : statistics.chunk_numbers)
        names.push_back(catalog::chunk_name(*relation, number));
      if (!names.empty()) lines.push_back("  Chunk Names: " + joined(names));
    }
    lines.push_back(fmt::format("  Row Groups{}: {} of {}", suffix, statistics.row_groups_read,
                                statistics.row_groups_total));
    lines.push_back(fmt::format("  Open Rows{}: {}", suffix, statistics.open_rows_read));
    if (analyze) {
      lines.push_back(
          fmt::format("  Blocks Read: {} ({} bytes)", statistics.blocks_read, statistics.block_bytes_read));
    }
  }
  return lines;
}

}  // namespace tickstone::engine
