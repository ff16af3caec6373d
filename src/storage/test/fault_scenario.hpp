// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdlib>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "storage/test/power_loss_file_system.hpp"
#include "storage/test/store_fixture.hpp"

namespace tickstone::storage::testing_store {

/// What a store holds by what it acknowledged.
struct Contents {
  using Key = std::tuple<std::string, std::int64_t, std::int64_t>;
  std::map<TableId, std::map<Key, std::string>> tables;
  std::int64_t last_number = 0;  // of the sequence

  Rows rows(TableId table) const {
    Rows rows;
    for (const auto& [key, price] : tables.at(table)) {
      rows.emplace_back(std::get<0>(key), std::get<1>(key), std::get<2>(key), price);
    }
    return rows;
  }
  friend bool operator==(const Contents&, const Contents&) = default;
};

/// One of so many places is tried: all in long runs, a few where every step is slow.
inline std::uint64_t stride(std::uint64_t usual) {
  if (std::getenv("TICKSTONE_LONG_TESTS") != nullptr) return 1;
  return std::getenv("TICKSTONE_SHORT_TESTS") != nullptr ? usual * 7 : usual;
}

inline constexpr TableId kFaultPlain = kTrades + 1;
inline constexpr TableId kFaultKeyless = kTrades + 2;
inline constexpr TableId kFaultOther = kTrades + 3;
inline constexpr TableId kFaultSequence = 900;
inline constexpr std::int64_t kFaultInterval = 50;
inline const std::filesystem::path kFaultPath = "/store";

/// Every table, by full scans and by key. What stands twice is a failure of the test.
inline Contents read_contents(Store& store) {
  Contents contents;
  const auto view = store.read_view();
  for (const TableId table : view->tables()) {
    auto& rows = contents.tables[table];
    const Rows found = scan_rows(*view, table);
    for (const auto& [symbol, time, id, price] : found) {
      EXPECT_TRUE(rows.emplace(Contents::Key{symbol, time, id}, price).second)
          << symbol << " " << time << " " << id << " is there twice";
    }
    EXPECT_EQ(view->row_count(table), found.size());
    // By key too: another way through the same files.
    if (found.empty() || view->schema(table)->primary_key.empty()) continue;
    const auto looked_up = view->lookup(table, keys(found));
    for (const std::int64_t at : looked_up.found) EXPECT_GE(at, 0);
  }
  return contents;
}

/// One atomic change of a store; `contents` is what it holds afterwards.
struct FaultStep {
  std::string name;
  std::function<void(Store&, Contents&)> run;
};

inline StoreOptions fault_options(FileSystem& files) {
  StoreOptions options;
  options.files = &files;
  options.row_group_rows = 16;
  options.log_file_bytes = 4096;
  options.early_log_bytes = 1500;
  options.adopted_rows = 60;
  options.block_cache_bytes = 64U << 10;
  return options;
}

inline void upsert_step(Transaction& transaction, Contents& contents, TableId table, const Rows& rows) {
  transaction.insert(table, batch(rows), table == kFaultKeyless ? OnDuplicate::Fail : OnDuplicate::Replace);
  for (const auto& [symbol, time, id, price] : rows) contents.tables.at(table)[{symbol, time, id}] = price;
}

inline void erase_step(Transaction& transaction, Contents& contents, TableId table, const Rows& rows) {
  std::uint64_t expected = 0;
  for (const auto& [symbol, time, id, price] : rows)
    expected += contents.tables.at(table).erase({symbol, time, id});
  EXPECT_EQ(transaction.erase(table, keys(rows)), expected);
}

/// Everything that a store does: DDL, upserts, erases, transactions larger than memory allows and over two
/// tables, rollbacks, sequences, checkpoints that seal, merge and rewrite segments, dropped chunks and
/// tables.
inline std::vector<FaultStep> fault_steps() {
  std::vector<FaultStep> steps;
  auto add = [&](std::string name, std::function<void(Store&, Contents&)> run) {
    steps.push_back({std::move(name), std::move(run)});
  };
  auto in_transaction = [&](std::string name, std::function<void(Transaction&, Contents&)> work) {
    add(std::move(name), [work](Store& store, Contents& contents) {
      const auto transaction = store.begin();
      work(*transaction, contents);
      transaction->commit();
    });
  };
  auto checkpoint = [&] { add("checkpoint", [](Store& store, Contents&) { store.checkpoint(); }); };

  in_transaction("create tables", [](Transaction& transaction, Contents& contents) {
    transaction.create_table(trades(kTrades, kFaultInterval));
    transaction.create_table(plain(kFaultPlain));
    auto schema = keyless(kFaultKeyless);
    schema.chunk_interval = kFaultInterval;
    transaction.create_table(schema);
    for (const TableId table : {kTrades, kFaultPlain, kFaultKeyless}) contents.tables[table];
  });
  in_transaction("insert", [](Transaction& transaction, Contents& contents) {
    Rows rows;
    for (int i = 0; i < 40; ++i) rows.emplace_back(i % 2 == 0 ? "A" : "B", i * 4, 0, std::to_string(i));
    upsert_step(transaction, contents, kTrades, rows);
    upsert_step(transaction, contents, kFaultKeyless, {{"K", 1, 1, "1"}, {"K", 70, 2, ""}});
  });
  checkpoint();
  in_transaction("two tables", [](Transaction& transaction, Contents& contents) {
    upsert_step(transaction, contents, kTrades, {{"A", 0, 0, "100.5"}, {"C", 60, 1, "7"}});
    upsert_step(transaction, contents, kFaultPlain, {{"P", 1, 1, "0.00000001"}, {"Q", 2, 2, "123456789012"}});
    erase_step(transaction, contents, kTrades, {{"B", 4, 0, ""}, {"X", 4, 0, ""}});
  });
  add("number", [](Store& store, Contents& contents) {
    const auto number = store.next_sequence_value(kFaultSequence, {}).value();
    EXPECT_GT(number, contents.last_number);
    contents.last_number = number;
  });
  in_transaction("large transaction", [](Transaction& transaction, Contents& contents) {
    for (int part = 0; part < 6; ++part) {
      Rows rows;
      for (int i = 0; i < 30; ++i)
        rows.emplace_back("L", (i * 7 + part) % 200, part * 100 + i, std::to_string(i));
      upsert_step(transaction, contents, kTrades, rows);
      upsert_step(transaction, contents, kFaultPlain, {{"L", part, 0, std::to_string(part)}});
    }
    erase_step(transaction, contents, kTrades, {{"L", 0, 0, ""}, {"L", 7, 1, ""}});
  });
  add("rolled back", [](Store& store, Contents& contents) {
    auto unused = contents;
    const auto transaction = store.begin();
    for (int part = 0; part < 3; ++part) {
      Rows rows;
      for (int i = 0; i < 30; ++i) rows.emplace_back("R", i, part, "1");
      upsert_step(*transaction, unused, kTrades, rows);
    }
    transaction->rollback();
  });
  checkpoint();
  in_transaction("erase many", [](Transaction& transaction, Contents& contents) {
    Rows rows;
    for (const auto& row : contents.rows(kTrades)) {
      if (std::get<2>(row) % 3 != 0) rows.push_back(row);
    }
    erase_step(transaction, contents, kTrades, rows);
  });
  checkpoint();
  for (int round = 0; round < 5; ++round) {
    in_transaction("upsert", [round](Transaction& transaction, Contents& contents) {
      Rows rows;
      for (int i = 0; i < 8; ++i) rows.emplace_back("A", i * 16 + round, 0, std::to_string(round));
      upsert_step(transaction, contents, kTrades, rows);
      upsert_step(transaction, contents, kFaultPlain, {{"P", round, 1, "5"}});
    });
    checkpoint();
  }
  in_transaction("alter", [](Transaction& transaction, Contents& contents) {
    auto schema = plain(kFaultOther);
    schema.name = "other";
    transaction.create_table(schema);
    contents.tables[kFaultOther];
    upsert_step(transaction, contents, kFaultOther, {{"O", 1, 1, "1"}, {"O", 2, 1, "1"}});
    schema.columns.push_back({5, "note", SqlType::of(TypeId::Text), false});
    transaction.alter_table(schema, {{5, Value::of_text("none")}});
  });
  in_transaction("drop chunks", [](Transaction& transaction, Contents& contents) {
    transaction.drop_chunks(kTrades, {0, kFaultInterval});
    std::erase_if(contents.tables.at(kTrades),
                  [](const auto& entry) { return std::get<1>(entry.first) < kFaultInterval; });
  });
  in_transaction("back into the dropped chunk", [](Transaction& transaction, Contents& contents) {
    upsert_step(transaction, contents, kTrades, {{"A", 3, 0, "3"}, {"A", 199, 9, "4"}});
  });
  add("number", [](Store& store, Contents& contents) {
    const auto number = store.next_sequence_value(kFaultSequence, {}).value();
    EXPECT_GT(number, contents.last_number);
    contents.last_number = number;
  });
  checkpoint();
  in_transaction("drop and truncate", [](Transaction& transaction, Contents& contents) {
    transaction.drop_table(kFaultOther);
    contents.tables.erase(kFaultOther);
    transaction.truncate(kFaultPlain);
    contents.tables.at(kFaultPlain).clear();
    upsert_step(transaction, contents, kFaultPlain, {{"T", 1, 1, "1"}});
  });
  in_transaction("last", [](Transaction& transaction, Contents& contents) {
    upsert_step(transaction, contents, kFaultPlain, {{"T", 2, 1, "2"}});
    upsert_step(transaction, contents, kFaultKeyless, {{"K", 2, 3, "1"}});
  });
  return steps;
}

}  // namespace tickstone::storage::testing_store
