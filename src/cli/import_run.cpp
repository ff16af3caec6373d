// SPDX-License-Identifier: Apache-2.0
#include "cli/import_run.hpp"

#include <algorithm>
#include <cstdio>

#include <fmt/format.h>

#include <tickstone/error.hpp>

#include "cli/progress_bar.hpp"

namespace tickstone::cli {
namespace {

const auto kIgnore = [](const market::TextResult&) {};

/// The mapping for a file of these fields: that of the format, where the table has its columns, changed by
/// --map.
market::ImportMapping mapping_for(const ImportJob& job, const std::vector<market::ResultColumn>& fields) {
  market::ImportMapping mapping = job.mapping;
  for (const auto& [field, column] : job.renamed) {
    const auto has_name = [&](const market::ResultColumn& one) { return one.name == field; };
    if (std::none_of(fields.begin(), fields.end(), has_name)) continue;  // perhaps of another file
    if (column.empty()) {
      mapping.left_out.push_back(field);
      continue;
    }
    const bool is_taken = std::any_of(fields.begin(), fields.end(), [&](const auto& other) {
      return other.name != field && market::plain_name(other.name) == column &&
             job.mapping.find(column) == nullptr &&
             std::none_of(job.renamed.begin(), job.renamed.end(),
                          [&](const auto& pair) { return pair.first == other.name; });
    });
    if (is_taken) {
      throw Error(ErrorCode::DuplicateColumn, "two fields of the file go to column \"" + column + "\"", {},
                  "Use --map to say which; --map FIELD= leaves one out.");
    }
    market::MappedColumn mapped;
    if (const auto* before = mapping.find(column)) mapped = *before;
    mapped.column = column;
    mapped.source = market::MappedColumn::Source::Field;
    mapped.text = field;
    mapping.set(std::move(mapped));
  }
  return mapping;
}

/// Without the rows that a run before has dealt with.
void drop_until(std::uint64_t line, Batch& rows, std::vector<std::uint64_t>& lines) {
  const auto first = std::upper_bound(lines.begin(), lines.end(), line) - lines.begin();
  if (first == 0) return;
  std::vector<std::uint32_t> kept;
  for (auto row = static_cast<std::uint32_t>(first); row < lines.size(); ++row) kept.push_back(row);
  Batch rest;
  for (const auto& column : rows.columns) {
    rest.columns.emplace_back(column.type(), column.layout());
    rest.columns.back().append_rows(column.view(), kept.data(), kept.size());
  }
  rows = std::move(rest);
  lines.erase(lines.begin(), lines.begin() + first);
}

/// What is no row's fault: a key that another transaction had not committed when it was looked for, a
/// deadlock.
bool is_conflict(const Error& error) {
  return error.code() == ErrorCode::UniqueViolation || sqlstate(error.code()).starts_with("40");
}

class FileImport {
 public:
  FileImport(const ImportJob& job, const std::string& path, ImportLedger* ledger, RejectFile& rejects)
      : job_(job), path_(path), ledger_(ledger), rejects_(rejects) {
    outcome_.path = path;
    if (job.is_dry_run) outcome_.state = FileOutcome::State::DryRun;
  }

  FileOutcome run() {
    if (ledger_ != nullptr && is_done()) return outcome_;
    source_ = RowSource::open(path_, job_.layout);
    market::FileNameFacts facts = market::facts_of_file_name(path_);
    if (job_.symbol) facts.symbol = job_.symbol;
    if (job_.timeframe) facts.interval = job_.timeframe;
    const market::ImportPlan plan(mapping_for(job_, source_->fields()), source_->fields(), job_.columns,
                                  job_.table, facts);
    outcome_.mapping = plan.description();
    outcome_.unused_fields = plan.unused_fields();
    source_->read_as(plan.fields(), [this](const BadLine& bad) {
      if (bad.line > progress_.last_line) reject(bad.line, bad.reason, bad.text);
    });
    if (!job_.is_dry_run)
      loader_.emplace(job_.target, job_.table, plan.columns(), rejects_, path_, job_.layout.delimiter,
                      job_.existing);
    load(plan);
    if (outcome_.rows.rejected > 0 && !job_.is_dry_run) outcome_.reject_file = rejects_.path();
    return outcome_;
  }

 private:
  bool is_done() {
    identity_ = identify(path_);
    const auto before = ledger_->find(identity_);
    if (!before) return false;
    if (before->is_complete) {
      outcome_.state = FileOutcome::State::DoneBefore;
      outcome_.rows = before->rows;
      return true;
    }
    progress_ = *before;
    if (!job_.is_dry_run) outcome_.state = FileOutcome::State::Resumed;
    if (progress_.reject_file == rejects_.path() && !job_.is_dry_run) rejects_.resume(progress_.reject_bytes);
    return false;
  }

