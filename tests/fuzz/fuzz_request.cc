#include <google/protobuf/stubs/logging.h>

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "server/rpc/v1/wire.h"
#include "synth/utf8.h"
#include "synth/v1/inference.pb.h"
#include "tests/fuzz/fuzz_check.h"

int FuzzRequest(const std::uint8_t* data, std::size_t size);

int FuzzRequest(const std::uint8_t* data, std::size_t size) {
  static const bool quiet = [] {
    google::protobuf::SetLogHandler(nullptr);
    return true;
  }();
  static_cast<void>(quiet);
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  synth::v1::ClassifyRequest request;
  std::vector<synth::server::BadText> bad_texts;
  const absl::Status status = synth::server::ParseRequest(bytes, request, bad_texts);
  if (!status.ok()) {
    synth::FuzzCheck(absl::IsInvalidArgument(status) && !status.message().empty());
    return 0;
  }
  const synth::server::FieldCounts counts = synth::server::CountFields(bytes);
  synth::FuzzCheck(counts.texts == request.texts_size());
  synth::FuzzCheck(counts.text_pairs == request.text_pairs_size());
  for (const auto* texts : {&request.texts(), &request.text_pairs()}) {
    for (const std::string& text : *texts) synth::FuzzCheck(!synth::FirstInvalidUtf8(text));
  }
  for (const synth::server::BadText& bad : bad_texts) {
    const auto& texts =
        bad.field == synth::server::TextField::kTexts ? request.texts() : request.text_pairs();
    synth::FuzzCheck(bad.index < static_cast<std::size_t>(texts.size()));
    synth::FuzzCheck(texts[static_cast<int>(bad.index)].empty());
  }
  return 0;
}
