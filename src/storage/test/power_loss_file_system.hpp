// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include <tickstone/error.hpp>

#include "storage/file_system.hpp"

namespace tickstone::storage {

/// Files in memory that remember what was synced. A power loss keeps that, and of the rest what chance lets
/// through: single sectors of files, lengths, single creations, renames and removals of a directory that was
/// not synced since. A failed sync forgets the sectors that it should have written, as the kernel does: they
/// can be read, and no later sync brings them to the disk. Calls can be made to fail, writes halfway through.
///
/// Threads: any.
class PowerLossFileSystem final : public FileSystem {
 public:
  static constexpr std::size_t kPageBytes = 512;
  using Bytes = std::vector<std::byte>;
  /// What a call is about; an error thrown from the hook is the call's.
  enum class Call : std::uint8_t {
    Write,
    Sync,
    Allocate,
    Create,
    Rename,
    Link,
    SyncDirectory,
    Truncate,
    Remove,
    Open,
    Read,
    Look
  };
  using Hook = std::function<void(Call, const std::filesystem::path&)>;
  /// A number below n.
  using Chance = std::function<std::uint64_t(std::uint64_t)>;

  void set_hook(Hook hook) {
    const std::lock_guard lock(mutex_);
    hook_ = std::make_shared<Hook>(std::move(hook));
  }
  /// How many of the bytes of a failing write come through; none unless said.
  void set_torn_write(Chance torn_write) {
    const std::lock_guard lock(mutex_);
    torn_write_ = std::move(torn_write);
  }

  std::unique_ptr<File> open(const std::filesystem::path& path, Mode mode) override {
    ask(mode == Mode::Create ? Call::Create : Call::Open, path);
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
    const auto found = names_.find(from.string());
    if (found != names_.end()) {
      pending_.push_back({from.string(), to.string(), found->second});
    } else {
      const auto first = names_.lower_bound(from.string() + "/");
      if (first == names_.end() || !first->first.starts_with(from.string() + "/")) {
        throw Error(ErrorCode::IoError, "no such file: " + from.string());
      }
      pending_.push_back({from.string(), to.string(), nullptr, /*is_directory=*/true});
    }
    const Change change = pending_.back();
    apply(names_, change);
  }
  bool try_link(const std::filesystem::path& from, const std::filesystem::path& to) override {
    ask(Call::Link, to);
    const std::lock_guard lock(mutex_);
    if (!has_links_) return false;
    if (names_.contains(to.string())) throw Error(ErrorCode::IoError, "file exists");
    change(to.string(), names_.at(from.string()));
    return true;
  }
  bool is_same_file(const std::filesystem::path& a, const std::filesystem::path& b) override {
    const std::lock_guard lock(mutex_);
    return names_.at(a.string()) == names_.at(b.string());
  }
  /// A file system without links from now on.
  void forbid_links() {
    const std::lock_guard lock(mutex_);
    has_links_ = false;
  }
  void remove(const std::filesystem::path& path) override {
    ask(Call::Remove, path);
    const std::lock_guard lock(mutex_);
    if (!names_.contains(path.string())) throw Error(ErrorCode::IoError, "no such file: " + path.string());
    change(path.string(), nullptr);
  }
  void make_directory(const std::filesystem::path&) override {}
  void sync_directory(const std::filesystem::path& path) override {
    ask(Call::SyncDirectory, path);
    const std::lock_guard lock(mutex_);
    std::vector<Change> later;
    for (auto& change : pending_) {
      if (std::filesystem::path(change.to).parent_path() == path) {
        apply(durable_names_, change);
      } else {
        later.push_back(std::move(change));
      }
    }
    pending_ = std::move(later);
  }
  std::vector<std::string> list(const std::filesystem::path& path) override {
    ask(Call::Look, path);
    const std::lock_guard lock(mutex_);
    std::vector<std::string> found;
    for (const auto& [name, content] : names_) {
      const std::filesystem::path file(name);
      if (file.parent_path() == path) found.push_back(file.filename().string());
    }
    return found;
  }
  bool exists(const std::filesystem::path& path) override {
    ask(Call::Look, path);
    const std::lock_guard lock(mutex_);
    return names_.contains(path.string());
  }
  std::uint64_t free_bytes(const std::filesystem::path&) override { return UINT64_MAX; }

