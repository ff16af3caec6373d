// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "pgwire/backend_writer.hpp"
#include "pgwire/frame_reader.hpp"
#include "server/stream.hpp"

namespace tickstone::server {

/// One client's messages: frames in, an output buffer that is sent when full or asked.
class ClientChannel {
 public:
  static constexpr std::size_t kFlushBytes = 64 * 1024;

  explicit ClientChannel(int descriptor) : stream_(descriptor), writer_(out_) {}

  Stream& stream() { return stream_; }
  const Stream& stream() const { return stream_; }
  pgwire::FrameReader& frames() { return frames_; }
  pgwire::BackendWriter& writer() { return writer_; }
  /// What is to be sent, for whoever appends rows directly; call `flush_if_full` after it.
  std::string& out() { return out_; }

  void flush();
  void flush_if_full() {
    if (out_.size() >= kFlushBytes) flush();
  }

  /// Waits for the client's bytes, or for `wake`, an eventfd: true then.
  bool wait_for_wake(int wake) const { return frames_.buffered_bytes() == 0 && stream_.wait_for_wake(wake); }
  /// The next message, waiting for it; nothing when the client has closed its side.
  std::optional<pgwire::Frame> read_frame();
  std::optional<std::string_view> read_startup();

 private:
  bool read_more();

  Stream stream_;
  pgwire::FrameReader frames_;
  std::string out_;
  pgwire::BackendWriter writer_;
};

}  // namespace tickstone::server
