// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <system_error>

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <tickstone/error.hpp>

#include "storage/file_system.hpp"

namespace tickstone::storage {

namespace {

/// The largest single transfer: Linux moves at most 2 GiB - 4 KiB at once.
constexpr std::size_t kMaxTransferBytes = 1ULL << 30;

[[noreturn]] void throw_errno(int error, std::string_view action, const std::filesystem::path& path) {
  const bool is_full = error == ENOSPC || error == EDQUOT;
  const bool is_denied = error == EACCES || error == EPERM || error == EROFS;
  throw Error(
      is_full     ? ErrorCode::DiskFull
      : is_denied ? ErrorCode::InsufficientPrivilege
                  : ErrorCode::IoError,
      fmt::format("could not {} \"{}\": {}", action, path.string(), std::generic_category().message(error)),
      {}, is_full ? "Check free disk space." : "");
}

class FileDescriptor {
 public:
  explicit FileDescriptor(int descriptor) : descriptor_(descriptor) {}
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;
  ~FileDescriptor() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  int get() const { return descriptor_; }

 private:
  int descriptor_;
};

/// Raises the number of files that the process may have open to what the system allows. A store keeps each of
/// its segments open, and the usual soft limit of 1,024 is there for programs that use select().
bool raise_open_file_limit() {
  struct rlimit limit {};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= limit.rlim_max) return false;
  limit.rlim_cur = limit.rlim_max;
  return ::setrlimit(RLIMIT_NOFILE, &limit) == 0;
}

int open_retrying(const std::filesystem::path& path, int flags, mode_t mode) {
  while (true) {
    const int descriptor = ::open(path.c_str(), flags | O_CLOEXEC, mode);
    if (descriptor >= 0) return descriptor;
    const int error = errno;
    if (error == EINTR || (error == EMFILE && raise_open_file_limit())) continue;
    errno = error;
    return descriptor;
  }
}

class PosixFile final : public File {
 public:
  PosixFile(int descriptor, std::filesystem::path path) : descriptor_(descriptor), path_(std::move(path)) {}

  void write_at(std::uint64_t offset, std::span<const std::byte> bytes) override {
    while (!bytes.empty()) {
      const std::size_t size = std::min(bytes.size(), kMaxTransferBytes);
      const ssize_t written = ::pwrite(descriptor_.get(), bytes.data(), size, static_cast<off_t>(offset));
      if (written < 0) {
        if (errno == EINTR) continue;
        throw_errno(errno, "write file", path_);
      }
      // A regular file that takes no byte and reports no error has no room.
      if (written == 0) throw_errno(ENOSPC, "write file", path_);
      bytes = bytes.subspan(static_cast<std::size_t>(written));
      offset += static_cast<std::uint64_t>(written);
    }
  }

  std::size_t read_at(std::uint64_t offset, std::span<std::byte> into) const override {
    std::size_t total = 0;
    while (total < into.size()) {
      const std::size_t size = std::min(into.size() - total, kMaxTransferBytes);
      const ssize_t got =
          ::pread(descriptor_.get(), into.data() + total, size, static_cast<off_t>(offset + total));
      if (got < 0) {
        if (errno == EINTR) continue;
        throw_errno(errno, "read file", path_);
      }
      if (got == 0) break;
      total += static_cast<std::size_t>(got);
    }
    return total;
  }

  void sync_data() override {
    while (::fdatasync(descriptor_.get()) != 0) {
      if (errno != EINTR) throw_errno(errno, "fsync file", path_);
    }
  }

  void allocate(std::uint64_t size_bytes) override {
    if (size_bytes == 0) return;
    int error = 0;
    do {
      error = ::posix_fallocate(descriptor_.get(), 0, static_cast<off_t>(size_bytes));
    } while (error == EINTR);
    if (error != 0) throw_errno(error, "extend file", path_);
  }

  void truncate(std::uint64_t size_bytes) override {
    while (::ftruncate(descriptor_.get(), static_cast<off_t>(size_bytes)) != 0) {
      if (errno != EINTR) throw_errno(errno, "truncate file", path_);
    }
  }

  std::uint64_t size_bytes() const override {
    struct stat status {};
    if (::fstat(descriptor_.get(), &status) != 0) throw_errno(errno, "stat file", path_);
    return static_cast<std::uint64_t>(status.st_size);
  }

