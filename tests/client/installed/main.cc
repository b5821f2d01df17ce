// Encodes texts: embed_texts TARGET TEXT...  Prints the model's name and the size of each text's
// vector. Ends with 1 if a call or a text failed, and with the reason on standard error.
#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "synth/client/bulk.h"
#include "synth/client/client.h"
#include "synth/client/status.h"
#include "synth/v1/inference.pb.h"

namespace {

using synth::client::Client;

// False if `status` is an error, which it then prints.
bool Succeeded(const absl::Status& status) {
  if (status.ok()) {
    return true;
  }
  std::cerr << status.ToString() << '\n';
  if (const auto pause = synth::client::RetryAfter(status)) {
    std::cerr << "the server asks to wait " << pause->count() << " ms\n";
  }
  return false;
}

bool PrintModel(Client& client) {
  const absl::StatusOr<synth::v1::GetModelResponse> response = client.GetModel();
  if (Succeeded(response.status())) {
    std::cout << response->model().name() << '\n';
  }
  return response.ok();
}

bool PrintSizes(Client& client, const std::vector<std::string>& texts) {
  std::vector<synth::client::BulkResult<synth::v1::EncodeResult>> results;
  bool succeeded = Succeeded(synth::client::EncodeBulk(client, {}, texts, {}, results));
  for (const auto& result : results) {
    if (Succeeded(result.status)) {
      std::cout << result.text << ": " << result.result.embedding_size() << '\n';
    } else {
      succeeded = false;
    }
  }
  return succeeded;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv, argv + argc);
  if (arguments.size() < 3) {
    std::cerr << "usage: embed_texts TARGET TEXT...\n";
    return 2;
  }
  synth::client::ClientOptions options;
  options.target = arguments[1];
  const absl::StatusOr<std::unique_ptr<Client>> client = Client::Create(std::move(options));
  if (!Succeeded(client.status())) {
    return 1;
  }
  const std::vector<std::string> texts(arguments.begin() + 2, arguments.end());
  return PrintModel(**client) && PrintSizes(**client, texts) ? 0 : 1;
}
