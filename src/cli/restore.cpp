// SPDX-License-Identifier: Apache-2.0
#include <cstdio>

#include <CLI/CLI.hpp>

#include "base/byte_size.hpp"
#include "cli/command.hpp"
#include "cli/progress_bar.hpp"
#include "storage/backup.hpp"

namespace tickstone::cli {

Run add_restore(CLI::App& program) {
  struct Arguments {
    std::string backup;
    std::string directory;
  };
  auto arguments = std::make_shared<Arguments>();
  auto* command = program.add_subcommand("restore", "Make a data directory of a backup");
  command->footer(
      "The files are copied and checked; a damaged backup is refused, and so is a directory that is not "
      "empty.\n\n"
      "Examples:\n"
      "  tickstone restore ./backups/monday ./restored && tickstone serve --data ./restored\n\n"
      "Exit status: 0 done, 1 failed, 2 a wrong command line.");
  command->add_option("backup", arguments->backup, "The backup")->type_name("BACKUP")->required();
  command->add_option("directory", arguments->directory, "The new data directory")
      ->type_name("DIR")
      ->required();
  return [arguments] {
    storage::BackupManifest manifest;
    std::uint64_t bytes = 0;
    {
      ProgressBar progress("restoring", 1000);
      manifest = storage::restore_backup(nullptr, arguments->backup, arguments->directory,
                                         [&](std::uint64_t done, std::uint64_t total) {
                                           bytes = total;
                                           progress.show(total == 0 ? 1000 : done * 1000 / total,
                                                         format_bytes(static_cast<std::int64_t>(done)));
                                         });
    }
    std::printf("%s: restored at commit %llu, %zu files, %s\n", arguments->directory.c_str(),
                static_cast<unsigned long long>(manifest.seq), manifest.files.size(),
                format_bytes(static_cast<std::int64_t>(bytes)).c_str());
    return 0;
  };
}

}  // namespace tickstone::cli
