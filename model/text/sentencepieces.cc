#include "model/text/sentencepieces.h"

#include <sentencepiece_processor.h>

#include <cassert>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// Exported by libsentencepiece, but declared in none of its installed headers.
namespace sentencepiece::logging {
void SetMinLogLevel(int level);
}  // namespace sentencepiece::logging

namespace synth {
namespace {

// Above SentencePiece's LOG_ERROR (2): what goes wrong comes back as a status, and a library prints
// nothing.
constexpr int kLogNothing = 3;

}  // namespace

std::unique_ptr<const SentencePieces> SentencePieces::Load(std::string_view model,
                                                           std::string& error) {
  sentencepiece::logging::SetMinLogLevel(kLogNothing);
  auto processor = std::make_unique<sentencepiece::SentencePieceProcessor>();
  if (const auto status = processor->LoadFromSerializedProto(model); !status.ok()) {
    error = status.message();
    return nullptr;
  }
  if (processor->GetPieceSize() <= 0) {
    error = "it has no pieces";
    return nullptr;
  }
  return std::unique_ptr<const SentencePieces>(new SentencePieces(std::move(processor)));
}

SentencePieces::SentencePieces(
    std::unique_ptr<const sentencepiece::SentencePieceProcessor> processor)
    : processor_(std::move(processor)) {}

SentencePieces::~SentencePieces() = default;

bool SentencePieces::Encode(std::string_view text, std::vector<std::int32_t>& ids,
                            std::string& error) const {
  const auto status = processor_->Encode(text, &ids);
  if (!status.ok()) error = status.message();
  return status.ok();
}

int SentencePieces::size() const { return processor_->GetPieceSize(); }

std::string_view SentencePieces::Piece(std::int32_t id) const {
  assert(id >= 0 && id < size());
  return processor_->IdToPiece(id);
}

std::int32_t SentencePieces::Find(std::string_view piece) const {
  const std::int32_t id = processor_->PieceToId(piece);
  // An unknown piece gives the id of <unk>, whatever that piece is called.
  const bool known = id >= 0 && id < size() && Piece(id) == piece;
  return known ? id : -1;
}

}  // namespace synth
