#include "server/rpc/v1/wire.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/wire_format_lite.h>
#include <grpcpp/impl/codegen/proto_utils.h>
#include <grpcpp/support/slice.h>

#include <cstdint>
#include <limits>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "synth/utf8.h"
#include "synth/v1/inference.pb.h"

namespace synth::server {
namespace {

namespace io = google::protobuf::io;
using google::protobuf::internal::WireFormatLite;

// All requests with texts have them in the same field.
constexpr int kTextsField = v1::EncodeRequest::kTextsFieldNumber;
static_assert(v1::ClassifyRequest::kTextsFieldNumber == kTextsField);
static_assert(v1::TokenizeRequest::kTextsFieldNumber == kTextsField);
static_assert(v1::RerankRequest::kTextsFieldNumber == kTextsField);

constexpr std::uint32_t kTextsTag =
    WireFormatLite::MakeTag(kTextsField, WireFormatLite::WIRETYPE_LENGTH_DELIMITED);
constexpr std::uint32_t kTextPairsTag = WireFormatLite::MakeTag(
    v1::ClassifyRequest::kTextPairsFieldNumber, WireFormatLite::WIRETYPE_LENGTH_DELIMITED);

FieldCounts CountFields(io::CodedInputStream& in) {
  FieldCounts counts;
  while (const std::uint32_t tag = in.ReadTag()) {
    if (tag != kTextsTag && tag != kTextPairsTag) {
      if (!WireFormatLite::SkipField(&in, tag)) break;
      ++counts.others;
      continue;
    }
    int size = 0;
    if (!in.ReadVarintSizeAsInt(&size) || !in.Skip(size)) break;
    ++(tag == kTextsTag ? counts.texts : counts.text_pairs);
  }
  return counts;
}

// A copy of `bytes` in which every text that is not UTF-8 is empty; nothing where the bytes are
// malformed.
std::optional<std::string> WithoutBadTexts(std::string_view bytes,
                                           std::vector<BadText>& bad_texts) {
  if (bytes.size() > static_cast<std::size_t>(std::numeric_limits<int>::max())) return std::nullopt;
  std::string repaired;
  io::StringOutputStream sink(&repaired);
  io::CodedOutputStream out(&sink);
  io::CodedInputStream in(reinterpret_cast<const std::uint8_t*>(bytes.data()),
                          static_cast<int>(bytes.size()));
  std::string text;
  std::size_t texts = 0;
  std::size_t text_pairs = 0;
  while (const std::uint32_t tag = in.ReadTag()) {
    if (tag != kTextsTag && tag != kTextPairsTag) {
      if (!WireFormatLite::SkipField(&in, tag, &out)) return std::nullopt;
      continue;
    }
    // As CountFields reads it: ReadVarint32 would take a length of 2^32 for 0, and what was not
    // counted would be read.
    int size = 0;
    if (!in.ReadVarintSizeAsInt(&size) || static_cast<std::size_t>(size) > bytes.size() ||
        !in.ReadString(&text, size)) {
      return std::nullopt;
    }
    const bool is_text = tag == kTextsTag;
    const std::size_t index = is_text ? texts++ : text_pairs++;
    if (const std::optional<std::size_t> offset = FirstInvalidUtf8(text)) {
      bad_texts.push_back({.field = is_text ? TextField::kTexts : TextField::kTextPairs,
                           .index = index,
                           .offset = *offset});
      text.clear();
    }
    out.WriteTag(tag);
    out.WriteVarint32(static_cast<std::uint32_t>(text.size()));
    out.WriteString(text);
  }
  if (!in.ConsumedEntireMessage()) return std::nullopt;
  out.Trim();
  return repaired;
}

}  // namespace

FieldCounts CountFields(const grpc::ByteBuffer& bytes) {
  // The reader takes a non-const buffer but only reads it.
  grpc::ByteBuffer buffer = bytes;
  grpc::ProtoBufferReader reader(&buffer);
  if (!reader.status().ok()) return {};
  io::CodedInputStream in(&reader);
  return CountFields(in);
}

FieldCounts CountFields(std::string_view bytes) {
  io::ArrayInputStream array(bytes.data(), static_cast<int>(bytes.size()));
  io::CodedInputStream in(&array);
  return CountFields(in);
}

absl::Status ParseRequest(const grpc::ByteBuffer& bytes, google::protobuf::Message& request,
                          std::vector<BadText>& bad_texts) {
  grpc::ByteBuffer buffer = bytes;  // as above
  grpc::ProtoBufferReader reader(&buffer);
  if (reader.status().ok() && request.ParseFromZeroCopyStream(&reader)) return absl::OkStatus();
  grpc::Slice slice;
  if (!bytes.DumpToSingleSlice(&slice).ok()) {
    return absl::InvalidArgumentError("the request's body cannot be read");
  }
  return ParseRequest(std::string_view(reinterpret_cast<const char*>(slice.begin()), slice.size()),
                      request, bad_texts);
}

absl::Status ParseRequest(std::string_view bytes, google::protobuf::Message& request,
                          std::vector<BadText>& bad_texts) {
  bad_texts.clear();
  const std::optional<std::string> repaired = WithoutBadTexts(bytes, bad_texts);
  if (repaired && request.ParseFromString(*repaired)) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("the request's ", bytes.size(), " bytes are not a valid ", request.GetTypeName(),
                   " (damaged, or a field besides the texts is not UTF-8)"));
}

}  // namespace synth::server
