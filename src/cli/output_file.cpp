// SPDX-License-Identifier: Apache-2.0
#include "cli/output_file.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include <fcntl.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <tickstone/error.hpp>

namespace tickstone::cli {
namespace {

[[noreturn]] void fail(const std::string& path) {
  const int problem = errno;
  throw Error(problem == ENOSPC ? ErrorCode::DiskFull : ErrorCode::IoError,
              "could not write file \"" + path + "\": " + std::strerror(problem));
}

class PlainFile : public OutputFile {
 public:
  explicit PlainFile(std::string path) : path_(std::move(path)) {
    file_ = path_ == "-" ? stdout : std::fopen(unfinished_path(path_).c_str(), "wb");
    if (file_ == nullptr) fail(path_);
  }
  PlainFile(const PlainFile&) = delete;
  PlainFile& operator=(const PlainFile&) = delete;
  ~PlainFile() override {
    if (path_ == "-" || file_ == nullptr) return;
    std::fclose(file_);
    ::unlink(unfinished_path(path_).c_str());
  }

  void write(std::string_view bytes) override { write_raw(bytes.data(), bytes.size()); }
  void finish() override {
    if (std::fflush(file_) != 0) fail(path_);
    if (path_ == "-") return;
    const int status = std::fclose(file_);
    file_ = nullptr;
    if (status != 0) fail(path_);
    give_name(path_);
  }

 protected:
  void write_raw(const void* bytes, std::size_t size) {
    if (std::fwrite(bytes, 1, size, file_) != size) fail(path_);
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
  std::FILE* file_;
};

constexpr std::size_t kBlockBytes = 1 << 17;

class GzipFile final : public PlainFile {
 public:
  explicit GzipFile(std::string path) : PlainFile(std::move(path)), block_(kBlockBytes, '\0') {
    constexpr int kGzip = 15 + 16;
    if (deflateInit2(&stream_, Z_DEFAULT_COMPRESSION, Z_DEFLATED, kGzip, 8, Z_DEFAULT_STRATEGY) != Z_OK)
      throw Error(ErrorCode::OutOfMemory, "out of memory");
  }
  ~GzipFile() override { deflateEnd(&stream_); }
  void write(std::string_view bytes) override { pack(bytes, Z_NO_FLUSH); }
  void finish() override {
    pack({}, Z_FINISH);
    PlainFile::finish();
  }

 private:
  void pack(std::string_view bytes, int flush) {
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    stream_.avail_in = static_cast<uInt>(bytes.size());
    do {
      stream_.next_out = reinterpret_cast<Bytef*>(block_.data());
      stream_.avail_out = static_cast<uInt>(block_.size());
      deflate(&stream_, flush);
      write_raw(block_.data(), block_.size() - stream_.avail_out);
    } while (stream_.avail_out == 0);
  }
  z_stream stream_{};
  std::string block_;
};

class ZstdFile final : public PlainFile {
 public:
  explicit ZstdFile(std::string path)
      : PlainFile(std::move(path)), context_(ZSTD_createCCtx()), block_(kBlockBytes, '\0') {
    ZSTD_CCtx_setParameter(context_, ZSTD_c_checksumFlag, 1);
  }
  ~ZstdFile() override { ZSTD_freeCCtx(context_); }
  void write(std::string_view bytes) override { pack(bytes, ZSTD_e_continue); }
  void finish() override {
    pack({}, ZSTD_e_end);
    PlainFile::finish();
  }

 private:
  void pack(std::string_view bytes, ZSTD_EndDirective mode) {
    ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
    for (bool is_done = false; !is_done;) {
      ZSTD_outBuffer out{block_.data(), block_.size(), 0};
      const std::size_t left = ZSTD_compressStream2(context_, &out, &in, mode);
      if (ZSTD_isError(left) != 0)
        throw Error(ErrorCode::InternalError, std::string("zstd: ") + ZSTD_getErrorName(left));
      write_raw(block_.data(), out.pos);
      is_done = mode == ZSTD_e_end ? left == 0 : in.pos == in.size;
    }
  }
  ZSTD_CCtx* context_;
  std::string block_;
};

}  // namespace

std::string unfinished_path(const std::string& path) { return path + ".unfinished"; }

void give_name(const std::string& path) {
  const std::string before = unfinished_path(path);
  const int file = ::open(before.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) fail(path);
  const int status = ::fsync(file);
  ::close(file);
  if (status != 0 || std::rename(before.c_str(), path.c_str()) != 0) fail(path);
  // The name itself has to be on disk too.
  const std::string folder = std::filesystem::absolute(path).parent_path().string();
  const int directory = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0) fail(path);
  ::fsync(directory);
  ::close(directory);
}

std::unique_ptr<OutputFile> OutputFile::create(const std::string& path, Compression compression) {
  switch (compression) {
    case Compression::None:
      return std::make_unique<PlainFile>(path);
    case Compression::Gzip:
      return std::make_unique<GzipFile>(path);
    case Compression::Zstd:
      return std::make_unique<ZstdFile>(path);
  }
  return nullptr;
}

}  // namespace tickstone::cli
