// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "catalog/catalog.hpp"
#include "catalog/test/fake_store.hpp"

namespace tickstone::catalog {

class FakeFacts final : public RunningFacts {
 public:
  explicit FakeFacts(const FakeTables& tables) : view_(tables) {}
  std::vector<SessionInfo> sessions() const override { return session_list; }
  std::vector<SettingInfo> settings_shown() const override { return setting_list; }
  std::vector<JobStatistics> job_statistics() const override { return statistics; }
  std::vector<JobRunRecord> job_history() const override { return history; }
  std::vector<StatementCounts> statement_counts() const override { return statements; }
  bool is_superuser() const override { return superuser; }
  std::string current_user() const override { return "trader"; }
  std::string current_database() const override { return "market"; }
  std::vector<std::string> search_path() const override { return path; }
  const storage::ReadView& current_view() const override { return view_; }
  std::optional<std::int64_t> last_sequence_value(Oid) const override { return last_value; }

  std::vector<SessionInfo> session_list;
  std::vector<SettingInfo> setting_list;
  std::vector<JobStatistics> statistics;
  std::vector<JobRunRecord> history;
  std::vector<StatementCounts> statements;
  bool superuser = true;
  std::vector<std::string> path = {"public"};
  std::optional<std::int64_t> last_value;

 private:
  FakeView view_;
};

/// A small market: hypertable ohlcv with two chunks, table positions with SERIAL, a view, an aggregate and
/// its job.
class Market {
 public:
  static constexpr Oid kOhlcv = 16384;
  static constexpr Oid kOhlcvKey = 16385;
  static constexpr Oid kOhlcvIndex = 16386;
  static constexpr Oid kOhlcvConstraint = 16387;
  static constexpr Oid kPositions = 16390;
  static constexpr Oid kPositionsKey = 16391;
  static constexpr Oid kPositionsSequence = 16392;
  static constexpr Oid kView = 16400;
  static constexpr Oid kAggregate = 16410;

  Market();
  RelationObject ohlcv() const { return *catalog().find_relation(kOhlcv); }
  const Catalog& catalog() const { return edit->catalog(); }
  Batch rows(std::string_view schema, std::string_view name) const {
    return system_relation_rows(schema, name, catalog(), facts);
  }
  /// Cells of the rows of a system relation as text, NULL as `-`: of the rows whose `key` is `value`.
  std::vector<std::vector<std::string>> select(std::string_view schema, std::string_view name,
                                               const std::vector<std::string>& columns,
                                               const std::string& key = {},
                                               const std::string& value = {}) const;
  Value call(std::string_view name, const std::vector<Value>& arguments) const {
    return call_catalog_function(name, arguments, catalog(), facts);
  }
  std::string call_text(std::string_view name, const std::vector<Value>& arguments) const;

  FakeTables tables;
  FakeFacts facts{tables};
  FakeTransaction transaction{tables};
  std::unique_ptr<CatalogEdit> edit;
};

Value oid_argument(Oid oid);
std::vector<std::vector<std::string>> batch_text(const Batch& batch);

}  // namespace tickstone::catalog
