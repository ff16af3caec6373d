// SPDX-License-Identifier: Apache-2.0
// What the store's promises cost: commits, bulk loads, checkpoints, scans and upserts. store_bench
// [directory] [rows]
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "storage/store.hpp"

namespace {

using namespace tickstone;
using namespace tickstone::storage;

constexpr TableId kTable = kFirstUserTable;
constexpr int kSymbols = 500;

TableSchema trades(TableId id = kTable) {
  TableSchema schema;
  schema.id = id;
  schema.name = "trades";
  schema.columns = {{1, "symbol", SqlType::of(TypeId::Text), true},
                    {2, "timestamp", SqlType::of(TypeId::TimestampTz), true},
                    {3, "price", SqlType::of(TypeId::Numeric), true},
                    {4, "size", SqlType::of(TypeId::Numeric), true},
                    {5, "exchange", SqlType::of(TypeId::Integer), false},
                    {6, "conditions", SqlType::array_of(TypeId::Text), false},
                    {7, "id", SqlType::of(TypeId::BigInt), true},
                    {8, "source", SqlType::of(TypeId::Text), true}};
  schema.primary_key = {1, 2, 7};
  schema.primary_key_name = "trades_pkey";
  schema.series_key = {1};
  schema.time_column = 2;
  schema.chunk_interval = 7LL * 86'400'000'000;
  return schema;
}

Batch make_rows(std::int64_t first, std::size_t count) {
  Batch batch;
  for (const auto& column : trades().columns) batch.columns.emplace_back(column.type).reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    const std::int64_t n = first + static_cast<std::int64_t>(i);
    batch.columns[0].append_bytes("SYM" + std::to_string(n * 7919 % kSymbols));
    batch.columns[1].append_fixed(std::int64_t{1'767'000'000'000'000} + n * 1000);
    batch.columns[2].append_fixed(std::int64_t{187'000'000} + n * 31 % 1'000'000 * 10);
    batch.columns[3].append_fixed((1 + n % 500) * std::int64_t{1'000'000});
    batch.columns[4].append_fixed(static_cast<std::int32_t>(n % 17));
    batch.columns[5].append_null();
    batch.columns[6].append_fixed(n);
    batch.columns[7].append_bytes("polygon");
  }
  return batch;
}

/// Rows as they come when a tenth of them is up to a fifth of the table late.
std::vector<Batch> with_late_rows(const std::vector<Batch>& batches) {
  std::vector<std::vector<std::uint32_t>> late(batches.size());
  std::vector<Batch> made;
  const std::size_t delay = batches.size() / 5 + 1;
  for (std::size_t i = 0; i < batches.size(); ++i) {
    std::vector<std::uint32_t> on_time;
    for (std::uint32_t row = 0; row < batches[i].row_count(); ++row) {
      (row % 10 == 7 ? late[i] : on_time).push_back(row);
    }
    Batch& batch = made.emplace_back();
    const std::size_t first = i < delay ? 0 : i - delay;
    // The last batch brings what is still missing.
    const std::size_t until = i + 1 == batches.size() ? batches.size() : i < delay ? 0 : first + 1;
    for (std::size_t c = 0; c < batches[i].columns.size(); ++c) {
      const auto& column = batches[i].columns[c];
      auto& out = batch.columns.emplace_back(column.type(), column.layout());
      out.append_rows(column.view(), on_time.data(), on_time.size());
      for (std::size_t from = first; from < until; ++from) {
        const auto& source = batches[from].columns[c];
        out.append_rows(source.view(), late[from].data(), late[from].size());
      }
    }
  }
  return made;
}

/// One row in twenty has the key of an earlier one.
std::vector<Batch> with_duplicates(const std::vector<Batch>& batches) {
  std::vector<Batch> made;
  for (std::size_t i = 0; i < batches.size(); ++i) {
    std::vector<std::uint32_t> again;
    for (std::uint32_t row = 3; row < batches[i].row_count(); row += 20) again.push_back(row);
    Batch& batch = made.emplace_back(batches[i]);
    if (i == 0) continue;
    for (std::size_t c = 0; c < batch.columns.size(); ++c)
      batch.columns[c].append_rows(batches[i - 1].columns[c].view(), again.data(), again.size());
  }
  return made;
}

class Stopwatch {
 public:
  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

std::uint64_t scan(const ReadView& view, std::vector<ColumnId> columns,
                   std::vector<ColumnPredicate> predicates = {}) {
  ScanRequest request;
  request.table = kTable;
  request.columns = std::move(columns);
  request.predicates = std::move(predicates);
  const auto scan = view.scan(request);
  const auto state = scan->make_state();
  ScanBatch batch;
  std::uint64_t rows = 0;
  while (scan->read(*state, batch)) rows += batch.row_count;
  return rows;
}

void report(const char* what, double seconds, double count, const char* unit) {
  std::printf("%-44s %9.3f s %14.0f %s\n", what, seconds, count / seconds, unit);
}

}  // namespace

int main(int argc, char** argv) {
  const std::filesystem::path directory = argc > 1 ? argv[1] : "store_bench_data";
  const std::size_t rows = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 5'000'000;
  std::filesystem::remove_all(directory);
  StoreOptions options;
  options.open_chunk_budget_bytes = 4ULL << 30;
  options.block_cache_bytes = 2ULL << 30;
  options.checkpoint_log_bytes = 8ULL << 30;
  auto store = Store::open(directory, options);
  {
    auto transaction = store->begin();
    transaction->create_table(trades());
    transaction->commit();
  }

  constexpr std::size_t kBatch = 65'536;
  std::vector<Batch> batches;
  for (std::size_t at = 0; at < rows; at += kBatch) {
    batches.push_back(make_rows(static_cast<std::int64_t>(at), std::min(kBatch, rows - at)));
  }
  {
    const Stopwatch watch;
    auto transaction = store->begin();
    for (const auto& batch : batches) transaction->insert(kTable, batch, OnDuplicate::Fail);
    const double inserted = watch.seconds();
    transaction->commit();
    report("bulk insert, one transaction", watch.seconds(), static_cast<double>(rows), "rows/s");
    std::printf("  of it commit %.3f s, log %.0f MB, memory %.0f MB\n", watch.seconds() - inserted,
                static_cast<double>(store->statistics().bytes_written_log) / 1e6,
                static_cast<double>(store->statistics().open_chunk_bytes) / 1e6);
  }
  const auto insert_all = [&](const char* what, TableId id, const std::vector<Batch>& given,
                              OnDuplicate mode) {
    auto transaction = store->begin();
    auto schema = trades(id);
    schema.name += std::to_string(id);
    transaction->create_table(schema);
    transaction->commit();
    const Stopwatch watch;
    std::size_t count = 0;
    for (const auto& batch : given) {
      transaction = store->begin();
      transaction->insert(id, batch, mode);
      transaction->commit();
      count += batch.row_count();
    }
    report(what, watch.seconds(), static_cast<double>(count), "rows/s");
    const auto stored = store->read_view()->row_count(id);
    if (stored != rows) std::printf("  %zu rows instead of %zu\n", static_cast<std::size_t>(stored), rows);
  };
  insert_all("insert, a commit a batch", kTable + 1, batches, OnDuplicate::Fail);
  insert_all("insert, a tenth of the rows late", kTable + 2, with_late_rows(batches), OnDuplicate::Fail);
  insert_all("upsert, one row in twenty a duplicate", kTable + 3, with_duplicates(batches),
             OnDuplicate::Replace);
  auto scans = [&](const char* where) {
    std::printf("%s\n", where);
    const auto view = store->read_view();
    for (int round = 0; round < 2; ++round) {
      const Stopwatch watch;
      const auto count = scan(*view, {1, 2, 3});
      report(round == 0 ? "  scan 3 columns, first" : "  scan 3 columns, again", watch.seconds(),
             static_cast<double>(count), "rows/s");
    }
    {
      const Stopwatch watch;
      const auto count = scan(*view, {});
      report("  scan no column", watch.seconds(), static_cast<double>(count), "rows/s");
    }
    {
      const Stopwatch watch;
      std::uint64_t count = 0;
      for (int i = 0; i < 100; ++i) {
        ColumnPredicate predicate;
        predicate.column = 1;
        predicate.in = {Value::of_text("SYM" + std::to_string(i))};
        count += scan(*view, {2, 3}, {predicate});
      }
      report("  one symbol, 100 times", watch.seconds(), 100, "scans/s");
      if (count == 0) std::printf("nothing found\n");
    }
  };
  scans("open chunks:");
  {
    const Stopwatch watch;
    store->checkpoint();
    report("checkpoint", watch.seconds(), static_cast<double>(rows), "rows/s");
    std::printf("  segments %.0f MB\n", static_cast<double>(store->statistics().segment_bytes) / 1e6);
  }
  scans("segments:");
  {
    const Stopwatch watch;
    constexpr int kCommits = 2000;
    const auto syncs = store->statistics().log_syncs;
    for (int i = 0; i < kCommits; ++i) {
      auto transaction = store->begin();
      transaction->insert(kTable, make_rows(static_cast<std::int64_t>(rows) + i, 1), OnDuplicate::Fail);
      transaction->commit();
    }
    report("single-row commits, one connection", watch.seconds(), kCommits, "commits/s");
    std::printf("  %.2f syncs a commit\n",
                static_cast<double>(store->statistics().log_syncs - syncs) / kCommits);
  }
  {
    const Stopwatch watch;
    constexpr int kCommits = 20'000;
    for (int i = 0; i < kCommits; ++i) {
      auto transaction = store->begin();
      transaction->insert(kTable, make_rows(static_cast<std::int64_t>(rows) + 10'000 + i, 1),
                          OnDuplicate::Fail);
      transaction->commit(/*synchronous=*/false);
    }
    report("single-row commits, asynchronous", watch.seconds(), kCommits, "commits/s");
  }
  {
    const Stopwatch watch;
    constexpr int kThreads = 8;
    constexpr int kCommits = 1000;
    const auto syncs = store->statistics().log_syncs;
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        for (int i = 0; i < kCommits; ++i) {
          auto transaction = store->begin();
          transaction->insert(kTable,
                              make_rows(static_cast<std::int64_t>(rows) + 50'000 + i * kThreads + t, 1),
                              OnDuplicate::Replace);
          transaction->commit();
        }
      });
    }
    for (auto& thread : threads) thread.join();
    report("single-row upserts, 8 connections", watch.seconds(), kThreads * kCommits, "commits/s");
    std::printf("  %.2f syncs a commit\n",
                static_cast<double>(store->statistics().log_syncs - syncs) / (kThreads * kCommits));
  }
  {
    const Stopwatch watch;
    auto transaction = store->begin();
    std::size_t upserted = 0;
    for (std::size_t i = 0; i < batches.size() && upserted < 1'000'000; ++i) {
      upserted += transaction->insert(kTable, batches[i], OnDuplicate::Replace).inserted;
    }
    transaction->commit();
    report("upsert of sealed rows, one transaction", watch.seconds(), static_cast<double>(upserted),
           "rows/s");
  }
  scans("after upserts:");
  {
    const Stopwatch watch;
    store.reset();
    report("close", watch.seconds(), 1, "");
  }
  {
    const Stopwatch watch;
    store = Store::open(directory, options);
    report("open", watch.seconds(), 1, "");
  }
  store.reset();
  std::filesystem::remove_all(directory);
  return 0;
}
