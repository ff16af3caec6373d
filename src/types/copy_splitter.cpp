// SPDX-License-Identifier: Apache-2.0
#include "types/copy_splitter.hpp"

#include <bit>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include <tickstone/error.hpp>

#include "base/check.hpp"

namespace tickstone {
namespace {

constexpr std::size_t kNone = SIZE_MAX;
constexpr std::size_t kBlockBytes = 64;
constexpr std::size_t kLongRowBytes = 64 * 1024;
constexpr std::size_t kMaxRowBytes = std::size_t{1} << 30;

/// One bit for each of 64 bytes: is it one of `special`?
std::uint64_t special_bits(const char* block, const char (&special)[5]) {
#if defined(__SSE2__)
  const __m128i a = _mm_set1_epi8(special[0]);
  const __m128i b = _mm_set1_epi8(special[1]);
  const __m128i c = _mm_set1_epi8(special[2]);
  const __m128i d = _mm_set1_epi8(special[3]);
  const __m128i e = _mm_set1_epi8(special[4]);
  std::uint64_t bits = 0;
  for (int lane = 0; lane < 4; ++lane) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(block + 16 * lane));
    const __m128i ab = _mm_or_si128(_mm_cmpeq_epi8(bytes, a), _mm_cmpeq_epi8(bytes, b));
    const __m128i cd = _mm_or_si128(_mm_cmpeq_epi8(bytes, c), _mm_cmpeq_epi8(bytes, d));
    const __m128i any = _mm_or_si128(_mm_or_si128(ab, cd), _mm_cmpeq_epi8(bytes, e));
    bits |= static_cast<std::uint64_t>(static_cast<std::uint32_t>(_mm_movemask_epi8(any))) << (16 * lane);
  }
  return bits;
#else
  std::uint64_t bits = 0;
  for (std::size_t i = 0; i < kBlockBytes; ++i) {
    const char byte = block[i];
    const bool is_special = byte == special[0] || byte == special[1] || byte == special[2] ||
                            byte == special[3] || byte == special[4];
    bits |= static_cast<std::uint64_t>(is_special) << i;
  }
  return bits;
#endif
}

bool is_octal(char c) { return c >= '0' && c <= '7'; }

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

/// Walks the special bytes of the data; a copy of the splitter's position in registers, put back by `save`.
class CopySplitter::Scan {
 public:
  explicit Scan(CopySplitter& owner)
      : owner_(owner),
        data_(owner.data_.data()),
        size_(owner.data_.size()),
        start_(owner.block_start_),
        bits_(owner.block_bits_) {
    if (!owner.block_is_loaded_) {
      start_ = owner.row_start_ & ~(kBlockBytes - 1);
      load();
      skip_to(owner.row_start_);
    }
  }
  std::size_t next() {
    while (bits_ == 0) {
      start_ += kBlockBytes;
      if (start_ >= size_) return kNone;
      load();
    }
    const auto at = start_ + static_cast<std::size_t>(std::countr_zero(bits_));
    bits_ &= bits_ - 1;
    return at;
  }
  void skip_to(std::size_t at) {
    if (at >= start_ + kBlockBytes) {
      start_ = at & ~(kBlockBytes - 1);
      load();
    }
    if (at > start_) bits_ &= ~std::uint64_t{0} << (at - start_);  // else the block lies behind it already
  }
  void save() {
    owner_.block_start_ = start_;
    owner_.block_bits_ = bits_;
    owner_.block_is_loaded_ = true;
  }

 private:
  void load() {
    if (start_ + kBlockBytes <= size_) {
      bits_ = special_bits(data_ + start_, owner_.special_);
      return;
    }
    bits_ = 0;
    if (start_ >= size_) return;
    char padded[kBlockBytes] = {};
    std::memcpy(padded, data_ + start_, size_ - start_);
    bits_ = special_bits(padded, owner_.special_) & (~std::uint64_t{0} >> (kBlockBytes - (size_ - start_)));
  }

