// SPDX-License-Identifier: Apache-2.0
#include "catalog/job_records.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

#include <tickstone/error.hpp>

namespace tickstone::catalog {
namespace {

using nlohmann::json;

constexpr storage::ColumnId kIdColumn = 1;
constexpr storage::ColumnId kBodyColumn = 2;

storage::TableSchema schema_of(storage::TableId table, const char* name) {
  storage::TableSchema schema;
  schema.id = table;
  schema.name = name;
  schema.columns = {{kIdColumn, "id", SqlType::of(TypeId::BigInt), true},
                    {kBodyColumn, "body", SqlType::of(TypeId::Jsonb), true}};
  schema.primary_key = {kIdColumn};
  schema.primary_key_name = std::string(name) + " pkey";
  return schema;
}

Batch key_batch(const std::vector<std::int64_t>& ids) {
  Batch keys;
  keys.columns.emplace_back(SqlType::of(TypeId::BigInt));
  for (const auto id : ids) keys.columns[0].append_fixed<std::int64_t>(id);
  return keys;
}

void write_row(storage::Transaction& transaction, storage::TableId table, std::int64_t id, const json& body) {
  Batch row = key_batch({id});
  row.columns.emplace_back(SqlType::of(TypeId::Jsonb));
  row.columns[1].append_bytes(body.dump(-1, ' ', false, json::error_handler_t::replace));
  transaction.insert(table, row, storage::OnDuplicate::Replace);
}

template <typename T>
void put(json& body, const char* name, const std::optional<T>& value) {
  if (value) body[name] = *value;
}

template <typename T>
void get(const json& body, const char* name, T& value) {
  if (const auto found = body.find(name); found != body.end()) value = found->get<T>();
}

template <typename T>
void get(const json& body, const char* name, std::optional<T>& value) {
  if (const auto found = body.find(name); found != body.end()) value = found->get<T>();
}

json parsed(std::string_view body) {
  try {
    return json::parse(body);
  } catch (const json::exception& error) {
    throw Error(ErrorCode::DataCorrupted, "what is kept of a job's runs cannot be read", error.what());
  }
}

JobStatistics decode_statistics(std::int64_t id, std::string_view text) {
  const json body = parsed(text);
  JobStatistics s;
  s.job_id = static_cast<std::int32_t>(id);
  get(body, "last_start", s.last_start_us);
  get(body, "last_finish", s.last_finish_us);
  get(body, "last_success", s.last_success_us);
  get(body, "next_start", s.next_start_us);
  get(body, "running", s.is_running);
  get(body, "last_succeeded", s.last_succeeded);
  get(body, "runs", s.runs);
  get(body, "successes", s.successes);
  get(body, "failures", s.failures);
  get(body, "crashes", s.crashes);
  get(body, "consecutive_failures", s.consecutive_failures);
  get(body, "consecutive_crashes", s.consecutive_crashes);
  get(body, "reordered", s.reordered_chunks);
  return s;
}

JobRunRecord decode_run(std::int64_t id, std::string_view text) {
  const json body = parsed(text);
  JobRunRecord run;
  run.id = id;
  get(body, "job", run.job_id);
  get(body, "succeeded", run.succeeded);
  get(body, "proc_schema", run.proc_schema);
  get(body, "proc_name", run.proc_name);
  get(body, "pid", run.pid);
  get(body, "start", run.start_us);
  get(body, "finish", run.finish_us);
  get(body, "config", run.config_json);
  get(body, "sqlstate", run.sqlstate);
  get(body, "message", run.message);
  return run;
}

template <typename Decode>
auto read_all(const storage::ReadView& view, storage::TableId table, Decode decode) {
  std::vector<decltype(decode(std::int64_t{}, std::string_view{}))> all;
  if (view.schema(table) == nullptr) return all;
  storage::ScanRequest request;
  request.table = table;
  request.columns = {kIdColumn, kBodyColumn};
  const auto scan = view.scan(request);
  const auto state = scan->make_state();
  storage::ScanBatch batch;
  while (scan->read(*state, batch)) {
    for (std::size_t row = 0; row < batch.row_count; ++row)
      all.push_back(
          decode(static_cast<std::int64_t>(batch.columns[0].integer(row)), batch.columns[1].bytes(row)));
  }
  return all;
}

}  // namespace

void make_job_tables(storage::Transaction& transaction) {
  const auto view = transaction.read_view();
  if (view->schema(kJobStatisticsTable) == nullptr)
    transaction.create_table(schema_of(kJobStatisticsTable, "job statistics"));
  if (view->schema(kJobHistoryTable) == nullptr)
    transaction.create_table(schema_of(kJobHistoryTable, "job history"));
}

std::vector<JobStatistics> read_job_statistics(const storage::ReadView& view) {
  return read_all(view, kJobStatisticsTable, decode_statistics);
}

std::optional<JobStatistics> find_job_statistics(const storage::ReadView& view, std::int32_t job_id) {
  if (view.schema(kJobStatisticsTable) == nullptr) return std::nullopt;
  const auto found = view.lookup(kJobStatisticsTable, key_batch({job_id}));
  if (found.found[0] < 0) return std::nullopt;
  return decode_statistics(job_id,
                           found.rows.columns[1].view().bytes(static_cast<std::size_t>(found.found[0])));
}

void lock_job_statistics(storage::Transaction& transaction, std::int32_t job_id) {
  transaction.lock(kJobStatisticsTable, key_batch({job_id}), UINT64_MAX);
}

void write_job_statistics(storage::Transaction& transaction, const JobStatistics& s) {
  json body = json::object();
  put(body, "last_start", s.last_start_us);
  put(body, "last_finish", s.last_finish_us);
  put(body, "last_success", s.last_success_us);
  put(body, "next_start", s.next_start_us);
  body["running"] = s.is_running;
  body["last_succeeded"] = s.last_succeeded;
  body["runs"] = s.runs;
  body["successes"] = s.successes;
  body["failures"] = s.failures;
  body["crashes"] = s.crashes;
  body["consecutive_failures"] = s.consecutive_failures;
  body["consecutive_crashes"] = s.consecutive_crashes;
  if (!s.reordered_chunks.empty()) body["reordered"] = s.reordered_chunks;
  write_row(transaction, kJobStatisticsTable, s.job_id, body);
}

void erase_job_statistics(storage::Transaction& transaction, std::int32_t job_id) {
  transaction.erase(kJobStatisticsTable, key_batch({job_id}));
}

std::vector<JobRunRecord> read_job_history(const storage::ReadView& view) {
  auto runs = read_all(view, kJobHistoryTable, decode_run);
  std::sort(runs.begin(), runs.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
  return runs;
}

void append_job_run(storage::Transaction& transaction, const JobRunRecord& run) {
  json body = json::object();
  body["job"] = run.job_id;
  body["succeeded"] = run.succeeded;
  body["proc_schema"] = run.proc_schema;
  body["proc_name"] = run.proc_name;
  body["pid"] = run.pid;
  put(body, "start", run.start_us);
  put(body, "finish", run.finish_us);
  if (!run.config_json.empty()) body["config"] = run.config_json;
  if (!run.succeeded) {
    body["sqlstate"] = run.sqlstate;
    body["message"] = run.message;
  }
  write_row(transaction, kJobHistoryTable, run.id, body);
}

void erase_job_runs(storage::Transaction& transaction, const std::vector<std::int64_t>& ids) {
  if (!ids.empty()) transaction.erase(kJobHistoryTable, key_batch(ids));
}

}  // namespace tickstone::catalog
