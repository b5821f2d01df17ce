#include "tests/model/naive_encoder.h"

#include <Eigen/Core>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "synth/config.h"
#include "tests/model/test_checkpoint.h"

namespace synth {
namespace {

using Matrixd = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using RowMajorf = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Eigen::Index;

// One layer's tensors, and the sizes.
struct Tensors {
  const TestTensors& all;
  std::string prefix;
  Index heads;
  Index head_size;

  // Block h of a tensor [H, rows, cols], or a whole one for h = 0.
  Matrixd Block(const std::string& name, Index h) const {
    const TestTensor& tensor = all.at(prefix + name);
    const Index cols = tensor.shape.back();
    const Index rows = tensor.shape.size() < 2 ? 1 : tensor.shape[tensor.shape.size() - 2];
    return Eigen::Map<const RowMajorf>(tensor.values.data() + h * rows * cols, rows, cols)
        .cast<double>();
  }
  Matrixd Linear(const std::string& name, const Matrixd& x) const {
    return (x * Block(name + ".weight", 0).transpose()).rowwise() + Block(name + ".bias", 0).row(0);
  }
  Matrixd Norm(const std::string& name, const Matrixd& x, double eps) const {
    Matrixd y = x;
    for (Index i = 0; i < x.rows(); ++i) {
      const double mean = x.row(i).mean();
      const double variance = (x.row(i).array() - mean).square().mean();
      y.row(i) = ((x.row(i).array() - mean) / std::sqrt(variance + eps)) *
                     Block(name + ".weight", 0).row(0).array() +
                 Block(name + ".bias", 0).row(0).array();
    }
    return y;
  }
  Matrixd Head(const Matrixd& x, Index h) const { return x.middleCols(h * head_size, head_size); }
  Tensors Below(const std::string& name) const {
    return {all, prefix + name + ".", heads, head_size};
  }
};

Matrixd Softmax(const Matrixd& scores) {
  Matrixd y = scores;
  for (Index i = 0; i < y.rows(); ++i) {
    y.row(i) = (scores.row(i).array() - scores.row(i).maxCoeff()).exp();
    y.row(i) /= y.row(i).sum();
  }
  return y;
}

// S [n, n] of head h.
struct Scores {
  const Tensors& tensors;
  const Matrixd& x;
  Index h;