  /// The files as they are found when power is back. A chance that always says 0 keeps what was synced alone,
  /// one that always says n - 1 everything.
  std::unique_ptr<PowerLossFileSystem> after_power_loss(const Chance& chance) const {
    const std::lock_guard lock(mutex_);
    auto after = std::make_unique<PowerLossFileSystem>();
    auto names = durable_names_;
    for (const auto& change : pending_) {
      if (chance(2) == 1) apply(names, change);
    }
    for (const auto& [name, content] : names) {
      auto survivor = std::make_shared<Content>();
      survivor->durable = content->durable;
      // The length may be the new one.
      if (content->current.size() != survivor->durable.size() && chance(2) == 1) {
        survivor->durable.resize(content->current.size());
      }
      for (const auto* pages : {&content->dirty, &content->forgotten}) {
        for (const std::size_t page : *pages) {
          if (page * kPageBytes < survivor->durable.size() && chance(2) == 1) {
            copy_page(content->current, survivor->durable, page);
          }
        }
      }
      survivor->current = survivor->durable;
      after->names_[name] = survivor;
    }
    after->durable_names_ = after->names_;
    return after;
  }
  /// The files as they are when the process was killed and the machine goes on: all there, what was not
  /// synced is as little synced as before.
  std::unique_ptr<PowerLossFileSystem> after_process_crash() const {
    const std::lock_guard lock(mutex_);
    auto after = std::make_unique<PowerLossFileSystem>();
    std::map<const Content*, std::shared_ptr<Content>> twins;
    auto twin_of = [&](const std::shared_ptr<Content>& content) {
      if (content == nullptr) return content;
      auto& twin = twins[content.get()];
      if (twin == nullptr) twin = std::make_shared<Content>(*content);
      return twin;
    };
    for (const auto& [name, content] : names_) after->names_[name] = twin_of(content);
    for (const auto& [name, content] : durable_names_) after->durable_names_[name] = twin_of(content);
    for (const auto& change : pending_)
      after->pending_.push_back({change.from, change.to, twin_of(change.content)});
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
  std::vector<std::filesystem::path> paths() const {
    const std::lock_guard lock(mutex_);
    std::vector<std::filesystem::path> paths;
    for (const auto& [name, content] : names_) paths.emplace_back(name);
    return paths;
  }

 private:
  struct Content {
    Bytes current;
    Bytes durable;
    std::set<std::size_t> dirty;
    std::set<std::size_t> forgotten;  // by a sync that failed
  };
  struct Change {
    std::string from;  // empty: created
    std::string to;
    std::shared_ptr<Content> content;  // nullptr: removed
    bool is_directory = false;         // renamed with all that is in it
  };

  class OpenFile final : public File {
   public:
    OpenFile(PowerLossFileSystem& files, std::shared_ptr<Content> content, std::filesystem::path path)
        : files_(files), content_(std::move(content)), path_(std::move(path)) {}
    void write_at(std::uint64_t offset, std::span<const std::byte> bytes) override {
      try {
        files_.ask(Call::Write, path_);
      } catch (const Error&) {
        const std::lock_guard lock(files_.mutex_);
        if (files_.torn_write_) put(offset, bytes.first(files_.torn_write_(bytes.size() + 1)));
        throw;
      }
      const std::lock_guard lock(files_.mutex_);
      put(offset, bytes);
    }
    std::size_t read_at(std::uint64_t offset, std::span<std::byte> into) const override {
      files_.ask(Call::Read, path_);
      const std::lock_guard lock(files_.mutex_);
      const auto& current = content_->current;
      if (offset >= current.size()) return 0;
      const std::size_t size = std::min<std::size_t>(into.size(), current.size() - offset);
      if (size != 0) std::memcpy(into.data(), current.data() + offset, size);
      return size;
    }
    void sync_data() override {
      try {
        files_.ask(Call::Sync, path_);
      } catch (const Error&) {
        const std::lock_guard lock(files_.mutex_);
        content_->forgotten.merge(content_->dirty);
        content_->dirty.clear();
        throw;
      }
      const std::lock_guard lock(files_.mutex_);
      content_->durable.resize(content_->current.size());
      for (const std::size_t page : content_->dirty) copy_page(content_->current, content_->durable, page);
      content_->dirty.clear();
    }
    void allocate(std::uint64_t size_bytes) override {
      files_.ask(Call::Allocate, path_);
      const std::lock_guard lock(files_.mutex_);
      if (content_->current.size() < size_bytes) content_->current.resize(size_bytes);
    }
    void truncate(std::uint64_t size_bytes) override {
      files_.ask(Call::Truncate, path_);
      const std::lock_guard lock(files_.mutex_);
      // What grows again here is zero, whatever the disk has.
      mark_dirty(size_bytes, content_->current.size());
      content_->current.resize(size_bytes);
    }
    std::uint64_t size_bytes() const override {
      files_.ask(Call::Look, path_);
      const std::lock_guard lock(files_.mutex_);
      return content_->current.size();
    }
    const std::filesystem::path& path() const override { return path_; }

   private:
    void put(std::uint64_t offset, std::span<const std::byte> bytes) {
      auto& current = content_->current;
      if (current.size() < offset + bytes.size()) current.resize(offset + bytes.size());
      std::copy(bytes.begin(), bytes.end(), current.begin() + static_cast<std::ptrdiff_t>(offset));
      mark_dirty(offset, offset + bytes.size());
    }
    void mark_dirty(std::uint64_t begin, std::uint64_t end) {
      for (std::size_t page = begin / kPageBytes; page * kPageBytes < end; ++page) {
        content_->dirty.insert(page);
        content_->forgotten.erase(page);
      }
    }

    PowerLossFileSystem& files_;
    std::shared_ptr<Content> content_;
    std::filesystem::path path_;
  };

  static void copy_page(const Bytes& from, Bytes& to, std::size_t page) {
    const std::size_t begin = page * kPageBytes;
    const std::size_t end = std::min({begin + kPageBytes, from.size(), to.size()});
    if (begin >= end) return;
    std::copy(from.begin() + static_cast<std::ptrdiff_t>(begin),
              from.begin() + static_cast<std::ptrdiff_t>(end),
              to.begin() + static_cast<std::ptrdiff_t>(begin));
  }
  static void apply(std::map<std::string, std::shared_ptr<Content>>& names, const Change& change) {
    if (change.is_directory) {
      std::map<std::string, std::shared_ptr<Content>> moved;
      const std::string beginning = change.from + "/";
      for (auto name = names.lower_bound(beginning);
           name != names.end() && name->first.starts_with(beginning);) {
        moved[change.to + "/" + name->first.substr(beginning.size())] = name->second;
        name = names.erase(name);
      }
      names.merge(moved);
      return;
    }
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
    std::shared_ptr<Hook> hook;
    {
      const std::lock_guard lock(mutex_);
      hook = hook_;
    }
    if (hook != nullptr && *hook) (*hook)(call, path);
  }

  mutable std::mutex mutex_;
  std::shared_ptr<Hook> hook_;
  Chance torn_write_;
  bool has_links_ = true;
  std::map<std::string, std::shared_ptr<Content>> names_;
  std::map<std::string, std::shared_ptr<Content>> durable_names_;
  std::vector<Change> pending_;  // of names, since their directories were synced
};

}  // namespace tickstone::storage
