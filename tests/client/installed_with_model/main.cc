// Loads a checkpoint, and asks a server for the name of its model: ask_both FOLDER TARGET. Prints
// the checkpoint's hidden size and the name, or the errors.
#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "synth/client/client.h"
#include "synth/model.h"
#include "synth/v1/inference.pb.h"

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv, argv + argc);
  if (arguments.size() != 3) {
    std::cerr << "usage: ask_both FOLDER TARGET\n";
    return 2;
  }
  const auto model = synth::Model::Load(arguments[1]);
  if (model.ok()) {
    std::cout << "hidden size: " << (*model)->config().hidden_size << '\n';
  } else {
    std::cout << model.status().ToString() << '\n';
  }

  synth::client::ClientOptions options;
  options.target = arguments[2];
  const auto client = synth::client::Client::Create(std::move(options));
  if (!client.ok()) {
    std::cerr << client.status().ToString() << '\n';
    return 2;
  }
  const absl::StatusOr<synth::v1::GetModelResponse> response = (*client)->GetModel();
  std::cout << (response.ok() ? response->model().name() : response.status().ToString()) << '\n';
  return 0;
}
