// SPDX-License-Identifier: Apache-2.0
#include "server/client_channel.hpp"

namespace tickstone::server {
namespace {

constexpr std::size_t kKeptBytes = std::size_t{4} << 20;
constexpr std::size_t kReadBytes = 16 * 1024;

}  // namespace

void ClientChannel::flush() {
  if (out_.empty()) return;
  // Emptied also when the write fails: nothing of it may be sent again.
  std::string sent;
  sent.swap(out_);
  stream_.write_all(sent);
  if (sent.capacity() <= kKeptBytes) {
    sent.clear();
    out_.swap(sent);
  }
}

bool ClientChannel::read_more() {
  const auto got = stream_.read_some(frames_.room(kReadBytes));
  frames_.took(got);
  return got > 0;
}

std::optional<pgwire::Frame> ClientChannel::read_frame() {
  for (;;) {
    if (auto frame = frames_.next()) return frame;
    if (!read_more()) return std::nullopt;
  }
}

std::optional<std::string_view> ClientChannel::read_startup() {
  for (;;) {
    if (auto packet = frames_.next_startup()) return packet;
    if (!read_more()) return std::nullopt;
  }
}

}  // namespace tickstone::server