  Matrixd operator()(const DotProductSpec&) const {
    return tensors.Head(tensors.Linear("query", x), h) *
           tensors.Head(tensors.Linear("key", x), h).transpose() /
           std::sqrt(static_cast<double>(tensors.head_size));
  }
  Matrixd operator()(const DenseSpec&) const {
    const Matrixd u = tensors.Head(tensors.Linear("dense.w1", x).cwiseMax(0), h);
    const Matrixd b2 = tensors.Block("dense.b2", 0).row(h);
    const Matrixd all = (u * tensors.Block("dense.w2", h)).rowwise() + b2.row(0);
    return all.leftCols(x.rows());
  }
  Matrixd operator()(const FactorizedDenseSpec& spec) const {
    const Matrixd u = tensors.Head(tensors.Linear("factorized_dense.w1", x).cwiseMax(0), h);
    const Matrixd a = u * tensors.Block("factorized_dense.wa", h);
    const Matrixd b = u * tensors.Block("factorized_dense.wb", h);
    Matrixd s(x.rows(), x.rows());
    for (Index i = 0; i < s.rows(); ++i) {
      for (Index j = 0; j < s.cols(); ++j) s(i, j) = a(i, j % spec.a) * b(i, j / spec.a);
    }
    return s;
  }
  Matrixd operator()(const RandomSpec&) const {
    return tensors.Block("random.r", h).topLeftCorner(x.rows(), x.rows());
  }
  Matrixd operator()(const FactorizedRandomSpec&) const {
    const Matrixd all = tensors.Block("factorized_random.r1", h) *
                        tensors.Block("factorized_random.r2", h).transpose();
    return all.topLeftCorner(x.rows(), x.rows());
  }
  Matrixd operator()(const MixtureSpec& mixture) const {
    const Matrixd alpha = Softmax(tensors.Block("mixture.a", 0));
    Matrixd s = Matrixd::Zero(x.rows(), x.rows());
    for (std::size_t m = 0; m < mixture.parts.size(); ++m) {
      const Tensors part = tensors.Below("mixture." + std::to_string(m));
      s += alpha(h, static_cast<Index>(m)) * std::visit(Scores{part, x, h}, mixture.parts[m]);
    }
    return s;
  }
};

Matrixd Attention(const Tensors& tensors, const AttentionSpec& spec, const Matrixd& x) {
  const Tensors self = tensors.Below("attention.self");
  const Matrixd values = self.Linear("value", x);
  Matrixd mixed(x.rows(), x.cols());
  for (Index h = 0; h < self.heads; ++h) {
    mixed.middleCols(h * self.head_size, self.head_size) =
        Softmax(std::visit(Scores{self, x, h}, spec)) * self.Head(values, h);
  }
  return tensors.Linear("attention.output.dense", mixed);
}

double Activate(Activation activation, double x) {
  switch (activation) {
    case Activation::kRelu:
      return std::fmax(x, 0);
    case Activation::kGelu:
      return x / 2 * (1 + std::erf(x / std::numbers::sqrt2));
    case Activation::kSilu:
      return x / (1 + std::exp(-x));
    case Activation::kGeluNew:
      break;
  }
  return x / 2 * (1 + std::tanh(std::sqrt(2 / std::numbers::pi) * (x + 0.044715 * x * x * x)));
}

Matrixd FeedForward(const Tensors& tensors, Activation activation, const Matrixd& x) {
  const Matrixd inner = tensors.Linear("intermediate.dense", x).unaryExpr([activation](double z) {
    return Activate(activation, z);
  });
  return tensors.Linear("output.dense", inner);
}

}  // namespace

std::vector<double> NaiveForward(const ModelConfig& config, const TestTensors& tensors,
                                 std::span<const std::int32_t> token_ids) {
  const auto eps = static_cast<double>(config.layer_norm_eps);
  const bool pre = config.norm_position == NormPosition::kPre;
  const Tensors model{tensors, "", config.num_attention_heads, config.head_size()};
  const auto n = static_cast<Index>(token_ids.size());
  Matrixd x(n, config.hidden_size);
  for (Index i = 0; i < n; ++i) {
    x.row(i) = model.Block("embeddings.word_embeddings.weight", 0)
                   .row(token_ids[static_cast<std::size_t>(i)]);
    if (config.position_embedding == PositionEmbedding::kAbsolute) {
      x.row(i) += model.Block("embeddings.position_embeddings.weight", 0).row(i);
    }
    if (config.type_vocab_size > 0) {
      x.row(i) += model.Block("embeddings.token_type_embeddings.weight", 0).row(0);
    }
  }
  x = model.Norm("embeddings.LayerNorm", x, eps);
  for (std::size_t i = 0; i < config.attention.size(); ++i) {
    const Tensors layer = model.Below("encoder.layer." + std::to_string(i));
    if (pre) {
      x += Attention(layer, config.attention[i], layer.Norm("attention.LayerNorm", x, eps));
      x += FeedForward(layer, config.hidden_act, layer.Norm("intermediate.LayerNorm", x, eps));
    } else {
      x = layer.Norm("attention.output.LayerNorm", x + Attention(layer, config.attention[i], x),
                     eps);
      x = layer.Norm("output.LayerNorm", x + FeedForward(layer, config.hidden_act, x), eps);
    }
  }
  if (pre) x = model.Norm("LayerNorm", x, eps);
  return {x.data(), x.data() + x.size()};
}

}  // namespace synth