  CopySplitter& owner_;
  const char* data_;
  std::size_t size_;
  std::size_t start_;
  std::uint64_t bits_;
};

CopySplitter::CopySplitter(const CopyOptions& options) : options_(options) {
  const bool is_csv = options.format == CopyFormat::Csv;
  special_[0] = options.delimiter;
  special_[1] = '\n';
  special_[2] = '\r';
  special_[3] = is_csv ? options.quote : '\\';
  special_[4] = is_csv ? options.escape : '\\';
}

void CopySplitter::push(std::string_view chunk) {
  TICKSTONE_CHECK(!is_finished_);
  if (kept_.empty()) {
    data_ = chunk;
    in_kept_ = false;
  } else {
    if (kept_.size() + chunk.size() > kMaxRowBytes) {
      throw Error(ErrorCode::ProgramLimitExceeded, "row of COPY input is too long",
                  "A row may have at most " + std::to_string(kMaxRowBytes) + " bytes.");
    }
    kept_.append(chunk);
    data_ = kept_;
    in_kept_ = true;
  }
  row_start_ = 0;
  block_is_loaded_ = false;
}

void CopySplitter::finish() {
  is_finished_ = true;
  data_ = kept_;
  in_kept_ = true;
  row_start_ = 0;
  retry_at_ = 0;
  block_is_loaded_ = false;
}

void CopySplitter::keep_rest() {
  if (in_kept_) {
    kept_.erase(0, row_start_);
  } else {
    kept_.assign(data_.substr(row_start_));
  }
  data_ = {};
  row_start_ = 0;
  block_is_loaded_ = false;
  retry_at_ = kept_.size() < kLongRowBytes ? 0 : 2 * kept_.size();
}

CopySplitter::Step CopySplitter::next() {
  if (is_ended_) return Step::End;
  if (data_.size() < retry_at_) {
    data_ = {};
    return Step::NeedMore;
  }
  if (row_start_ >= data_.size()) {
    kept_.clear();
    data_ = {};
    row_start_ = 0;
    block_is_loaded_ = false;
    retry_at_ = 0;
    is_ended_ = is_finished_;
    return is_finished_ ? Step::End : Step::NeedMore;
  }
  field_count_ = 0;
  scratch_.clear();
  scratch_fields_.clear();
  newlines_in_quotes_ = 0;
  switch (options_.format == CopyFormat::Csv ? cut_csv_row() : cut_text_row()) {
    case Cut::Incomplete:
      keep_rest();
      return Step::NeedMore;
    case Cut::End:
      is_ended_ = true;
      return Step::End;
    case Cut::Row:
      break;
  }
  for (const auto& part : scratch_fields_)
    fields_[part.field].text = std::string_view(scratch_).substr(part.from, part.size);
  return Step::Row;
}

void CopySplitter::fail_line_end(bool is_carriage_return) const {
  const bool is_csv = options_.format == CopyFormat::Csv;
  const std::string what = is_carriage_return ? "carriage return" : "newline";
  throw Error(ErrorCode::BadCopyFileFormat, (is_csv ? "unquoted " : "literal ") + what + " found in data", {},
              is_csv ? "Use quoted CSV field to represent " + what + "."
                     : std::string("Use \"") + (is_carriage_return ? "\\r" : "\\n") + "\" to represent " +
                           what + ".");
}

CopySplitter::Cut CopySplitter::end_row_at(std::size_t at) {
  if (data_[at] == '\n') {
    if (line_end_ == LineEnd::Unknown) line_end_ = LineEnd::Lf;
    if (line_end_ != LineEnd::Lf) fail_line_end(false);
    return end_row(at, 1);
  }
  if (line_end_ == LineEnd::Lf) fail_line_end(true);
  if (line_end_ == LineEnd::Cr) return end_row(at, 1);
  if (at + 1 == data_.size() && !is_finished_) return Cut::Incomplete;
  if (at + 1 < data_.size() && data_[at + 1] == '\n') {
    line_end_ = LineEnd::CrLf;
    return end_row(at, 2);
  }
  if (line_end_ == LineEnd::CrLf) fail_line_end(true);
  line_end_ = LineEnd::Cr;
  return end_row(at, 1);
}

