#include "server/rpc/v1/tokenize.h"

#include <cstdint>
#include <string>

namespace synth::server {

absl::Status TokenizeMethod::Write(const Model& model, const Request& /*request*/,
                                   const TextResult& text, v1::TokenizeResult& result) {
  for (const std::int32_t id : text.token_ids) {
    result.add_ids(static_cast<std::uint32_t>(id));
    result.add_pieces(std::string(model.tokenizer()->Piece(id)));
  }
  return absl::OkStatus();
}

}  // namespace synth::server
