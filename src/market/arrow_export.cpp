// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <cstring>
#include <utility>

#include <tickstone/error.hpp>

#include "market/data_frame_content.hpp"
#include "types/array_value.hpp"
#include "types/interval.hpp"
#include "types/value.hpp"

namespace tickstone {
namespace {

using Content = std::shared_ptr<const DataFrame::Content>;

// Both structures own what they point to through their private data, as the interface wants it.

struct SchemaParts {
  std::string format, name;
  std::vector<ArrowSchema> children;
  std::vector<ArrowSchema*> child_pointers;
};

struct ArrayParts {
  Content shared;                        // what the buffers borrow from
  std::vector<std::vector<char>> owned;  // what had to be made anew
  std::vector<Column> columns;           // elements of arrays
  std::vector<const void*> buffers;
  std::vector<ArrowArray> children;
  std::vector<ArrowArray*> child_pointers;
};

template <typename Structure>
void release_children(Structure* structure) {
  for (std::int64_t i = 0; i < structure->n_children; ++i) {
    auto* child = structure->children[i];
    if (child->release != nullptr) child->release(child);
  }
}

void release_schema(ArrowSchema* schema) {
  release_children(schema);
  delete static_cast<SchemaParts*>(schema->private_data);
  schema->release = nullptr;
}

void release_array(ArrowArray* array) {
  release_children(array);
  delete static_cast<ArrayParts*>(array->private_data);
  array->release = nullptr;
}

void fill(ArrowSchema* schema, std::string format, std::string name, std::vector<ArrowSchema> children,
          bool is_nullable) {
  auto parts = std::make_unique<SchemaParts>();
  parts->format = std::move(format);
  parts->name = std::move(name);
  parts->children = std::move(children);
  for (auto& child : parts->children) parts->child_pointers.push_back(&child);
  *schema = {};
  schema->format = parts->format.c_str();
  schema->name = parts->name.c_str();
  schema->flags = is_nullable ? ARROW_FLAG_NULLABLE : 0;
  schema->n_children = static_cast<std::int64_t>(parts->children.size());
  schema->children = parts->child_pointers.data();
  schema->release = release_schema;
  schema->private_data = parts.release();
}

void fill(ArrowArray* array, std::size_t rows, std::int64_t null_count, std::unique_ptr<ArrayParts> parts) {
  for (auto& child : parts->children) parts->child_pointers.push_back(&child);
  *array = {};
  array->length = static_cast<std::int64_t>(rows);
  array->null_count = null_count;
  array->n_buffers = static_cast<std::int64_t>(parts->buffers.size());
  array->buffers = parts->buffers.data();
  array->n_children = static_cast<std::int64_t>(parts->children.size());
  array->children = parts->child_pointers.data();
  array->release = release_array;
  array->private_data = parts.release();
}

constexpr std::array<char, 64> kNothing{};  // of a column without rows: some readers want a place

/// The values of a fixed-width column as they lie.
const void* values_of(const ColumnView& view) { return view.size == 0 ? kNothing.data() : view.data; }

template <typename Target, typename Make>
const void* made(ArrayParts& parts, std::size_t rows, Make&& make) {
  auto& bytes = parts.owned.emplace_back(std::max(rows * sizeof(Target), sizeof(Target)));
  for (std::size_t row = 0; row < rows; ++row) {
    const Target value = make(row);
    std::memcpy(bytes.data() + row * sizeof(Target), &value, sizeof(Target));
  }
  return bytes.data();
}

void require_offsets(std::size_t bytes, const std::string& name) {
  if (bytes > INT32_MAX)
    throw Error(ErrorCode::ProgramLimitExceeded, "column \"" + name + "\" holds more than 2 GiB of text", {},
                "Read the rows in parts: DatabaseManager::stream.");
}

/// Texts that are made anew.
template <typename Make>
void make_texts(ArrayParts& parts, const ColumnView& view, const std::string& name, Make&& make) {
  std::string heap;
  std::vector<char> offsets((view.size + 1) * sizeof(std::int32_t));
  for (std::size_t row = 0; row < view.size; ++row) {
    if (!view.is_null(row)) make(heap, row);
    require_offsets(heap.size(), name);
    const auto end = static_cast<std::int32_t>(heap.size());
    std::memcpy(offsets.data() + (row + 1) * sizeof(end), &end, sizeof(end));
  }
  heap.resize(std::max<std::size_t>(heap.size(), 1));
  parts.buffers.push_back(parts.owned.emplace_back(std::move(offsets)).data());
  parts.buffers.push_back(parts.owned.emplace_back(heap.begin(), heap.end()).data());
}

void export_column(const Content& shared, const Column& column, const std::string& name, ArrowArray* array,
                   ArrowSchema* schema);

/// list<element>: offsets, and the elements as a column of their own.
std::string add_list(ArrayParts& parts, const Content& shared, const ColumnView& view,
                     const std::string& name, std::vector<ArrowSchema>& child_schemas) {
  const SqlType element = view.type.element();
  Column elements(element);
  std::vector<char> offsets((view.size + 1) * sizeof(std::int32_t));
  for (std::size_t row = 0; row < view.size; ++row) {
    if (!view.is_null(row)) {
      for (const auto& bytes : decode_array(view.bytes(row))) {
        if (bytes)
          append_value(elements, array_element_value(*bytes, element));
        else
          elements.append_null();
      }
    }
    require_offsets(elements.size(), name);
    const auto end = static_cast<std::int32_t>(elements.size());
    std::memcpy(offsets.data() + (row + 1) * sizeof(end), &end, sizeof(end));
  }
  parts.buffers.push_back(parts.owned.emplace_back(std::move(offsets)).data());
  parts.columns.push_back(std::move(elements));
  parts.children.emplace_back();
  child_schemas.emplace_back();
  export_column(shared, parts.columns.back(), "item", &parts.children.back(), &child_schemas.back());
  return "+l";
}

/// Fills the buffers behind the null map; returns Arrow's name of the type.
std::string add_values(ArrayParts& parts, const ColumnView& view, const std::string& name) {
  switch (view.type.id) {
    case TypeId::Boolean: {
      auto& bits = parts.owned.emplace_back(view.size / 8 + 1);
      for (std::size_t row = 0; row < view.size; ++row) {
        if (!view.is_null(row) && view.integer(row) != 0)
          bits[row / 8] = static_cast<char>(bits[row / 8] | (1 << (row % 8)));
      }
      parts.buffers.push_back(bits.data());
      return "b";
    }
    case TypeId::SmallInt:
      return parts.buffers.push_back(values_of(view)), "s";
    case TypeId::Integer:
      return parts.buffers.push_back(values_of(view)), "i";
    case TypeId::BigInt:
      return parts.buffers.push_back(values_of(view)), "l";
    case TypeId::Oid:
      return parts.buffers.push_back(values_of(view)), "I";
    case TypeId::Real:
      return parts.buffers.push_back(values_of(view)), "f";
    case TypeId::Double:
      return parts.buffers.push_back(values_of(view)), "g";
    case TypeId::Date:
      return parts.buffers.push_back(values_of(view)), "tdD";
    case TypeId::Time:
      return parts.buffers.push_back(values_of(view)), "ttu";
    case TypeId::Timestamp:
      return parts.buffers.push_back(values_of(view)), "tsu:";
    case TypeId::TimestampTz:
      return parts.buffers.push_back(values_of(view)), "tsu:UTC";
    case TypeId::TimestampNs:
      return parts.buffers.push_back(values_of(view)), "tsn:UTC";
    case TypeId::Numeric:
      parts.buffers.push_back(view.layout.physical == Physical::Int128
                                  ? values_of(view)
                                  : made<Int128>(parts, view.size, [&](std::size_t row) {
                                      return view.is_null(row) ? Int128{0} : view.integer(row);
                                    }));
      return "d:38," + std::to_string(view.layout.scale);
    case TypeId::Interval: {
      struct MonthDayNano {
        std::int32_t months, days;
        std::int64_t nanos;
      };
      parts.buffers.push_back(made<MonthDayNano>(parts, view.size, [&](std::size_t row) {
        if (view.is_null(row)) return MonthDayNano{};
        const auto value = unpack_interval(view.fixed<Int128>(row));
        return MonthDayNano{value.months, value.days, value.micros * 1000};
      }));
      return "tin";
    }
    default:
      break;
  }
  if (view.layout.physical == Physical::Bytes &&
      (is_text_like(view.type.id) || view.type.id == TypeId::Json || view.type.id == TypeId::Jsonb ||
       view.type.id == TypeId::Bytea)) {
    require_offsets(view.size == 0 ? 0 : view.offsets[view.size], name);
    parts.buffers.push_back(view.size == 0 ? static_cast<const void*>(kNothing.data()) : view.offsets);
    parts.buffers.push_back(view.size == 0 || view.heap == nullptr ? kNothing.data() : view.heap);
    return view.type.id == TypeId::Bytea ? "z" : "u";
  }
  make_texts(parts, view, name,
             [&](std::string& heap, std::size_t row) { append_text(heap, view, row, FormatContext{}); });
  return "u";
}

void export_column(const Content& shared, const Column& column, const std::string& name, ArrowArray* array,
                   ArrowSchema* schema) {
  const ColumnView view = column.view();
  auto parts = std::make_unique<ArrayParts>();
  parts->shared = shared;
  parts->buffers.push_back(view.validity);
  std::vector<ArrowSchema> child_schemas;
  const std::string format = view.type.is_array ? add_list(*parts, shared, view, name, child_schemas)
                                                : add_values(*parts, view, name);
  fill(schema, format, name, std::move(child_schemas), true);
  fill(array, view.size, view.validity == nullptr ? 0 : -1, std::move(parts));
}

}  // namespace

void DataFrame::export_to_arrow(ArrowArray* array, ArrowSchema* schema) const {
  auto parts = std::make_unique<ArrayParts>();
  std::vector<ArrowSchema> schemas(column_count());
  parts->shared = content_;
  parts->children.resize(column_count());
  parts->buffers.push_back(nullptr);  // no row of the struct is NULL
  std::size_t done = 0;
  try {
    for (; done < column_count(); ++done)
      export_column(content_, content_->batch.columns[done], columns()[done].name, &parts->children[done],
                    &schemas[done]);
  } catch (...) {
    for (std::size_t i = 0; i < done; ++i) {
      release_array(&parts->children[i]);
      release_schema(&schemas[i]);
    }
    throw;
  }
  fill(schema, "+s", "", std::move(schemas), false);
  fill(array, row_count(), 0, std::move(parts));
}

}  // namespace tickstone
