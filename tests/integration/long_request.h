#ifndef SYNTH_TESTS_INTEGRATION_LONG_REQUEST_H_
#define SYNTH_TESTS_INTEGRATION_LONG_REQUEST_H_

#include <string>

#include "synth/v1/inference.pb.h"

namespace synth::server {

// A call of texts of the model's greatest length: a thousand keep one lane busy for about a second.
inline v1::ClassifyRequest LongRequest(int texts = 1000) {
  std::string text;
  for (int i = 0; i < 100; ++i) text += "balance transfer ";
  v1::ClassifyRequest request;
  for (int i = 0; i < texts; ++i) request.add_texts(text);
  return request;
}

}  // namespace synth::server

#endif  // SYNTH_TESTS_INTEGRATION_LONG_REQUEST_H_
