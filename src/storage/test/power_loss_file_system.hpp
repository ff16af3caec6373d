// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <tickstone/error.hpp>

#include "storage/file_system.hpp"

namespace tickstone::storage {

/// Files in memory that remember what was synced. A power loss keeps that, and of the rest what chance lets
/// through: single pages of files, a beginning of the changes of names. Calls can be made to fail.
///
/// Threads: any.
class PowerLossFileSystem final : public FileSystem {
 public:
  static constexpr std::size_t kPageBytes = 512;
  using Bytes = std::vector<std::byte>;
  /// What a call is about; an error thrown from the hook is the call's.
  enum class Call : std::uint8_t { Write, Sync, Allocate, Create, Rename, SyncDirectory };
  using Hook = std::function<void(Call, const std::filesystem::path&)>;

  void set_hook(Hook hook) {
    const std::lock_guard lock(mutex_);
    hook_ = std::move(hook);
  }

  std::unique_ptr<File> open(const std::filesystem::path& path, Mode mode) override {
    if (mode == Mode::Create) ask(Call::Create, path);
    const std::lock_guard lock(mutex_);
    const auto found = names_.find(path.string());
    if (mode == Mode::Create) {
      if (found != names_.end()) throw Error(ErrorCode::IoError, "file exists");
      auto content = std::make_shared<Content>();
      change(path.string(), content);
      return std::make_unique<OpenFile>(*this, content, path);
    }
    if (found == names_.end()) throw Error(ErrorCode::IoError, "no such file: " + path.string());
    return std::make_unique<OpenFile>(*this, found->second, path);
  }
  void rename(const std::filesystem::path& from, const std::filesystem::path& to) override {
    ask(Call::Rename, to);
    const std::lock_guard lock(mutex_);
    const auto content = names_.at(from.string());
    pending_.push_back({from.string(), to.string(), content});
    names_.erase(from.string());
    names_[to.string()] = content;
  }
  void remove(const std::filesystem::path& path) override {
    const std::lock_guard lock(mutex_);
    if (!names_.contains(path.string())) throw Error(ErrorCode::IoError, "no such file: " + path.string());
    change(path.string(), nullptr);
  }
  void make_directory(const std::filesystem::path&) override {}
  void sync_directory(const std::filesystem::path& path) override {
    ask(Call::SyncDirectory, path);
    const std::lock_guard lock(mutex_);
    // Later changes elsewhere may be kept by chance only; those before them are kept with these, as journals
    // do.
    std::size_t last = 0;
    for (std::size_t i = 0; i < pending_.size(); ++i) {
      if (std::filesystem::path(pending_[i].to).parent_path() == path) last = i + 1;
    }
    for (std::size_t i = 0; i < last; ++i) apply(durable_names_, pending_[i]);
    pending_.erase(pending_.begin(), pending_.begin() + static_cast<std::ptrdiff_t>(last));
  }
  std::vector<std::string> list(const std::filesystem::path& path) override {
    const std::lock_guard lock(mutex_);
    std::vector<std::string> found;
    for (const auto& [name, content] : names_) {
      const std::filesystem::path file(name);
      if (file.parent_path() == path) found.push_back(file.filename().string());
    }
    return found;
  }
  bool exists(const std::filesystem::path& path) override {
    const std::lock_guard lock(mutex_);
    return names_.contains(path.string());
  }
  std::uint64_t free_bytes(const std::filesystem::path&) override { return UINT64_MAX; }

  /// The files as they are found when power is back. `chance(n)` gives a number below n.
  std::unique_ptr<PowerLossFileSystem> after_power_loss(
      const std::function<std::uint64_t(std::uint64_t)>& chance) const {
    const std::lock_guard lock(mutex_);
    auto after = std::make_unique<PowerLossFileSystem>();
    auto names = durable_names_;
    const std::size_t kept = pending_.empty() ? 0 : chance(pending_.size() + 1);
    for (std::size_t i = 0; i < kept; ++i) apply(names, pending_[i]);
    for (const auto& [name, content] : names) {
      auto survivor = std::make_shared<Content>();
      survivor->durable = content->durable;
      // A longer file may have its new length or not.
      if (content->current.size() > survivor->durable.size() && chance(2) == 0) {
        survivor->durable.resize(content->current.size());
      }
      for (const std::size_t page : content->dirty) {
        const std::size_t begin = page * kPageBytes;
        const std::size_t end =
            std::min({begin + kPageBytes, content->current.size(), survivor->durable.size()});
        if (begin >= end || chance(2) == 0) continue;
        std::copy(content->current.begin() + static_cast<std::ptrdiff_t>(begin),
                  content->current.begin() + static_cast<std::ptrdiff_t>(end),
                  survivor->durable.begin() + static_cast<std::ptrdiff_t>(begin));
      }
      survivor->current = survivor->durable;
      after->names_[name] = survivor;
    }
    after->durable_names_ = after->names_;
    return after;
  }
  /// The files as another process sees them now.
  std::unique_ptr<PowerLossFileSystem> copy() const {
    const std::lock_guard lock(mutex_);
    auto after = std::make_unique<PowerLossFileSystem>();
    for (const auto& [name, content] : names_) {
      auto twin = std::make_shared<Content>();
      twin->current = twin->durable = content->current;
      after->names_[name] = twin;
    }
    after->durable_names_ = after->names_;
    return after;
  }
  /// The file's bytes, to look at and to damage.
  Bytes& bytes_of(const std::filesystem::path& path) { return names_.at(path.string())->current; }

