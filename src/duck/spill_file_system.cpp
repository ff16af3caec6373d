// SPDX-License-Identifier: Apache-2.0
#include "duck/spill_file_system.hpp"

#include <duckdb/common/exception.hpp>
#include <duckdb/common/file_opener.hpp>
#include <duckdb/common/local_file_system.hpp>
#include <duckdb/common/virtual_file_system.hpp>

namespace tickstone::duck {

namespace {

using duckdb::FileOpener;
using duckdb::optional_ptr;
using duckdb::string;

constexpr const char* kTemporaryPrefix = "duckdb_temp_";

class SpillFileSystem final : public duckdb::LocalFileSystem {
 public:
  explicit SpillFileSystem(std::string directory) : directory_(std::move(directory)) {}

  duckdb::unique_ptr<duckdb::FileHandle> OpenFile(const string& path, duckdb::FileOpenFlags flags,
                                                  optional_ptr<FileOpener> opener) override {
    if (!is_of_control_group(path, opener) || flags.OpenForWriting()) check_file(path, opener);
    return LocalFileSystem::OpenFile(path, flags, opener);
  }
  bool DirectoryExists(const string& directory, optional_ptr<FileOpener> opener) override {
    check_directory(directory, opener);
    return LocalFileSystem::DirectoryExists(directory, opener);
  }
  void CreateDirectory(const string& directory, optional_ptr<FileOpener> opener) override {
    check_directory(directory, opener);
    LocalFileSystem::CreateDirectory(directory, opener);
  }
  void RemoveDirectory(const string& directory, optional_ptr<FileOpener> opener) override {
    check_directory(directory, opener);
    LocalFileSystem::RemoveDirectory(directory, opener);
  }
  void MoveFile(const string& source, const string& target, optional_ptr<FileOpener> opener) override {
    check_file(source, opener);
    check_file(target, opener);
    LocalFileSystem::MoveFile(source, target, opener);
  }
  bool FileExists(const string& path, optional_ptr<FileOpener> opener) override {
    if (!is_of_control_group(path, opener)) check_file(path, opener);
    return LocalFileSystem::FileExists(path, opener);
  }
  bool IsPipe(const string& path, optional_ptr<FileOpener> opener) override {
    check_file(path, opener);
    return LocalFileSystem::IsPipe(path, opener);
  }
  void RemoveFile(const string& path, optional_ptr<FileOpener> opener) override {
    check_file(path, opener);
    LocalFileSystem::RemoveFile(path, opener);
  }
  duckdb::vector<duckdb::OpenFileInfo> Glob(const string& path, FileOpener* /*opener*/) override {
    refuse(path);
  }
  std::string GetName() const override { return "SpillFileSystem"; }

 protected:
  bool ListFilesExtended(const string& directory,
                         const std::function<void(duckdb::OpenFileInfo& info)>& callback,
                         optional_ptr<FileOpener> opener) override {
    check_directory(directory, opener);
    return LocalFileSystem::ListFilesExtended(directory, callback, opener);
  }

 private:
  [[noreturn]] static void refuse(const string& path) {
    throw duckdb::PermissionException("Cannot access file \"%s\" - file system operations are disabled",
                                      path);
  }
  static bool is_of_client(optional_ptr<FileOpener> opener) {
    return FileOpener::TryGetClientContext(opener) != nullptr;
  }
  /// What DuckDB reads when it starts, to know how many threads it may have.
  static bool is_of_control_group(const string& path, optional_ptr<FileOpener> opener) {
    return !is_of_client(opener) && (path == "/proc/self/cgroup" || path.starts_with("/sys/fs/cgroup/")) &&
           path.find("..") == string::npos;
  }
  void check_directory(const string& path, optional_ptr<FileOpener> opener) const {
    if (directory_.empty() || path != directory_ || is_of_client(opener)) refuse(path);
  }
  void check_file(const string& path, optional_ptr<FileOpener> opener) const {
    const std::string prefix = directory_ + "/" + kTemporaryPrefix;
    if (directory_.empty() || !path.starts_with(prefix) || path.find('/', prefix.size()) != string::npos ||
        is_of_client(opener)) {
      refuse(path);
    }
  }

  std::string directory_;
};

}  // namespace

duckdb::unique_ptr<duckdb::FileSystem> make_spill_file_system(const std::string& directory) {
  return duckdb::make_uniq<duckdb::VirtualFileSystem>(duckdb::make_uniq<SpillFileSystem>(directory));
}

}  // namespace tickstone::duck
