// SPDX-License-Identifier: Apache-2.0
#include "storage/verify.hpp"

#include <cstdio>
#include <filesystem>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/byte_size.hpp"
#include "cli/command.hpp"
#include "cli/progress_bar.hpp"

namespace tickstone::cli {
namespace {

using storage::VerifyFinding;
using storage::VerifyReport;

struct Arguments {
  std::string directory;
  bool as_json = false;
};

/// As it is named below the directory, where it lies there.
std::string short_name(const std::filesystem::path& directory, const std::filesystem::path& file) {
  const auto relative = file.lexically_relative(directory).string();
  return relative.empty() || relative == "." || relative.starts_with("..") ? file.string() : relative;
}

std::string line_of(const std::filesystem::path& directory, const VerifyFinding& finding) {
  const bool is_damage = finding.kind == VerifyFinding::Kind::Damage;
  std::string line = is_damage ? "DAMAGE  " : "NOTE    ";
  line += short_name(directory, finding.file);
  if (is_damage) line += fmt::format(" at offset {}", finding.offset);
  if (finding.table != 0) line += fmt::format(", table \"{}\" ({})", finding.table_name, finding.table);
  return line + ": " + finding.what;
}

nlohmann::ordered_json json_of(const std::filesystem::path& directory, const VerifyReport& report) {
  nlohmann::ordered_json json;
  json["directory"] = directory.string();
  json["is_whole"] = !report.has_damage();
  json["is_backup"] = report.is_backup;
  json["commit"] = report.seq;
  json["files"] = report.file_count;
  json["bytes"] = report.bytes;
  json["tables"] = report.table_count;
  json["chunks"] = report.chunk_count;
  json["segments"] = report.segment_count;
  json["sealed_rows"] = report.sealed_rows;
  json["log_records"] = report.log_records;
  json["log_commits"] = report.log_commits;
  json["findings"] = nlohmann::ordered_json::array();
  for (const auto& finding : report.findings) {
    nlohmann::ordered_json entry;
    entry["kind"] = finding.kind == VerifyFinding::Kind::Damage ? "damage" : "note";
    entry["file"] = short_name(directory, finding.file);
    entry["offset"] = finding.offset;
    if (finding.table != 0) {
      entry["table"] = finding.table_name;
      entry["table_id"] = finding.table;
    }
    entry["what"] = finding.what;
    json["findings"].push_back(std::move(entry));
  }
  return json;
}

int verify(const Arguments& arguments) {
  const std::filesystem::path directory(arguments.directory);
  VerifyReport report;
  {
    ProgressBar progress("verifying", 1000);
    storage::VerifyOptions options;
    options.progress = [&](std::uint64_t done, std::uint64_t total) {
      progress.show(total == 0 ? 1000 : done * 1000 / total, format_bytes(static_cast<std::int64_t>(done)));
    };
    if (!arguments.as_json) {
      options.on_finding = [&](const VerifyFinding& finding) {
        progress.clear();
        std::printf("%s\n", line_of(directory, finding).c_str());
        std::fflush(stdout);
      };
    }
    report = storage::verify_directory(directory, options);
  }
  if (arguments.as_json) {
    std::printf("%s\n", json_of(directory, report)
                            .dump(2, ' ', /*ensure_ascii=*/false, nlohmann::json::error_handler_t::replace)
                            .c_str());
  } else {
    std::size_t damaged = 0;
    for (const auto& finding : report.findings) damaged += finding.kind == VerifyFinding::Kind::Damage;
    std::printf(
        "%s: %s at commit %llu: %llu tables, %llu segments with %llu rows, %llu log records; %s in %llu "
        "files, ",
        arguments.directory.c_str(), report.is_backup ? "backup" : "store",
        static_cast<unsigned long long>(report.seq), static_cast<unsigned long long>(report.table_count),
        static_cast<unsigned long long>(report.segment_count),
        static_cast<unsigned long long>(report.sealed_rows),
        static_cast<unsigned long long>(report.log_records),
        format_bytes(static_cast<std::int64_t>(report.bytes)).c_str(),
        static_cast<unsigned long long>(report.file_count));
    if (damaged == 0)
      std::printf("no damage\n");
    else
      std::printf("damage in %zu places\n", damaged);
  }
  return report.has_damage() ? 1 : 0;
}

}  // namespace

Run add_verify(CLI::App& program) {
  auto arguments = std::make_shared<Arguments>();
  auto* command = program.add_subcommand(
      "verify", "Check every byte of a data directory that is not in use, or of a backup");
  command->footer(
      "Names each damaged place: file, offset, table and what is wrong, and goes on after it. Changes "
      "nothing.\n"
      "\n"
      "Examples:\n"
      "  tickstone verify ./store\n"
      "  tickstone verify --json ./backups/monday\n\n"
      "Exit status: 0 no damage, 1 damage, or it could not be checked, 2 a wrong command line.");
  command->add_option("directory", arguments->directory, "The data directory or the backup")
      ->type_name("DIR")
      ->required();
  command->add_flag("-j,--json", arguments->as_json, "Print the result as JSON");
  return [arguments] { return verify(*arguments); };
}

}  // namespace tickstone::cli
