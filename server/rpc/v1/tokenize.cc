#include "server/rpc/v1/tokenize.h"

#include <cstdint>
#include <string>

namespace synth::server {

void TokenizeMethod::FillDone(const Model& model, const scheduling::Job& job,
                              v1::TokenizeResult& result) {
  for (const std::int32_t id : job.token_ids) {
    result.add_ids(static_cast<std::uint32_t>(id));
    result.add_pieces(std::string(model.tokenizer()->Piece(id)));
  }
}

}  // namespace synth::server