  void reject(std::uint64_t line, const std::string& reason, std::string_view row) {
    ++batch_.rejected;
    if (job_.is_dry_run) {
      constexpr std::uint64_t kShown = 10;
      if (outcome_.rows.rejected + batch_.rejected <= kShown)
        std::fprintf(stderr, "%s, line %llu: %s\n", path_.c_str(), static_cast<unsigned long long>(line),
                     reason.c_str());
      return;
    }
    rejects_.add(path_, line, reason, row);
  }

  void load(const market::ImportPlan& plan) {
    std::optional<ProgressBar> bar;
    if (job_.shows_progress) bar.emplace(path_, source_->size());
    std::vector<std::uint64_t> lines;
    Batch rows;
    for (bool has_more = true; has_more;) {
      has_more = source_->next(RowLoader::kBatchRows, rows, lines);
      drop_until(progress_.last_line, rows, lines);
      Batch converted = convert(plan, std::move(rows), lines);
      if (job_.is_dry_run) {
        batch_.added += converted.row_count();
      } else if (!has_more || source_->last_line() > progress_.last_line) {
        commit(converted, lines, !has_more);
      }
      outcome_.rows += batch_;
      batch_ = {};
      if (bar)
        bar->show(source_->position(), fmt::format("{} rows", outcome_.rows.added + outcome_.rows.changed));
    }
  }

  Batch convert(const market::ImportPlan& plan, Batch&& rows, std::vector<std::uint64_t>& lines) {
    const auto lines_before = lines;
    return plan.convert(std::move(rows), lines, [&](const market::ImportPlan::BadRow& bad) {
      reject(lines_before[bad.row], bad.reason, bad.text);
    });
  }

  /// Again where another transaction was first: with rows of the same keys, say, which are now seen.
  void commit(const Batch& rows, const std::vector<std::uint64_t>& lines, bool is_last) {
    constexpr int kMostAttempts = 10;
    const RowCounts counts_before = batch_;
    const std::uint64_t reject_bytes = rejects_.flush();
    for (int attempt = 1;; ++attempt) {
      try {
        return commit_once(rows, lines, is_last);
      } catch (const Error& error) {
        if (attempt == kMostAttempts || !is_conflict(error) || !job_.target.is_open()) throw;
        batch_ = counts_before;
        rejects_.cut(reject_bytes);
      }
    }
  }

  /// Rows and how far they go, all or nothing.
  void commit_once(const Batch& rows, const std::vector<std::uint64_t>& lines, bool is_last) {
    job_.target.run_script("BEGIN", kIgnore);
    try {
      batch_ += loader_->load(rows, lines);
      ImportProgress after = progress_;
      after.last_line = std::max(progress_.last_line, source_->last_line());
      after.rows += batch_;
      after.reject_file = rejects_.path();
      after.reject_bytes = rejects_.flush();
      after.is_complete = is_last;
      if (ledger_ != nullptr) ledger_->advance(identity_, format_name(), progress_, after);
      job_.target.run_script("COMMIT", kIgnore);
      progress_ = after;
    } catch (...) {
      // The connection may be the reason; what it says then is of no use.
      try {
        if (job_.target.is_open() && job_.target.in_transaction())
          job_.target.run_script("ROLLBACK", kIgnore);
      } catch (const Error&) {
      }
      throw;
    }
  }

  std::string format_name() const {
    if (job_.layout.is_parquet) return "parquet";
    return job_.layout.format != nullptr ? job_.layout.format->name : "csv";
  }

  const ImportJob& job_;
  const std::string path_;
  ImportLedger* ledger_;
  RejectFile& rejects_;
  FileIdentity identity_;
  ImportProgress progress_;
  RowCounts batch_;  // since the last commit
  FileOutcome outcome_;
  std::unique_ptr<RowSource> source_;
  std::optional<RowLoader> loader_;
};

}  // namespace

ImportJob ImportJob::with_target(market::Connection& other) const {
  return {other,  table,     columns,  layout,     mapping,       renamed,
          symbol, timeframe, existing, is_dry_run, shows_progress};
}

FileOutcome import_file(const ImportJob& job, const std::string& path, ImportLedger* ledger,
                        RejectFile& rejects) {
  return FileImport(job, path, ledger, rejects).run();
}

}  // namespace tickstone::cli
