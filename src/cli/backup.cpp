// SPDX-License-Identifier: Apache-2.0
#include "storage/backup.hpp"

#include <cstdio>
#include <filesystem>

#include <CLI/CLI.hpp>

#include <tickstone/error.hpp>

#include "base/byte_size.hpp"
#include "cli/command.hpp"
#include "cli/open_connection.hpp"
#include "cli/progress_bar.hpp"
#include "cli/result_printer.hpp"
#include "engine/configuration_backup.hpp"
#include "storage/store.hpp"

namespace tickstone::cli {
namespace {

struct Arguments {
  std::string data;
  std::string connect;
  std::string base;
  bool trusts_base = false;
  std::string target;
};

std::string absolute(const std::string& path) {
  return std::filesystem::absolute(path).lexically_normal().string();
}

std::string quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'') out += '\'';
    out += c;
  }
  return out + "'";
}

storage::BackupReport backup_directory(const Arguments& arguments) {
  storage::StoreOptions store_options;
  store_options.create_if_missing = false;
  const auto store = storage::Store::open(arguments.data, store_options);
  ProgressBar progress("backing up", 1000);
  storage::BackupOptions options;
  options.base = arguments.base;
  options.trusts_base = arguments.trusts_base;
  options.companions = engine::files_of_configuration(arguments.data, {});
  options.progress = [&](std::uint64_t done, std::uint64_t total) {
    progress.show(total == 0 ? 1000 : done * 1000 / total, format_bytes(static_cast<std::int64_t>(done)));
  };
  return store->backup(arguments.target, options);
}

/// The server writes the files: paths are its own.
storage::BackupReport backup_server(const Arguments& arguments) {
  const auto server = open_server(arguments.connect);
  std::string call = "SELECT * FROM tickstone_backup(" + quoted(absolute(arguments.target));
  if (!arguments.base.empty()) call += ", base => " + quoted(absolute(arguments.base));
  if (arguments.trusts_base) call += ", trust => true";
  storage::BackupReport report;
  server->run_script(call + ")", [&](const TextResult& result) {
    const auto number = [&](const char* name) -> std::uint64_t {
      for (std::size_t i = 0; i < result.columns.size(); ++i) {
        if (result.columns[i].name == name && !result.rows.empty() && result.rows[0][i]) {
          return std::stoull(*result.rows[0][i]);
        }
      }
      throw Error(ErrorCode::ProtocolViolation, std::string("the server's answer has no column ") + name);
    };
    report.seq = number("commit_number");
    report.file_count = number("files");
    report.bytes = number("bytes");
    report.copied_files = number("copied_files");
    report.copied_bytes = number("copied_bytes");
    report.kept_files = number("kept_files");
    report.kept_bytes = number("kept_bytes");
  });
  return report;
}

int backup(const Arguments& arguments) {
  const auto report = arguments.connect.empty() ? backup_directory(arguments) : backup_server(arguments);
  std::printf("%s: commit %llu, %llu files, %s; %s copied, %llu files kept from before\n",
              arguments.target.c_str(), static_cast<unsigned long long>(report.seq),
              static_cast<unsigned long long>(report.file_count),
              format_bytes(static_cast<std::int64_t>(report.bytes)).c_str(),
              format_bytes(static_cast<std::int64_t>(report.copied_bytes)).c_str(),
              static_cast<unsigned long long>(report.kept_files));
  return 0;
}

}  // namespace

Run add_backup(CLI::App& program) {
  auto arguments = std::make_shared<Arguments>();
  auto* command =
      program.add_subcommand("backup", "Write a consistent backup of a data directory or a running server");
  command->footer(
      "A backup is a directory of its own with all that was committed when it began, users, rights and jobs "
      "included, and with\n"
      "the configuration files of the data directory; the server goes on meanwhile. Files are linked where "
      "the file system can,\n"
      "else copied. A backup into the directory of an earlier one replaces it when it is complete, and "
      "copies "
      "only what is\n"
      "new. Until then it is called DIR.incomplete.\n\n"
      "Examples:\n"
      "  tickstone backup --data ./store ./backups/monday\n"
      "  tickstone backup -c postgresql://inavvi_user:postgres@127.0.0.1:5433/inavvi /backups/today\n"
      "  tickstone backup --data ./store --base /mnt/backups/monday /mnt/backups/tuesday\n"
      "  tickstone verify ./backups/monday && tickstone restore ./backups/monday ./restored\n\n"
      "Exit status: 0 done, 1 failed, 2 a wrong command line.");
  command->add_option("-d,--data", arguments->data, "A data directory that is not in use")->type_name("DIR");
  command
      ->add_option("-c,--connect", arguments->connect,
                   "A server instead, which writes the backup; its user must be a superuser there")
      ->type_name("URL")
      ->excludes("--data");
  command
      ->add_option("--base", arguments->base,
                   "An earlier backup on the same file system: what it has already is not copied again")
      ->type_name("DIR");
  command->add_flag("--trust", arguments->trusts_base,
                    "Keep what an earlier backup shares with the store without reading it again");
  command->add_option("target", arguments->target, "Where the backup goes; its folder must exist")
      ->type_name("DIR")
      ->required();
  return [arguments] {
    if (arguments->data.empty() && arguments->connect.empty()) {
      throw Error(ErrorCode::InvalidParameterValue, "neither a data directory nor a server was given", {},
                  "Use --data DIR or --connect URL.");
    }
    return backup(*arguments);
  };
}

}  // namespace tickstone::cli
