#include "client/load/sentences.h"

#include <algorithm>
#include <array>
#include <random>
#include <string_view>
#include <utility>

namespace synth::load {
namespace {

constexpr std::array<std::string_view, 8> kOpenings = {
    "please tell me",
    "i would like to know",
    "show me",
    "can you find out",
    "good morning, could you quickly look up",
    "my friend asked me yesterday evening, and i had no answer for her, so please explain to me",
    "what is",
    "i forgot"};

constexpr std::array<std::string_view, 16> kSubjects = {
    "my account balance",
    "the weather in lisbon",
    "the best route to the airport",
    "how much i spent on groceries last month",
    "the exchange rate between the euro and the yen",
    "when my next meeting starts",
    "the recipe for a vegetable lasagna",
    "how to reset my password",
    "the time in tokyo",
    "the interest rate of my savings account",
    "which documents i need for a visa",
    "how many calories an apple has",
    "the name of this song",
    "how to change the oil of an old car",
    "my flight's gate",
    "the definition of entropy"};

constexpr std::array<std::string_view, 8> kEndings = {
    "",
    " today",
    " as soon as possible",
    " and send it to my phone",
    ", because i have to decide before the end of this week",
    " for two people",
    ", and please remind me of it tomorrow at nine in the morning",
    ", thank you"};

constexpr unsigned kShuffleSeed = 20;

}  // namespace

std::vector<std::string> BuiltInSentences() {
  std::vector<std::string> sentences;
  sentences.reserve(kOpenings.size() * kSubjects.size() * kEndings.size());
  for (const std::string_view opening : kOpenings) {
    for (const std::string_view subject : kSubjects) {
      for (const std::string_view ending : kEndings) {
        std::string sentence(opening);
        sentence.append(" ").append(subject).append(ending);
        sentences.push_back(std::move(sentence));
      }
    }
  }
  std::mt19937 random(kShuffleSeed);
  std::shuffle(sentences.begin(), sentences.end(), random);
  return sentences;
}

}  // namespace synth::load
