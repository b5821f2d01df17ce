#include "tests/bench/eigen_encoder.h"

#include <Eigen/Core>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <unsupported/Eigen/SpecialFunctions>
#include <utility>
#include <variant>
#include <vector>

#include "model/checkpoint/checkpoint.h"
#include "synth/config.h"

namespace synth {
namespace {

using RowMajor = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Row = Eigen::Matrix<float, 1, Eigen::Dynamic>;
using Eigen::Index;

RowMajor ReadMatrix(const TensorScope& tensors, const std::string& name, Index rows, Index cols) {
  const std::vector<float> values = tensors.Read(name);
  return Eigen::Map<const RowMajor>(values.data(), rows, cols);
}
Row ReadRow(const TensorScope& tensors, const std::string& name) {
  const std::vector<float> values = tensors.Read(name);
  return Eigen::Map<const Row>(values.data(), static_cast<Index>(values.size()));
}

struct Linear {
  RowMajor weight;  // [out, in]
  Row bias;

  Linear(const TensorScope& tensors, Index out, Index in)
      : weight(ReadMatrix(tensors, "weight", out, in)), bias(ReadRow(tensors, "bias")) {}
  void Apply(const RowMajor& x, RowMajor& y) const {
    y.noalias() = x * weight.transpose();
    y.rowwise() += bias;
  }
};

struct Norm {
  Row gain;
  Row bias;
  float eps;

  Norm(const TensorScope& tensors, float the_eps)
      : gain(ReadRow(tensors, "weight")), bias(ReadRow(tensors, "bias")), eps(the_eps) {}
  void Apply(RowMajor& x) const {
    for (Index i = 0; i < x.rows(); ++i) {
      auto row = x.row(i).array();
      row -= row.mean();
      const float scale = 1.0F / std::sqrt(row.square().mean() + eps);
      row = row * scale * gain.array() + bias.array();
    }
  }
};

// softmax(R1 R2ᵀ) of each head, [n, n].
std::vector<RowMajor> Attention(const TensorScope& self, const ModelConfig& config,
                                const FactorizedRandomSpec& spec, int n) {
  const Index length = config.max_position_embeddings;
  const Index heads = config.num_attention_heads;
  const RowMajor r1 = ReadMatrix(self, "factorized_random.r1", heads * length, spec.k);
  const RowMajor r2 = ReadMatrix(self, "factorized_random.r2", heads * length, spec.k);
  std::vector<RowMajor> attention;
  for (Index h = 0; h < heads; ++h) {
    RowMajor s = r1.middleRows(h * length, n) * r2.middleRows(h * length, n).transpose();
    for (Index i = 0; i < n; ++i) {
      auto row = s.row(i).array();
      row = (row - row.maxCoeff()).exp();
      row /= row.sum();
    }
    attention.push_back(std::move(s));
  }
  return attention;
}

struct Layer {
  Linear value;
  std::vector<RowMajor> attention;
  Linear output;
  Norm attention_norm;
  Linear intermediate;
  Linear inner_output;
  Norm output_norm;

  Layer(const TensorScope& layer, const ModelConfig& config, const FactorizedRandomSpec& spec,
        int n)
      : value(layer.Below("attention").Below("self").Below("value"), config.hidden_size,
              config.hidden_size),
        attention(Attention(layer.Below("attention").Below("self"), config, spec, n)),
        output(layer.Below("attention").Below("output").Below("dense"), config.hidden_size,
               config.hidden_size),
        attention_norm(layer.Below("attention").Below("output").Below("LayerNorm"),
                       config.layer_norm_eps),
        intermediate(layer.Below("intermediate").Below("dense"), config.intermediate_size,
                     config.hidden_size),
        inner_output(layer.Below("output").Below("dense"), config.hidden_size,
                     config.intermediate_size),
        output_norm(layer.Below("output").Below("LayerNorm"), config.layer_norm_eps) {}
};

std::vector<Layer> ReadLayers(const Checkpoint& checkpoint, int n) {
  const ModelConfig& config = checkpoint.config();
  std::vector<Layer> layers;
  for (std::size_t i = 0; i < config.attention.size(); ++i) {
    const TensorScope layer(checkpoint, "encoder.layer." + std::to_string(i) + ".");
    layers.emplace_back(layer, config, std::get<FactorizedRandomSpec>(config.attention[i]), n);
  }
  return layers;
}

}  // namespace

struct EigenEncoder::Impl {
  Impl(const Checkpoint& checkpoint, int n)
      : length(n),
        words(ReadMatrix(TensorScope(checkpoint, "embeddings."), "word_embeddings.weight",
                         checkpoint.config().vocab_size, checkpoint.config().hidden_size)),
        positions(ReadMatrix(TensorScope(checkpoint, "embeddings."), "position_embeddings.weight",
                             checkpoint.config().max_position_embeddings,
                             checkpoint.config().hidden_size)),
        norm(TensorScope(checkpoint, "embeddings.LayerNorm."), checkpoint.config().layer_norm_eps),
        layers(ReadLayers(checkpoint, n)) {}

  void Attend(const Layer& layer) {
    const auto heads = static_cast<Index>(layer.attention.size());
    const Index head_size = x.cols() / heads;
    layer.value.Apply(x, values);
    mixed.resize(x.rows(), x.cols());
    for (Index first = 0; first < x.rows(); first += length) {
      for (Index h = 0; h < heads; ++h) {
        mixed.block(first, h * head_size, length, head_size).noalias() =
            layer.attention[static_cast<std::size_t>(h)] *
            values.block(first, h * head_size, length, head_size);
      }
    }
    layer.output.Apply(mixed, update);
  }

  void FeedForward(const Layer& layer) {
    layer.intermediate.Apply(x, inner);
    inner = inner.array() * 0.5F * (1.0F + (inner.array() * 0.70710678F).erf());
    layer.inner_output.Apply(inner, update);
  }

  void Forward(std::span<const std::int32_t> token_ids) {
    x.resize(static_cast<Index>(token_ids.size()), words.cols());
    for (Index t = 0; t < x.rows(); ++t) {
      x.row(t) = words.row(token_ids[static_cast<std::size_t>(t)]) + positions.row(t % length);
    }
    norm.Apply(x);
    for (const Layer& layer : layers) {
      Attend(layer);
      x += update;
      layer.attention_norm.Apply(x);
      FeedForward(layer);
      x += update;
      layer.output_norm.Apply(x);
    }
  }

  const Index length;
  const RowMajor words;
  const RowMajor positions;
  const Norm norm;
  const std::vector<Layer> layers;
  RowMajor x;  // [T, D]
  RowMajor values;
  RowMajor mixed;
  RowMajor update;
  RowMajor inner;  // [T, F]
};

EigenEncoder::EigenEncoder(const Checkpoint& checkpoint, int length)
    : impl_(std::make_unique<Impl>(checkpoint, length)) {}
EigenEncoder::~EigenEncoder() = default;

std::span<const float> EigenEncoder::Forward(std::span<const std::int32_t> token_ids) {
  impl_->Forward(token_ids);
  return {impl_->x.data(), static_cast<std::size_t>(impl_->x.size())};
}

}  // namespace synth