CopySplitter::Cut CopySplitter::end_row(std::size_t at, std::size_t end_size) {
  row_text_ = data_.substr(row_start_, at - row_start_);
  row_start_ = at + end_size;
  line_number_ += 1 + newlines_in_quotes_;
  return Cut::Row;
}

void CopySplitter::add_scratch_field(std::size_t scratch_from, bool is_null_text, bool is_quoted) {
  scratch_fields_.push_back({field_count_, scratch_from, scratch_.size() - scratch_from});
  add_field({}, is_null_text, is_quoted);
}

/// A field with quotes anywhere but just around it: `ab"c,d"e` is `abc,de`.
void CopySplitter::add_unquoted_field(std::size_t from, std::size_t to) {
  const auto scratch_from = scratch_.size();
  bool in_quotes = false;
  for (std::size_t i = from; i < to; ++i) {
    const char c = data_[i];
    if (!in_quotes) {
      if (c == options_.quote) {
        in_quotes = true;
      } else {
        scratch_.push_back(c);
      }
      continue;
    }
    if (c == options_.escape && i + 1 < to &&
        (data_[i + 1] == options_.escape || data_[i + 1] == options_.quote)) {
      scratch_.push_back(data_[++i]);
    } else if (c == options_.quote) {
      in_quotes = false;
    } else {
      scratch_.push_back(c);
    }
  }
  add_scratch_field(scratch_from, std::string_view(scratch_).substr(scratch_from) == options_.null_text,
                    true);
}

/// A field of the text format with backslashes in it.
void CopySplitter::add_unescaped_field(std::size_t from, std::size_t to) {
  const auto raw = data_.substr(from, to - from);
  const auto scratch_from = scratch_.size();
  for (std::size_t i = 0; i < raw.size(); ++i) {
    if (raw[i] != '\\' || i + 1 == raw.size()) {
      scratch_.push_back(raw[i]);
      continue;
    }
    const char c = raw[++i];
    if (is_octal(c)) {
      int value = c - '0';
      for (int digits = 1; digits < 3 && i + 1 < raw.size() && is_octal(raw[i + 1]); ++digits) {
        value = value * 8 + (raw[++i] - '0');
      }
      scratch_.push_back(static_cast<char>(value & 0xFF));
    } else if (c == 'x' && i + 1 < raw.size() && hex_digit(raw[i + 1]) >= 0) {
      int value = hex_digit(raw[++i]);
      if (i + 1 < raw.size() && hex_digit(raw[i + 1]) >= 0) value = value * 16 + hex_digit(raw[++i]);
      scratch_.push_back(static_cast<char>(value));
    } else {
      constexpr std::string_view kLetters = "bfnrtv";
      constexpr std::string_view kMeanings = "\b\f\n\r\t\v";
      const auto at = kLetters.find(c);
      scratch_.push_back(at == std::string_view::npos ? c : kMeanings[at]);
    }
  }
  add_scratch_field(scratch_from, raw == options_.null_text, false);
}

CopySplitter::Cut CopySplitter::cut_csv_row() {
  Scan scan(*this);
  std::size_t field_start = row_start_;
  const auto finish_row = [&](Cut cut) {
    if (cut != Cut::Row) return cut;
    const bool is_marker = field_count_ == 1 && row_text_ == "\\.";
    if (is_marker) return Cut::End;
    scan.skip_to(row_start_);
    scan.save();
    return cut;
  };
  for (;;) {
    std::size_t at = scan.next();
    if (at == kNone) {
      if (!is_finished_) return Cut::Incomplete;
      add_plain_field(field_start, data_.size());
      return finish_row(end_row(data_.size(), 0));
    }
    const char c = data_[at];
    if (c == options_.delimiter) {
      add_plain_field(field_start, at);
      field_start = at + 1;
      continue;
    }
    if (c == options_.quote) {
      if (cut_quoted_field(scan, field_start, at) == Cut::Incomplete) return Cut::Incomplete;
      if (at == data_.size()) return finish_row(end_row(at, 0));
    } else if (c == '\n' || c == '\r') {
      add_plain_field(field_start, at);
    } else {
      continue;  // an escape outside of quotes is itself
    }
    if (data_[at] != options_.delimiter) return finish_row(end_row_at(at));
    field_start = at + 1;
  }
}