 private:
  struct Content {
    Bytes current;
    Bytes durable;
    std::set<std::size_t> dirty;
  };
  struct Change {
    std::string from;  // empty: created
    std::string to;
    std::shared_ptr<Content> content;  // nullptr: removed
  };

  class OpenFile final : public File {
   public:
    OpenFile(PowerLossFileSystem& files, std::shared_ptr<Content> content, std::filesystem::path path)
        : files_(files), content_(std::move(content)), path_(std::move(path)) {}
    void write_at(std::uint64_t offset, std::span<const std::byte> bytes) override {
      files_.ask(Call::Write, path_);
      const std::lock_guard lock(files_.mutex_);
      auto& current = content_->current;
      if (current.size() < offset + bytes.size()) current.resize(offset + bytes.size());
      std::copy(bytes.begin(), bytes.end(), current.begin() + static_cast<std::ptrdiff_t>(offset));
      for (std::size_t page = offset / kPageBytes; page * kPageBytes < offset + bytes.size(); ++page) {
        content_->dirty.insert(page);
      }
    }
    std::size_t read_at(std::uint64_t offset, std::span<std::byte> into) const override {
      const std::lock_guard lock(files_.mutex_);
      const auto& current = content_->current;
      if (offset >= current.size()) return 0;
      const std::size_t size = std::min<std::size_t>(into.size(), current.size() - offset);
      if (size != 0) std::memcpy(into.data(), current.data() + offset, size);
      return size;
    }
    void sync_data() override {
      files_.ask(Call::Sync, path_);
      const std::lock_guard lock(files_.mutex_);
      content_->durable.resize(content_->current.size());
      for (const std::size_t page : content_->dirty) {
        const std::size_t begin = page * kPageBytes;
        const std::size_t end = std::min(begin + kPageBytes, content_->current.size());
        if (begin < end) {
          std::copy(content_->current.begin() + static_cast<std::ptrdiff_t>(begin),
                    content_->current.begin() + static_cast<std::ptrdiff_t>(end),
                    content_->durable.begin() + static_cast<std::ptrdiff_t>(begin));
        }
      }
      content_->dirty.clear();
    }
    void allocate(std::uint64_t size_bytes) override {
      files_.ask(Call::Allocate, path_);
      const std::lock_guard lock(files_.mutex_);
      if (content_->current.size() < size_bytes) content_->current.resize(size_bytes);
    }
    void truncate(std::uint64_t size_bytes) override {
      const std::lock_guard lock(files_.mutex_);
      content_->current.resize(size_bytes);
    }
    std::uint64_t size_bytes() const override {
      const std::lock_guard lock(files_.mutex_);
      return content_->current.size();
    }
    const std::filesystem::path& path() const override { return path_; }

   private:
    PowerLossFileSystem& files_;
    std::shared_ptr<Content> content_;
    std::filesystem::path path_;
  };

  static void apply(std::map<std::string, std::shared_ptr<Content>>& names, const Change& change) {
    if (!change.from.empty()) names.erase(change.from);
    if (change.content == nullptr) {
      names.erase(change.to);
    } else {
      names[change.to] = change.content;
    }
  }
  void change(const std::string& name, std::shared_ptr<Content> content) {
    pending_.push_back({"", name, content});
    apply(names_, pending_.back());
  }
  void ask(Call call, const std::filesystem::path& path) {
    Hook hook;
    {
      const std::lock_guard lock(mutex_);
      hook = hook_;
    }
    if (hook) hook(call, path);
  }

  mutable std::mutex mutex_;
  Hook hook_;
  std::map<std::string, std::shared_ptr<Content>> names_;
  std::map<std::string, std::shared_ptr<Content>> durable_names_;
  std::vector<Change> pending_;  // of names, since they were synced
};

}  // namespace tickstone::storage
