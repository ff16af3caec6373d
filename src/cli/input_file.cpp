// SPDX-License-Identifier: Apache-2.0
#include "cli/input_file.hpp"

#include <array>
#include <cstdio>
#include <filesystem>

#include <zip.h>
#include <zlib.h>
#include <zstd.h>

#include <tickstone/error.hpp>

namespace tickstone::cli {
namespace {

constexpr std::size_t kChunkBytes = 1 << 18;

class RawFile {
 public:
  explicit RawFile(const std::string& path)
      : path_(path), file_(path == "-" ? stdin : std::fopen(path.c_str(), "rb")) {
    if (file_ == nullptr || (path != "-" && std::filesystem::is_directory(path))) {
      throw Error(ErrorCode::UndefinedFile, "could not open file \"" + path + "\"");
    }
    std::error_code ignored;
    if (path != "-") size_bytes_ = std::filesystem::file_size(path, ignored);
    if (ignored) size_bytes_ = 0;
  }
  RawFile(const RawFile&) = delete;
  RawFile& operator=(const RawFile&) = delete;
  ~RawFile() {
    if (file_ != nullptr && file_ != stdin) std::fclose(file_);
  }

  std::size_t read(char* into, std::size_t size) {
    const std::size_t got = std::fread(into, 1, size, file_);
    if (got < size && std::ferror(file_) != 0)
      throw Error(ErrorCode::IoError, "could not read file \"" + path_ + "\"");
    position_bytes_ += got;
    return got;
  }
  const std::string& path() const { return path_; }
  std::uint64_t size_bytes() const { return size_bytes_; }
  std::uint64_t position_bytes() const { return position_bytes_; }

 private:
  std::string path_;
  std::FILE* file_;
  std::uint64_t size_bytes_ = 0;
  std::uint64_t position_bytes_ = 0;
};

class FileStream : public InputFile {
 public:
  FileStream(std::unique_ptr<RawFile> raw, std::string head) : raw_(std::move(raw)), head_(std::move(head)) {}
  std::uint64_t size_bytes() const override { return raw_->size_bytes(); }
  std::uint64_t position_bytes() const override { return raw_->position_bytes(); }

 protected:
  /// The bytes as they lie on disk, those read to tell the kind first.
  std::size_t read_raw(std::string& into) {
    if (!head_.empty()) {
      into = std::move(head_);
      head_.clear();
      return into.size();
    }
    into.resize(kChunkBytes);
    into.resize(raw_->read(into.data(), into.size()));
    return into.size();
  }
  [[noreturn]] void broken(const char* kind) const {
    throw Error(ErrorCode::DataCorrupted,
                std::string(kind) + " file \"" + raw_->path() + "\" is damaged or cut short");
  }

 private:
  std::unique_ptr<RawFile> raw_;
  std::string head_;
};

class PlainFile final : public FileStream {
 public:
  using FileStream::FileStream;
  bool read(std::string& chunk) override { return read_raw(chunk) > 0; }
};

class GzipFile final : public FileStream {
 public:
  GzipFile(std::unique_ptr<RawFile> raw, std::string head) : FileStream(std::move(raw), std::move(head)) {
    if (inflateInit2(&stream_, 15 + 32) != Z_OK) broken("gzip");
  }
  GzipFile(const GzipFile&) = delete;
  GzipFile& operator=(const GzipFile&) = delete;
  ~GzipFile() override { inflateEnd(&stream_); }

  bool read(std::string& chunk) override {
    chunk.resize(kChunkBytes);
    std::size_t filled = 0;
    while (filled == 0) {
      if (stream_.avail_in == 0) {
        if (read_raw(packed_) == 0) {
          if (is_inside_) broken("gzip");
          chunk.clear();
          return false;
        }
        stream_.next_in = reinterpret_cast<Bytef*>(packed_.data());
        stream_.avail_in = static_cast<uInt>(packed_.size());
      }
      is_inside_ = true;
      stream_.next_out = reinterpret_cast<Bytef*>(chunk.data());
      stream_.avail_out = static_cast<uInt>(chunk.size());
      const int status = inflate(&stream_, Z_NO_FLUSH);
      filled = chunk.size() - stream_.avail_out;
      if (status == Z_STREAM_END) {
        is_inside_ = false;  // another member may follow
        inflateReset(&stream_);
      } else if (status != Z_OK && status != Z_BUF_ERROR) {
        broken("gzip");
      }
    }
    chunk.resize(filled);
    return true;
  }

