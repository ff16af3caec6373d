// SPDX-License-Identifier: Apache-2.0
#include "duck/connection.hpp"

#include <algorithm>
#include <chrono>
#include <thread>

#include "duck/error_translation.hpp"
#include "duck/prepared_query.hpp"
#include "duck/result_reader.hpp"

namespace tickstone::duck {

namespace {

using duckdb::unique_ptr;

/// Looks in vain for something to do that take about a tenth of a millisecond; then it pauses between them,
/// so as not to take a core from who has it.
constexpr int kMostLooks = 300;
constexpr std::chrono::microseconds kPause{50};

/// A query that runs for many times what it takes to wake a thread is worth that.
class HelpAfterAWhile {
 public:
  explicit HelpAfterAWhile(WorkerUse& use) : use_(use), start_(std::chrono::steady_clock::now()) {}
  void look() {
    constexpr std::chrono::microseconds kAlone{1000};
    if (use_.is_open() && std::chrono::steady_clock::now() - start_ > kAlone) use_.engage();
  }

 private:
  WorkerUse& use_;
  std::chrono::steady_clock::time_point start_;
};

class DuckResult final : public ResultStream {
 public:
  DuckResult(unique_ptr<duckdb::QueryResult> result, std::shared_ptr<WorkerUse> use)
      : use_(std::move(use)),
        result_(std::move(result)),
        columns_(columns_of(result_->names, result_->types)) {}
  ~DuckResult() override {
    result_.reset();
    use_->end();
  }
  DuckResult(const DuckResult&) = delete;
  DuckResult& operator=(const DuckResult&) = delete;

  const std::vector<ResultColumn>& columns() const override { return columns_; }

  bool next(Batch& out, LongNumbers long_numbers) override {
    if (!result_) return false;
    unique_ptr<duckdb::DataChunk> chunk;
    HelpAfterAWhile help(*use_);
    // Boundary: DuckDB's errors end here.
    try {
      chunk = result_->Fetch();
    } catch (const Error&) {
      throw;
    } catch (const std::exception& exception) {
      throw translate(duckdb::ErrorData(exception));
    }
    if (result_->HasError()) throw translate(result_->GetErrorObject());
    if (!chunk || chunk->size() == 0) {
      result_.reset();
      use_->end();
      return false;
    }
    help.look();
    out = batch_from_chunk(*chunk, long_numbers);
    return true;
  }

 private:
  std::shared_ptr<WorkerUse> use_;
  unique_ptr<duckdb::QueryResult> result_;
  std::vector<ResultColumn> columns_;
};

}  // namespace

std::unique_ptr<ResultStream> make_stream(unique_ptr<duckdb::QueryResult> result) {
  if (result->HasError()) throw translate(result->GetErrorObject());
  auto nobody = std::make_shared<WorkerUse>(nullptr);
  nobody->end();
  return std::make_unique<DuckResult>(std::move(result), std::move(nobody));
}

DuckConnection::DuckConnection(duckdb::shared_ptr<duckdb::DuckDB> db, std::shared_ptr<Workers> workers,
                               RelationSource& source, HostFunctions& functions)
    : db_(std::move(db)),
      workers_(std::move(workers)),
      connection_(*db_),
      session_(duckdb::make_shared_ptr<SessionState>(source, functions)) {
  connection_.context->registered_state->Insert(SessionState::kKey, session_);
}

DuckConnection::~DuckConnection() = default;

std::unique_ptr<ResultStream> DuckConnection::run(
    const std::function<unique_ptr<duckdb::PendingQueryResult>()>& begin) {
  const auto use = use_workers();
  unique_ptr<duckdb::QueryResult> result;
  try {
    auto pending = begin();
    if (pending->HasError()) throw translate(pending->GetErrorObject());
    HelpAfterAWhile help(*use);
    int looks = 0;  // in vain, one after the other
    while (true) {
      const auto status = pending->ExecuteTask();
      if (duckdb::PendingQueryResult::IsResultReady(status)) break;
      help.look();
      // Without a task a helper has the rest, and mostly is soon done: waiting would miss that.
      const bool is_idle = status == duckdb::PendingExecutionResult::NO_TASKS_AVAILABLE;
      looks = is_idle ? looks + 1 : 0;
      if (looks > kMostLooks) std::this_thread::sleep_for(kPause);
      if (status == duckdb::PendingExecutionResult::BLOCKED) pending->WaitForTask();
    }
    if (pending->HasError()) throw translate(pending->GetErrorObject());
    result = pending->Execute();
    if (result->HasError()) throw translate(result->GetErrorObject());
  } catch (...) {
    use->end();
    throw;
  }
  return std::make_unique<DuckResult>(std::move(result), use);
}

std::unique_ptr<ResultStream> DuckConnection::query(std::string_view duck_text) {
  // What it makes of the plan is the same, and a short one is run at once.
  return prepare(duck_text)->execute({});
}

std::unique_ptr<PreparedQuery> DuckConnection::prepare(std::string_view duck_text) {
  // Boundary: DuckDB's errors end here.
  try {
    return std::make_unique<DuckPrepared>(*this, std::string(duck_text));
  } catch (const Error&) {
    throw;
  } catch (const std::exception& exception) {
    throw translate(duckdb::ErrorData(exception));
  }
}

void DuckConnection::interrupt() { connection_.Interrupt(); }

void DuckConnection::set_time_zone(const std::string& name) {
  const TimeZone* zone = find_time_zone(name);
  if (zone == nullptr) {
    throw Error(ErrorCode::InvalidParameterValue,
                "invalid value for parameter \"TimeZone\": \"" + name + "\"");
  }
  session_->set_zone(*zone);
  // DuckDB's own functions of time zones follow where they know the zone; ours use the session's.
  auto result = connection_.Query("SET TimeZone = " + duckdb::KeywordHelper::WriteQuoted(zone->name()));
  if (result->HasError()) connection_.Query("SET TimeZone = 'UTC'");
}

std::vector<std::string> DuckConnection::explain(std::string_view duck_text, bool analyze,
                                                 std::span<const Value> parameters) {
  return explain_lines(*this, duck_text, analyze, parameters);
}

}  // namespace tickstone::duck