/// From the field's first quote to the delimiter, line end or end of input that `ends_at` then says.
CopySplitter::Cut CopySplitter::cut_quoted_field(Scan& scan, std::size_t field_start, std::size_t& ends_at) {
  bool is_simple = ends_at == field_start;
  bool in_quotes = true;
  std::size_t closed_at = 0;
  const char line_char = line_end_ == LineEnd::Cr ? '\r' : '\n';
  for (;;) {
    const std::size_t at = scan.next();
    if (at == kNone) {
      if (!is_finished_) return Cut::Incomplete;
      if (in_quotes) throw Error(ErrorCode::BadCopyFileFormat, "unterminated CSV quoted field");
      ends_at = data_.size();
      break;
    }
    const char c = data_[at];
    if (!in_quotes) {
      if (c == options_.quote) {
        in_quotes = true;
        is_simple = false;
        continue;
      }
      if (c != options_.delimiter && c != '\n' && c != '\r') continue;
      ends_at = at;
      break;
    }
    if (c == options_.escape) {
      if (at + 1 == data_.size() && !is_finished_) return Cut::Incomplete;
      if (at + 1 < data_.size() && (data_[at + 1] == options_.escape || data_[at + 1] == options_.quote)) {
        is_simple = false;
        scan.skip_to(at + 2);
        continue;
      }
    }
    if (c == options_.quote) {
      in_quotes = false;
      closed_at = at;
    } else if (c == line_char) {
      ++newlines_in_quotes_;
    }
  }
  if (is_simple && closed_at + 1 == ends_at) {
    const auto text = data_.substr(field_start + 1, closed_at - field_start - 1);
    add_field(text, text == options_.null_text, true);
  } else {
    add_unquoted_field(field_start, ends_at);
  }
  return Cut::Row;
}

CopySplitter::Cut CopySplitter::at_end_marker(std::size_t at) const {
  if (at + 2 == data_.size()) return is_finished_ ? Cut::End : Cut::Incomplete;
  if (data_[at + 2] == '\n' || data_[at + 2] == '\r') return Cut::End;
  throw Error(ErrorCode::BadCopyFileFormat, "end-of-copy marker corrupt");
}

CopySplitter::Cut CopySplitter::cut_text_row() {
  Scan scan(*this);
  std::size_t field_start = row_start_;
  bool has_escapes = false;
  const auto add_field = [&](std::size_t to) {
    if (has_escapes) {
      add_unescaped_field(field_start, to);
    } else {
      add_plain_field(field_start, to);
    }
    has_escapes = false;
    field_start = to + 1;
  };
  for (;;) {
    const std::size_t at = scan.next();
    if (at == kNone) {
      if (!is_finished_) return Cut::Incomplete;
      add_field(data_.size());
      return end_row(data_.size(), 0);
    }
    if (data_[at] == options_.delimiter) {
      add_field(at);
    } else if (data_[at] == '\\') {
      if (at + 1 == data_.size()) {
        if (!is_finished_) return Cut::Incomplete;
        has_escapes = true;
        continue;
      }
      if (at == row_start_ && data_[at + 1] == '.') return at_end_marker(at);
      has_escapes = true;
      scan.skip_to(at + 2);
    } else {
      add_field(at);
      const auto cut = end_row_at(at);
      if (cut == Cut::Row) {
        scan.skip_to(row_start_);
        scan.save();
      }
      return cut;
    }
  }
}

}  // namespace tickstone
