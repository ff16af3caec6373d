// SPDX-License-Identifier: Apache-2.0
#include "engine/backup.hpp"

#include <filesystem>

#include <tickstone/error.hpp>

#include "engine/configuration_backup.hpp"
#include "engine/server_configuration.hpp"
#include "storage/backup.hpp"

namespace tickstone::engine {
namespace {

std::filesystem::path absolute_path(const ActionArguments& arguments, std::string_view name) {
  const auto text = arguments.text(name);
  if (!text) return {};
  const std::filesystem::path path(*text);
  if (!path.is_absolute()) {
    throw Error(ErrorCode::InvalidParameterValue, "relative path not allowed for a backup", {},
                "The path is one of the server: write it from the root on.");
  }
  return path;
}

}  // namespace

ActionResult write_backup(SessionContext& context, const ActionArguments& arguments) {
  const auto* role = context.catalog()->find_role(context.user());
  if (role == nullptr || !role->superuser) {
    throw Error(ErrorCode::InsufficientPrivilege, "permission denied for function tickstone_backup", {},
                "A backup writes files of the server: only superusers may make one.");
  }
  const auto path = absolute_path(arguments, "path");
  if (path.empty()) throw Error(ErrorCode::NullValueNotAllowed, "the path of a backup must not be NULL");
  if (context.has_writes()) {
    throw Error(ErrorCode::ActiveSqlTransaction,
                "tickstone_backup cannot run in a transaction that has written", {},
                "Commit first: a backup holds what is committed.");
  }
  storage::BackupOptions options;
  options.base = absolute_path(arguments, "base");
  options.trusts_base = arguments.boolean("trust", false);
  options.progress = [&](std::uint64_t, std::uint64_t) { context.check_cancelled(); };
  const auto& configuration = context.database().configuration();
  const std::filesystem::path file = configuration.value("config_file");
  if (!configuration.data_directory().empty())
    options.companions = files_of_configuration(configuration.data_directory(), file);
  const auto relative = file.lexically_relative(configuration.data_directory());
  if (!file.empty() && (relative.empty() || *relative.begin() == ".."))
    context.notice("configuration file \"" + file.string() +
                   "\" lies outside of the data directory: it is not in the backup");
  const auto report = context.database().store().backup(path, options);
  ActionResult result;
  const auto add = [&](const char* name, std::uint64_t value) {
    const auto number = Value::of_bigint(static_cast<std::int64_t>(value));
    result.columns.push_back({name, number.type});
    append_value(result.rows.columns.emplace_back(number.type), number);
  };
  add("commit_number", report.seq);
  add("files", report.file_count);
  add("bytes", report.bytes);
  add("copied_files", report.copied_files);
  add("copied_bytes", report.copied_bytes);
  add("kept_files", report.kept_files);
  add("kept_bytes", report.kept_bytes);
  return result;
}

}  // namespace tickstone::engine
