// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <tickstone/error.hpp>

#include "storage/file_system.hpp"

namespace tickstone::storage {

/// Files in memory, for tests that damage many of them.
class MemoryFileSystem final : public FileSystem {
 public:
  using Bytes = std::vector<std::byte>;

  std::unique_ptr<File> open(const std::filesystem::path& path, Mode mode) override {
    auto& bytes = files_[path.string()];
    if (mode == Mode::Create && bytes != nullptr) throw Error(ErrorCode::IoError, "file exists");
    if (mode != Mode::Create && bytes == nullptr) throw Error(ErrorCode::IoError, "no such file");
    if (bytes == nullptr) bytes = std::make_shared<Bytes>();
    return std::make_unique<MemoryFile>(bytes, path);
  }
  void rename(const std::filesystem::path& from, const std::filesystem::path& to) override {
    files_[to.string()] = std::exchange(files_[from.string()], nullptr);
  }
  bool try_link(const std::filesystem::path& from, const std::filesystem::path& to) override {
    files_[to.string()] = files_.at(from.string());
    return true;
  }
  bool is_same_file(const std::filesystem::path& a, const std::filesystem::path& b) override {
    return files_.at(a.string()) == files_.at(b.string());
  }
  void remove(const std::filesystem::path& path) override { files_.erase(path.string()); }
  void make_directory(const std::filesystem::path&) override {}
  void sync_directory(const std::filesystem::path&) override {}
  std::vector<std::string> list(const std::filesystem::path&) override {
    std::vector<std::string> names;
    for (const auto& [name, bytes] : files_) names.push_back(name);
    return names;
  }
  bool exists(const std::filesystem::path& path) override { return files_.contains(path.string()); }
  std::uint64_t free_bytes(const std::filesystem::path&) override { return UINT64_MAX; }

  /// The file's bytes, to look at and to change; the file must be there.
  Bytes& bytes_of(const std::filesystem::path& path) { return *files_.at(path.string()); }
  void put(const std::filesystem::path& path, Bytes bytes) {
    files_[path.string()] = std::make_shared<Bytes>(std::move(bytes));
  }

 private:
  class MemoryFile final : public File {
   public:
    MemoryFile(std::shared_ptr<Bytes> bytes, std::filesystem::path path)
        : bytes_(std::move(bytes)), path_(std::move(path)) {}
    void write_at(std::uint64_t offset, std::span<const std::byte> bytes) override {
      if (bytes_->size() < offset + bytes.size()) bytes_->resize(offset + bytes.size());
      std::copy(bytes.begin(), bytes.end(), bytes_->begin() + static_cast<std::ptrdiff_t>(offset));
    }
    std::size_t read_at(std::uint64_t offset, std::span<std::byte> into) const override {
      if (offset >= bytes_->size()) return 0;
      const std::size_t size = std::min<std::size_t>(into.size(), bytes_->size() - offset);
      if (size != 0) std::memcpy(into.data(), bytes_->data() + offset, size);
      return size;
    }
    void sync_data() override {}
    void allocate(std::uint64_t size_bytes) override {
      if (bytes_->size() < size_bytes) bytes_->resize(size_bytes);
    }
    void truncate(std::uint64_t size_bytes) override { bytes_->resize(size_bytes); }
    std::uint64_t size_bytes() const override { return bytes_->size(); }
    const std::filesystem::path& path() const override { return path_; }

   private:
    std::shared_ptr<Bytes> bytes_;
    std::filesystem::path path_;
  };

  std::map<std::string, std::shared_ptr<Bytes>> files_;
};

}  // namespace tickstone::storage
