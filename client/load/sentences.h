#ifndef SYNTH_CLIENT_LOAD_SENTENCES_H_
#define SYNTH_CLIENT_LOAD_SENTENCES_H_

#include <string>
#include <vector>

namespace synth::load {

// 1024 different English sentences of 3 to 30 words, such as people write to an assistant; the same
// ones each time, shuffled so that neighbours differ in length.
std::vector<std::string> BuiltInSentences();

}  // namespace synth::load

#endif  // SYNTH_CLIENT_LOAD_SENTENCES_H_