 private:
  z_stream stream_{};
  std::string packed_;
  bool is_inside_ = false;
};

class ZstdFile final : public FileStream {
 public:
  ZstdFile(std::unique_ptr<RawFile> raw, std::string head)
      : FileStream(std::move(raw), std::move(head)), context_(ZSTD_createDCtx()) {}
  ZstdFile(const ZstdFile&) = delete;
  ZstdFile& operator=(const ZstdFile&) = delete;
  ~ZstdFile() override { ZSTD_freeDCtx(context_); }

  bool read(std::string& chunk) override {
    chunk.resize(kChunkBytes);
    ZSTD_outBuffer out{chunk.data(), chunk.size(), 0};
    while (out.pos == 0) {
      if (in_.pos == in_.size) {
        if (read_raw(packed_) == 0) {
          if (pending_ != 0) broken("zstd");
          chunk.clear();
          return false;
        }
        in_ = {packed_.data(), packed_.size(), 0};
      }
      pending_ = ZSTD_decompressStream(context_, &out, &in_);
      if (ZSTD_isError(pending_) != 0) broken("zstd");
    }
    chunk.resize(out.pos);
    return true;
  }

 private:
  ZSTD_DCtx* context_;
  std::string packed_;
  ZSTD_inBuffer in_{nullptr, 0, 0};
  std::size_t pending_ = 0;
};

/// The one file in a zip archive, as Binance packs its files.
class ZipFile final : public InputFile {
 public:
  explicit ZipFile(const std::string& path)
      : path_(path), archive_(zip_open(path.c_str(), ZIP_RDONLY, nullptr)) {
    if (archive_ == nullptr) broken();
    try {
      open_member();
    } catch (...) {
      zip_discard(archive_);
      throw;
    }
  }
  ZipFile(const ZipFile&) = delete;
  ZipFile& operator=(const ZipFile&) = delete;
  ~ZipFile() override {
    zip_fclose(member_);
    zip_discard(archive_);
  }

  bool read(std::string& chunk) override {
    chunk.resize(kChunkBytes);
    const zip_int64_t got = zip_fread(member_, chunk.data(), chunk.size());
    // Its checksum is compared at the end.
    if (got < 0) broken();
    chunk.resize(static_cast<std::size_t>(got));
    position_bytes_ += chunk.size();
    return !chunk.empty();
  }
  std::uint64_t size_bytes() const override { return size_bytes_; }
  std::uint64_t position_bytes() const override { return position_bytes_; }

 private:
  void open_member() {
    zip_int64_t found = -1;
    const zip_int64_t count = zip_get_num_entries(archive_, 0);
    for (zip_int64_t i = 0; i < count; ++i) {
      const char* name = zip_get_name(archive_, static_cast<zip_uint64_t>(i), 0);
      if (name == nullptr || std::string_view(name).ends_with('/')) continue;
      if (found >= 0) {
        throw Error(ErrorCode::FeatureNotSupported, "zip file \"" + path_ + "\" has more than one file", {},
                    "Unpack it and import the directory.");
      }
      found = i;
    }
    if (found < 0) broken();
    zip_stat_t facts;
    if (zip_stat_index(archive_, static_cast<zip_uint64_t>(found), 0, &facts) == 0) size_bytes_ = facts.size;
    member_ = zip_fopen_index(archive_, static_cast<zip_uint64_t>(found), 0);
    if (member_ == nullptr) broken();
  }
  [[noreturn]] void broken() const {
    throw Error(ErrorCode::DataCorrupted, "zip file \"" + path_ + "\" is damaged or cut short");
  }

  std::string path_;
  zip_t* archive_;
  zip_file_t* member_ = nullptr;
  std::uint64_t size_bytes_ = 0;  // of what is packed
  std::uint64_t position_bytes_ = 0;
};

}  // namespace

std::unique_ptr<InputFile> InputFile::open(const std::string& path) {
  auto raw = std::make_unique<RawFile>(path);
  std::string head(4, '\0');
  head.resize(raw->read(head.data(), head.size()));
  if (head.starts_with("\x1f\x8b")) return std::make_unique<GzipFile>(std::move(raw), std::move(head));
  if (head.starts_with("PK\x03\x04") && path != "-") return std::make_unique<ZipFile>(path);
  if (head == "\x28\xb5\x2f\xfd") return std::make_unique<ZstdFile>(std::move(raw), std::move(head));
  return std::make_unique<PlainFile>(std::move(raw), std::move(head));
}

}  // namespace tickstone::cli
