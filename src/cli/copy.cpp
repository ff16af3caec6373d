// SPDX-License-Identifier: Apache-2.0
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <tickstone/error.hpp>

#include "cli/command.hpp"
#include "cli/progress_bar.hpp"
#include "market/store_copy.hpp"

namespace tickstone::cli {
namespace {

constexpr int kDiffers = 3;

struct Arguments {
  std::string source;
  std::string target;
  market::CopyRequest request;
  bool as_json = false;
};

std::shared_ptr<market::ConnectionSource> open_end(const std::string& address, bool may_create) {
  ManagerOptions options;
  options.create_if_missing = may_create;
  // Retention must not drop what has just come.
  options.runs_jobs = false;
  options.application_name = "tickstone copy";
  options.on_notice = [](const std::string& text) { std::fputs(text.c_str(), stderr); };
  return market::open_source(address, options);
}

/// Stands for a directory that does not exist yet while a plan is made: nothing is left of it.
class ScratchStore {
 public:
  static std::unique_ptr<ScratchStore> in_place_of(const std::string& address, bool only_plans) {
    std::error_code ignored;
    const bool is_needed =
        only_plans && market::is_directory_address(address) && !std::filesystem::exists(address, ignored);
    return is_needed ? std::make_unique<ScratchStore>() : nullptr;
  }
  ScratchStore() {
    std::string name = (std::filesystem::temp_directory_path() / "tickstone_plan_XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr)
      throw Error(ErrorCode::IoError, "could not create directory \"" + name + "\": " + std::strerror(errno));
    path_ = name;
  }
  ~ScratchStore() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  ScratchStore(const ScratchStore&) = delete;
  ScratchStore& operator=(const ScratchStore&) = delete;
  std::string directory() const { return (path_ / "store").string(); }

 private:
  std::filesystem::path path_;
};

std::string range_text(const market::TimeRange& range) {
  if (range.start.empty() && range.end.empty()) return "";
  return " from " + (range.start.empty() ? "the start" : range.start) + " to " +
         (range.end.empty() ? "the end" : range.end);
}

void print_json(const market::CopyOutcome& outcome, Home source, Home target) {
  using nlohmann::json;
  json tables = json::array();
  for (const auto& table : outcome.tables) {
    tables.push_back({{"table", table.table},
                      {"ranges", table.range_count},
                      {"ranges_recorded", table.recorded_count},
                      {"rows", table.row_count},
                      {"copied", table.copied_count}});
  }
  json differences = json::array();
  for (const auto& one : outcome.differences) {
    differences.push_back({{"table", one.table},
                           {"start", one.range.start},
                           {"end", one.range.end},
                           {"source_rows", one.source.row_count},
                           {"target_rows", one.target.row_count}});
  }
  json left_out = json::array();
  for (const auto& one : outcome.left_out)
    left_out.push_back({{"what", one.what}, {"reason", one.reason}, {"remedy", one.remedy}});
  const json all = {{"source", to_string(source)},
                    {"target", to_string(target)},
                    {"schema_version", outcome.schema_version},
                    {"tables", tables},
                    {"made_tables", outcome.made_tables},
                    {"made_objects", outcome.made_objects},
                    {"refreshed", outcome.refreshed},
                    {"sequences", outcome.sequence_count},
                    {"left_out", left_out},
                    {"missing", outcome.missing},
                    {"differences", differences}};
  std::printf("%s\n", all.dump(2).c_str());
}

/// What a run would do.
void print_plan(const market::CopyOutcome& outcome) {
  if (outcome.schema_version > 0)
    std::printf("would migrate the application's schema to version %d, which brings some of what follows\n",
                outcome.schema_version);
  for (const auto& name : outcome.made_tables) std::printf("would make table %s\n", name.c_str());
  for (const auto& table : outcome.tables)
    std::printf("would compare %llu ranges of %s, of which %llu were copied before\n",
                static_cast<unsigned long long>(table.range_count), table.table.c_str(),
                static_cast<unsigned long long>(table.recorded_count));
  for (const auto& name : outcome.made_objects) std::printf("would make %s\n", name.c_str());
}

void print_text(const market::CopyOutcome& outcome, bool only_verified) {
  for (const auto& table : outcome.tables) {
    std::printf("%s: %llu rows", table.table.c_str(), static_cast<unsigned long long>(table.row_count));
    if (!only_verified) std::printf(", %llu copied", static_cast<unsigned long long>(table.copied_count));
    std::printf("\n");
  }
  for (const auto& name : outcome.made_objects) std::printf("made %s\n", name.c_str());
  for (const auto& name : outcome.refreshed) std::printf("refreshed %s\n", name.c_str());
  for (const auto& name : outcome.missing) std::printf("MISSING: %s\n", name.c_str());
  for (const auto& one : outcome.differences) {
    std::printf("DIFFERS: %s%s: %llu rows at the source, %llu at the target%s\n", one.table.c_str(),
                range_text(one.range).c_str(), static_cast<unsigned long long>(one.source.row_count),
                static_cast<unsigned long long>(one.target.row_count),
                one.source.row_count == one.target.row_count ? ", of other values" : "");
  }
  if (only_verified && outcome.differences.empty() && outcome.missing.empty())
    std::printf("the target has what the source has\n");
}

int copy(const Arguments& arguments) {
  if (arguments.source == arguments.target)
    throw Error(ErrorCode::InvalidParameterValue, "source and target are the same");
  const auto source = open_end(arguments.source, false);
  const auto scratch = ScratchStore::in_place_of(arguments.target, arguments.request.only_plans);
  const auto target = open_end(scratch ? scratch->directory() : arguments.target,
                               scratch || !(arguments.request.only_verifies || arguments.request.only_plans));
  const auto from = source->connect();
  const auto to = target->connect();
  market::CopyOutcome outcome;
  {
    // The number of ranges is known when the first of them comes.
    std::unique_ptr<ProgressBar> bar;
    std::uint64_t bar_total = 0;
    const auto on_progress = [&](std::uint64_t done, std::uint64_t total, const std::string& what) {
      if (!bar || total != bar_total) bar = std::make_unique<ProgressBar>("copy", total);
      bar_total = total;
      bar->show(done, what);
    };
    outcome =
        market::StoreCopy({*from, source->home()}, {*to, target->home()}, arguments.request, on_progress)
            .run();
  }
  for (const auto& one : outcome.left_out) {
    std::fprintf(stderr, "WARNING:  left out %s: %s\n", one.what.c_str(), one.reason.c_str());
    if (!one.remedy.empty()) std::fprintf(stderr, "HINT:  %s\n", one.remedy.c_str());
  }
  if (arguments.as_json)
    print_json(outcome, source->home(), target->home());
  else if (arguments.request.only_plans)
    print_plan(outcome);
  else
    print_text(outcome, arguments.request.only_verifies);
  return outcome.differences.empty() && outcome.missing.empty() ? 0 : kDiffers;
}

}  // namespace

Run add_copy(CLI::App& program) {
  auto arguments = std::make_shared<Arguments>();
  auto* command = program.add_subcommand(
      "copy", "Bring all that users have made from one home to another, and verify the rows");
  command->footer(
      "A home is a directory, a Tickstone server, TimescaleDB or PostgreSQL. Tables that the target lacks "
      "are made; rows go by\n"
      "COPY, a time range at a time, and are compared by count and checksum before each is committed. Then "
      "come views,\n"
      "functions, continuous aggregates, compression settings, policies and jobs, comments, owners and "
      "rights; what the\n"
      "target cannot have is told, with the reason and what to do. A copy that was cut short goes on when it "
      "is run again; one\n"
      "that is run later brings what has changed. docs/copy.md says more.\n\n"
      "Examples:\n"
      "  tickstone copy ./store postgresql://inavvi_user@db.example.com:5432/inavvi\n"
      "  tickstone copy --verify-only --json ./store postgresql://inavvi_user@db.example.com:5432/inavvi\n"
      "  tickstone copy postgresql://inavvi_user@127.0.0.1:5433/inavvi ./store --tables ohlcv,trades --since "
      "2026-01-01\n"
      "  tickstone copy --dry-run ./store postgresql://inavvi_user@db.example.com:5432/inavvi\n\n"
      "Exit status: 0 done (--verify-only: nothing differs), 1 failed, 2 a wrong command line, 3 "
      "(--verify-only) rows\n"
      "differ or objects are missing.");
  command->add_option("source", arguments->source, "A directory, or the URL of a server")
      ->type_name("SOURCE")
      ->required();
  command
      ->add_option("target", arguments->target,
                   "A directory (made where there is none), or the URL of a server")
      ->type_name("TARGET")
      ->required();
  command
      ->add_option("--tables", arguments->request.tables,
                   "Only these, with what is said of them; no views, functions and aggregates then")
      ->delimiter(',')
      ->type_name("NAMES");
  command->add_option("--since", arguments->request.since, "Of hypertables only rows from this time on")
      ->type_name("TIME");
  auto* verify =
      command->add_flag("--verify-only", arguments->request.only_verifies, "Compare, and write nothing");
  command
      ->add_flag("--dry-run", arguments->request.only_plans,
                 "List what would be done; of rows, which ranges would be compared")
      ->excludes(verify);
  command->add_flag("--replace", arguments->request.replaces,
                    "Put the source's rows and definitions in the place of others that the target has");
  command->add_flag("--roles", arguments->request.makes_roles,
                    "Make the roles that the target lacks, and their memberships");
  command->add_flag("-j,--json", arguments->as_json, "The summary as JSON");
  return [arguments] { return copy(*arguments); };
}

}  // namespace tickstone::cli
