#include "model/checkpoint/safetensors.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_join.h"
#include "model/checkpoint/json.h"
#include "model/strings.h"
#include "synth/half.h"

namespace synth {
namespace {

static_assert(std::endian::native == std::endian::little, "safetensors are read in place");

constexpr std::uint64_t kMaxHeaderBytes = 100'000'000;  // the format's own limit
constexpr std::string_view kMetadata = "__metadata__";

struct DTypeRow {
  DType dtype;
  std::string_view name;
  std::size_t size;
};
constexpr std::array kDTypes = {
    DTypeRow{DType::kBool, "BOOL", 1}, DTypeRow{DType::kU8, "U8", 1},
    DTypeRow{DType::kI8, "I8", 1},     DTypeRow{DType::kI16, "I16", 2},
    DTypeRow{DType::kI32, "I32", 4},   DTypeRow{DType::kI64, "I64", 8},
    DTypeRow{DType::kF16, "F16", 2},   DTypeRow{DType::kBF16, "BF16", 2},
    DTypeRow{DType::kF32, "F32", 4},   DTypeRow{DType::kF64, "F64", 8},
};

const DTypeRow& RowOf(DType dtype) {
  const DTypeRow& row = kDTypes.at(static_cast<std::size_t>(dtype));
  assert(row.dtype == dtype);
  return row;
}

absl::Status TensorError(std::string_view name, std::string_view message) {
  return absl::InvalidArgumentError(Cat("tensor ", Excerpt(name), ": ", message));
}

// Where a tensor lies, in bytes of the data section.
struct Range {
  std::uint64_t begin;
  std::uint64_t end;
  std::string_view name;
};

absl::StatusOr<DType> ReadDType(std::string_view name, const nlohmann::json& entry) {
  const auto value = entry.find("dtype");
  if (value == entry.end()) return TensorError(name, "dtype is missing");
  if (value->is_string()) {
    for (const DTypeRow& row : kDTypes) {
      if (value->get_ref<const std::string&>() == row.name) return row.dtype;
    }
  }
  return TensorError(name, Cat("unknown dtype ", Excerpt(*value)));
}

absl::StatusOr<std::vector<std::int64_t>> ReadShape(std::string_view name,
                                                    const nlohmann::json& entry) {
  const auto value = entry.find("shape");
  if (value == entry.end()) return TensorError(name, "shape is missing");
  if (!value->is_array()) {
    return TensorError(name, Cat("shape: expected an array, found ", Excerpt(*value)));
  }
  std::vector<std::int64_t> shape;
  for (const nlohmann::json& dimension : *value) {
    constexpr std::uint64_t kMax = std::numeric_limits<std::int64_t>::max();
    if (!dimension.is_number_unsigned() || dimension.get<std::uint64_t>() > kMax) {
      return TensorError(
          name, Cat("shape: expected integers from 0 to 2^63 - 1, found ", Excerpt(dimension)));
    }
    shape.push_back(dimension.get<std::int64_t>());
  }
  return shape;
}

absl::StatusOr<Range> ReadRange(std::string_view name, const nlohmann::json& entry,
                                std::uint64_t data_size) {
  const auto value = entry.find("data_offsets");
  if (value == entry.end()) return TensorError(name, "data_offsets is missing");
  if (!value->is_array() || value->size() != 2 || !(*value)[0].is_number_unsigned() ||
      !(*value)[1].is_number_unsigned()) {
    return TensorError(name, Cat("data_offsets: expected two integers, found ", Excerpt(*value)));
  }
  const Range range{(*value)[0].get<std::uint64_t>(), (*value)[1].get<std::uint64_t>(), name};
  if (range.begin > range.end) {
    return TensorError(name, Cat("data_offsets ", Excerpt(*value), " end before they begin"));
  }
  if (range.end > data_size) {
    return TensorError(name, Cat("data_offsets ", Excerpt(*value), " are out of bounds: the ",
                                 "file has ", data_size, " bytes of data (truncated?)"));
  }
  return range;
}

// The bytes that a tensor of this dtype and shape takes.
absl::StatusOr<std::uint64_t> BytesOf(std::string_view name, DType dtype,
                                      const std::vector<std::int64_t>& shape) {
  std::uint64_t bytes = SizeOf(dtype);
  for (const std::int64_t dimension : shape) {
    if (__builtin_mul_overflow(bytes, static_cast<std::uint64_t>(dimension), &bytes)) {
      return TensorError(name, Cat("shape ", ToString(shape), " overflows 64 bits"));
    }
  }
  return bytes;
}

// The ranges must follow each other from 0 to data_size.
absl::Status CheckCoverage(std::vector<Range> ranges, std::uint64_t data_size) {
  std::sort(ranges.begin(), ranges.end(), [](const Range& a, const Range& b) {
    return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
  });
  std::uint64_t end = 0;
  for (const Range& range : ranges) {
    if (range.begin < end) return TensorError(range.name, "overlaps another tensor's bytes");
    if (range.begin > end) {
      return TensorError(range.name, Cat("there is a hole before it: bytes ", end, " to ",
                                         range.begin, " belong to no tensor"));
    }
    end = range.end;
  }
  if (end != data_size) {
    return absl::InvalidArgumentError(
        Cat("there is a hole at the end: bytes ", end, " to ", data_size, " belong to no tensor"));
  }
  return absl::OkStatus();
}

// Some writers put null for no metadata; the format's own reader takes it.
absl::Status CheckMetadata(const nlohmann::json& metadata) {
  const bool ok = metadata.is_null() ||
                  (metadata.is_object() &&
                   std::all_of(metadata.begin(), metadata.end(),
                               [](const nlohmann::json& value) { return value.is_string(); }));
  if (ok) return absl::OkStatus();
  return absl::InvalidArgumentError(
      Cat(kMetadata, ": expected an object of strings, found ", Excerpt(metadata)));
}

}  // namespace

std::string_view ToString(DType dtype) { return RowOf(dtype).name; }
std::size_t SizeOf(DType dtype) { return RowOf(dtype).size; }
std::string ToString(const std::vector<std::int64_t>& shape) {
  return Cat("[", absl::StrJoin(shape, ", "), "]");
}

absl::StatusOr<std::uint64_t> SafetensorsHeaderLength(std::string_view first_bytes,
                                                      std::uint64_t file_size) {
  if (first_bytes.size() < kSafetensorsLengthBytes) {
    return absl::InvalidArgumentError(
        Cat("the file is truncated: expected a header length of 8 bytes, found ", file_size));
  }
  std::uint64_t length = 0;
  std::memcpy(&length, first_bytes.data(), kSafetensorsLengthBytes);
  if (length > kMaxHeaderBytes) {
    return absl::InvalidArgumentError(
        Cat("the header length is ", length, " bytes, more than the allowed ", kMaxHeaderBytes));
  }
  const std::uint64_t rest = file_size - kSafetensorsLengthBytes;
  if (length > rest) {
    return absl::InvalidArgumentError(
        Cat("the file is truncated: expected a header of ", length, " bytes, found ", rest));
  }
  return length;
}

absl::StatusOr<TensorEntries> ParseSafetensorsHeader(std::string_view header_text,
                                                     std::uint64_t file_size) {
  const std::uint64_t data_begin = kSafetensorsLengthBytes + header_text.size();
  assert(data_begin <= file_size);
  const std::uint64_t data_size = file_size - data_begin;
  const auto header = ParseJson(header_text);
  if (!header.ok()) {
    return absl::InvalidArgumentError(Cat("header: ", header.status().message()));
  }
  if (!header->is_object()) {
    return absl::InvalidArgumentError(
        Cat("header: expected a JSON object, found ", Excerpt(*header)));
  }

  TensorEntries tensors;
  std::vector<Range> ranges;
  for (const auto& [name, entry] : header->items()) {
    if (name == kMetadata) {
      if (absl::Status status = CheckMetadata(entry); !status.ok()) return status;
      continue;
    }
    if (!entry.is_object()) {
      return TensorError(name, Cat("expected an object, found ", Excerpt(entry)));
    }
    const auto dtype = ReadDType(name, entry);
    if (!dtype.ok()) return dtype.status();
    auto shape = ReadShape(name, entry);
    if (!shape.ok()) return shape.status();
    const auto bytes = BytesOf(name, *dtype, *shape);
    if (!bytes.ok()) return bytes.status();
    const auto range = ReadRange(name, entry, data_size);
    if (!range.ok()) return range.status();
    if (range->end - range->begin != *bytes) {
      return TensorError(name, Cat(ToString(*dtype), " ", ToString(*shape), " takes ", *bytes,
                                   " bytes, but data_offsets span ", range->end - range->begin));
    }
    const auto inserted = tensors.emplace(
        name, TensorEntry{*dtype, *std::move(shape), data_begin + range->begin, *bytes});
    ranges.push_back({range->begin, range->end, inserted.first->first});
  }
  if (absl::Status status = CheckCoverage(std::move(ranges), data_size); !status.ok()) {
    return status;
  }
  return tensors;
}

absl::StatusOr<TensorMap> ParseSafetensors(std::string_view file) {
  const auto length = SafetensorsHeaderLength(file.substr(0, kSafetensorsLengthBytes), file.size());
  if (!length.ok()) return length.status();
  auto entries = ParseSafetensorsHeader(file.substr(kSafetensorsLengthBytes, *length), file.size());
  if (!entries.ok()) return entries.status();
  TensorMap tensors;
  for (auto& [name, entry] : *entries) {
    tensors.emplace(name, TensorView{entry.dtype, std::move(entry.shape),
                                     file.substr(entry.offset, entry.bytes)});
  }
  return tensors;
}

void ToFloats(DType dtype, std::string_view bytes, std::span<float> values) {
  assert(bytes.size() == values.size() * SizeOf(dtype));
  if (values.empty()) return;
  if (dtype == DType::kF32) {
    std::memcpy(values.data(), bytes.data(), bytes.size());
    return;
  }
  assert(dtype == DType::kF16 || dtype == DType::kBF16);
  const auto convert = dtype == DType::kF16 ? HalfToFloat : Bfloat16ToFloat;
  for (std::size_t i = 0; i < values.size(); ++i) {
    std::uint16_t bits = 0;
    std::memcpy(&bits, bytes.data() + i * sizeof(bits), sizeof(bits));
    values[i] = convert(bits);
  }
}

std::vector<float> ToFloats(const TensorView& tensor) {
  std::vector<float> values(tensor.elements());
  ToFloats(tensor.dtype, tensor.bytes, values);
  return values;
}

}  // namespace synth