  const std::filesystem::path& path() const override { return path_; }

 private:
  FileDescriptor descriptor_;
  std::filesystem::path path_;
};

class PosixFileSystem final : public FileSystem {
 public:
  std::unique_ptr<File> open(const std::filesystem::path& path, Mode mode) override {
    int flags = 0;
    switch (mode) {
      case Mode::Read:
        flags = O_RDONLY;
        break;
      case Mode::ReadWrite:
        flags = O_RDWR;
        break;
      case Mode::Create:
        flags = O_RDWR | O_CREAT | O_EXCL;
        break;
    }
    const int descriptor = open_retrying(path, flags, 0600);
    if (descriptor < 0) throw_errno(errno, mode == Mode::Create ? "create file" : "open file", path);
    return std::make_unique<PosixFile>(descriptor, path);
  }

  void rename(const std::filesystem::path& from, const std::filesystem::path& to) override {
    if (::rename(from.c_str(), to.c_str()) != 0) {
      throw_errno(errno, fmt::format("rename file \"{}\" to", from.string()), to);
    }
  }

  bool try_link(const std::filesystem::path& from, const std::filesystem::path& to) override {
    if (::link(from.c_str(), to.c_str()) == 0) return true;
    const int error = errno;
    // Another device, no links at all, too many of them, or a file that this user may not link.
    if (error == EXDEV || error == EPERM || error == EOPNOTSUPP || error == ENOSYS || error == EMLINK) {
      return false;
    }
    throw_errno(error, fmt::format("link file \"{}\" to", from.string()), to);
  }

  bool is_same_file(const std::filesystem::path& a, const std::filesystem::path& b) override {
    struct stat first {};
    struct stat second {};
    if (::stat(a.c_str(), &first) != 0) throw_errno(errno, "stat file", a);
    if (::stat(b.c_str(), &second) != 0) throw_errno(errno, "stat file", b);
    return first.st_dev == second.st_dev && first.st_ino == second.st_ino;
  }

  void remove(const std::filesystem::path& path) override {
    if (std::remove(path.c_str()) != 0) throw_errno(errno, "remove file", path);
  }

  void make_directory(const std::filesystem::path& path) override {
    if (::mkdir(path.c_str(), 0700) == 0) return;
    const int error = errno;
    std::error_code ignored;
    if (error == EEXIST && std::filesystem::is_directory(path, ignored)) return;
    throw_errno(error, "create directory", path);
  }

  void sync_directory(const std::filesystem::path& path) override {
    const auto& named = path.empty() ? std::filesystem::path(".") : path;
    const FileDescriptor directory(open_retrying(named, O_RDONLY | O_DIRECTORY, 0));
    if (directory.get() < 0) throw_errno(errno, "open directory", named);
    while (::fsync(directory.get()) != 0) {
      // Some file systems cannot sync a directory and say so.
      if (errno == EINVAL) return;
      if (errno != EINTR) throw_errno(errno, "fsync directory", named);
    }
  }

  std::vector<std::string> list(const std::filesystem::path& path) override {
    std::vector<std::string> names;
    const std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir(path.c_str()), &::closedir);
    if (directory == nullptr) {
      if (errno == ENOENT) return names;
      throw_errno(errno, "open directory", path);
    }
    while (true) {
      errno = 0;
      const dirent* entry = ::readdir(directory.get());
      if (entry == nullptr) {
        if (errno != 0) throw_errno(errno, "read directory", path);
        break;
      }
      const std::string_view name = entry->d_name;
      if (name != "." && name != "..") names.emplace_back(name);
    }
    std::sort(names.begin(), names.end());
    return names;
  }

  bool exists(const std::filesystem::path& path) override {
    struct stat status {};
    if (::stat(path.c_str(), &status) == 0) return true;
    if (errno != ENOENT && errno != ENOTDIR) throw_errno(errno, "stat file", path);
    return false;
  }

  std::uint64_t free_bytes(const std::filesystem::path& path) override {
    struct statvfs status {};
    if (::statvfs(path.c_str(), &status) != 0) throw_errno(errno, "stat file system of", path);
    return static_cast<std::uint64_t>(status.f_bavail) * status.f_frsize;
  }
};

}  // namespace

FileSystem& posix_file_system() {
  static PosixFileSystem files;
  return files;
}

}  // namespace tickstone::storage
