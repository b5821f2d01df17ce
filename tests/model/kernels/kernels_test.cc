// Each kernel of each instruction set and precision against its naive twin, over sizes around every
// vector, tile and panel.

#include "model/kernels/kernels.h"

#include <gtest/gtest.h>

#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numbers>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "model/kernels/operand.h"
#include "model/kernels/packed_matrix.h"
#include "model/kernels/select.h"
#include "tests/model/kernel_variants.h"

namespace synth {
namespace {

using RowMajor = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

RowMajor Random(Index rows, Index cols, unsigned seed = 1) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal;
  return RowMajor::NullaryExpr(rows, cols, [&] { return normal(generator); });
}

ConstMatrix View(const RowMajor& m) { return {m.data(), m.rows(), m.cols(), m.cols()}; }
Matrix View(RowMajor& m) { return {m.data(), m.rows(), m.cols(), m.cols()}; }

// --- Products ---

// What a kernel makes of the rows of an operand, or of the columns of a packed matrix.
Eigen::MatrixXd Rounded(const MatmulKernels& kernels, const RowMajor& rows) {
  Eigen::MatrixXd rounded = rows.cast<double>();
  if (kernels.depth_per_word == 2) {  // bfloat16: 8 significant bits
    rounded = rounded.unaryExpr([](double x) {
      int exponent = 0;
      const double fraction = std::frexp(x, &exponent);
      return std::ldexp(std::nearbyint(std::ldexp(fraction, 8)), exponent - 8);
    });
  }
  if (kernels.depth_per_word == 4) {  // 255 steps from -max to max
    for (Index i = 0; i < rows.rows(); ++i) {
      const float max = rows.row(i).cwiseAbs().maxCoeff();
      for (Index k = 0; k < rows.cols(); ++k) {
        const auto steps = static_cast<double>(std::nearbyint(rows(i, k) * (127 / max)));
        rounded(i, k) = steps * static_cast<double>(max) / 127;
      }
    }
  }
  return rounded;
}

// Operands that fit every precision to the last bit: int8 rounds where float and double differ.
class MatmulTest : public testing::TestWithParam<KernelVariant> {
 protected:
  const MatmulKernels& kernels() const { return kernels_.linear; }

  void Multiply(const RowMajor& a, const PackedMatrix& b, const Epilogue& epilogue,
                const Matrix& c) const {
    OperandBuffer buffer;
    kernels().matmul(Prepare(kernels(), View(a), buffer), b.view(), epilogue, c);
  }
  PackedMatrix Pack(const RowMajor& b_transposed) const {
    return PackedMatrix::PackTransposed(kernels(), View(b_transposed));
  }
  Eigen::MatrixXd Product(const RowMajor& a, const RowMajor& b_transposed) const {
    return Rounded(kernels(), a) * Rounded(kernels(), b_transposed).transpose();
  }

  const Kernels kernels_ = KernelsOf(GetParam());
};

testing::AssertionResult IsNear(const RowMajor& got, const Eigen::MatrixXd& expected) {
  // maxCoeff below passes over a NaN.
  if (!got.allFinite()) return testing::AssertionFailure() << "not all are finite";
  const double difference = (got.cast<double>() - expected).cwiseAbs().maxCoeff();
  const double largest = expected.cwiseAbs().maxCoeff();
  if (difference <= 2e-6 * std::max(1.0, largest)) return testing::AssertionSuccess();
  return testing::AssertionFailure() << "they differ by " << difference << " of " << largest;
}

TEST_P(MatmulTest, IsTheProduct) {
  for (const Index rows : {1, 2, 5, 6, 7, 13, 97, 100}) {
    for (const Index depth : {1, 2, 3, 4, 18, 31, 64, 67}) {
      for (const Index cols : {1, 7, 8, 9, 16, 17, 33, 48, 63, 64, 65, 130}) {
        const RowMajor a = Random(rows, depth);
        const RowMajor b_transposed = Random(cols, depth, 2);
        RowMajor c = RowMajor::Constant(rows, cols, 99);
        Multiply(a, Pack(b_transposed), {}, View(c));
        ASSERT_TRUE(IsNear(c, Product(a, b_transposed))) << rows << " " << depth << " " << cols;
        if (kernels().pack == nullptr) continue;
        const RowMajor b = b_transposed.transpose();
        RowMajor d = RowMajor::Constant(rows, cols, 99);
        Multiply(a, PackedMatrix::Pack(kernels(), View(b)), {}, View(d));
        ASSERT_TRUE(d == c) << rows << " " << depth << " " << cols;
      }
    }
  }
}

TEST_P(MatmulTest, StaysInsideC) {
  const RowMajor a = Random(7, 5);
  const RowMajor b_transposed = Random(70, 5, 2);
  const PackedMatrix packed = Pack(b_transposed);
  for (const Index cols : {1, 15, 16, 40, 69}) {  // the leading columns, in a wider matrix
    RowMajor c = RowMajor::Constant(9, 80, 99);
    Multiply(a, packed, {}, {c.data() + 80, 7, cols, 80});
    Eigen::MatrixXd expected = Eigen::MatrixXd::Constant(9, 80, 99);
    expected.block(1, 0, 7, cols) = Product(a, b_transposed).leftCols(cols);
    EXPECT_TRUE(IsNear(c, expected)) << cols;
    EXPECT_TRUE(c.row(0).isConstant(99) && c.row(8).isConstant(99));
    EXPECT_TRUE(c.rightCols(80 - cols).isConstant(99));
  }
}

// The leading block of a wider matrix, as the mix multiplies precomputed attention.
TEST_P(MatmulTest, TakesTheLeadingColumnsOfAnOperand) {
  if (kernels().pack == nullptr) return;  // int8 multiplies whole rows only
  const RowMajor wide = Random(9, 40);
  OperandBuffer buffer;
  Operand a = Prepare(kernels(), View(wide), buffer);
  for (const Index depth : {1, 2, 7, 8, 39}) {
    const RowMajor b = Random(depth, 21, 2);
    a.depth = depth;
    RowMajor c(9, 21);
    kernels().matmul(a, PackedMatrix::Pack(kernels(), View(b)).view(), {}, View(c));
    EXPECT_TRUE(IsNear(c, Product(wide.leftCols(depth), b.transpose()))) << depth;
  }
}

TEST_P(MatmulTest, Epilogues) {
  const Index rows = 8;
  const Index cols = 37;
  const RowMajor a = Random(rows, 10);
  const RowMajor b_transposed = Random(cols, 10, 2);
  const RowMajor start = Random(rows, cols, 3);
  const RowMajor bias = Random(1, cols, 4);
  const RowMajor scale = Random(rows, 1, 5);
  const PackedMatrix packed = Pack(b_transposed);
  const Eigen::MatrixXd product = Product(a, b_transposed);
  const Eigen::MatrixXd with_bias = product.rowwise() + bias.row(0).cast<double>();

  RowMajor c = start;
  Multiply(a, packed, {.bias = bias.data()}, View(c));
  EXPECT_TRUE(IsNear(c, with_bias));
  c = start;
  Multiply(a, packed, {.bias = bias.data(), .accumulate = true}, View(c));
  EXPECT_TRUE(IsNear(c, with_bias + start.cast<double>()));
  c = start;
  Multiply(a, packed, {.row_scale = scale.data()}, View(c));
  EXPECT_TRUE(IsNear(c, scale.col(0).cast<double>().asDiagonal() * product));
  c = start;
  Multiply(a, packed, {.bias = bias.data(), .activation = EpilogueActivation::kRelu}, View(c));
  EXPECT_TRUE(IsNear(c, with_bias.cwiseMax(0)));
}

double Gelu(double x) { return x / 2 * (1 + std::erf(x / std::numbers::sqrt2)); }

TEST_P(MatmulTest, GeluIsAsExactAsThePrecisionDeserves) {
  std::vector<float> inputs = {0, -0.0F, 1e-30F, -1e-30F, 50, -50, 1e6F, -1e6F};
  for (int i = -12000; i < 12000; ++i) inputs.push_back(static_cast<float>(i) / 1000);
  const auto size = static_cast<Index>(inputs.size());
  RowMajor c(1, size);
  Multiply(RowMajor::Zero(1, 1), Pack(RowMajor::Ones(size, 1)),
           {.bias = inputs.data(), .activation = EpilogueActivation::kGelu}, View(c));
  const double tolerance = kernels().depth_per_word == 1 ? 1e-6 : 5e-5;
  for (Index i = 0; i < size; ++i) {
    const auto x = static_cast<double>(inputs[static_cast<std::size_t>(i)]);
    EXPECT_NEAR(static_cast<double>(c(0, i)), Gelu(x), tolerance * std::max(1.0, std::abs(x))) << x;
  }
}

TEST_P(MatmulTest, RowsDoNotDependOnOtherRows) {
  const RowMajor a = Random(103, 67);
  const RowMajor bias = Random(1, 90, 3);
  const PackedMatrix packed = Pack(Random(90, 67, 2));
  const Epilogue epilogue = {.bias = bias.data(), .activation = EpilogueActivation::kGelu};
  RowMajor all(103, 90);
  Multiply(a, packed, epilogue, View(all));
  for (const Index rows : {1, 2, 3, 4, 5, 6, 11}) {
    for (Index first = 0; first + rows <= 103; first += 7) {
      RowMajor some(rows, 90);
      Multiply(a.middleRows(first, rows), packed, epilogue, View(some));
      ASSERT_TRUE(some == all.middleRows(first, rows)) << rows << " " << first;
    }
  }
}

TEST_P(MatmulTest, ZerosAndLargeNumbers) {
  RowMajor a = RowMajor::Zero(2, 8);
  a.row(1).setConstant(1e30F);
  const RowMajor b_transposed = RowMajor::Constant(3, 8, 0.5F);
  RowMajor c(2, 3);
  Multiply(a, Pack(b_transposed), {}, View(c));
  EXPECT_TRUE(c.row(0).isZero(0));
  EXPECT_TRUE(c.row(1).isApproxToConstant(4e30F, 0.01F));
}

// Nor does an epilogue make a number of it.
TEST_P(MatmulTest, NanStaysInItsRow) {
  using enum EpilogueActivation;
  for (const Index at : {0, 5, 20, 36}) {
    RowMajor a = Random(3, 37);
    a(1, at) = std::numeric_limits<float>::quiet_NaN();
    const PackedMatrix packed = Pack(Random(21, 37, 2));
    for (const EpilogueActivation activation : {kNone, kRelu, kGelu, kGeluNew, kSilu}) {
      RowMajor c = RowMajor::Zero(3, 21);
      Multiply(a, packed, {.activation = activation}, View(c));
      EXPECT_TRUE(c.row(1).array().isNaN().all()) << at << " " << static_cast<int>(activation);
      EXPECT_TRUE(c.row(0).allFinite() && c.row(2).allFinite()) << at;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, MatmulTest, testing::ValuesIn(KernelVariants()),
                         [](const auto& param) { return param.param.name(); });

// --- Row by row ---

class RowKernelsTest : public testing::TestWithParam<const IsaKernels*> {
 protected:
  const RowKernels& kernels() const { return GetParam()->rows; }
  const MatmulKernels& matmul() const { return GetParam()->f32; }
};

TEST_P(RowKernelsTest, ExpRowsIsSoftmax) {
  for (const Index cols : {1, 2, 15, 16, 17, 31, 64, 100}) {
    RowMajor x = Random(5, cols) * 10;
    x(2, 0) = 300;
    x(3, cols - 1) = -400;
    const Eigen::MatrixXd wide = x.cast<double>();
    std::vector<float> reciprocal(5);
    kernels().exp_rows(View(x), reciprocal.data());
    for (Index i = 0; i < 5; ++i) {
      const Eigen::ArrayXd e = (wide.row(i).array() - wide.row(i).maxCoeff()).exp();
      for (Index j = 0; j < cols; ++j) {
        const auto got = static_cast<double>(x(i, j)) *
                         static_cast<double>(reciprocal[static_cast<std::size_t>(i)]);
        EXPECT_NEAR(got, e(j) / e.sum(), 1e-6) << cols;
      }
    }
  }
}

TEST_P(RowKernelsTest, ExpRowsOfNanIsNan) {
  for (const Index cols : {1, 2, 17, 40}) {
    for (Index at = 0; at < cols; ++at) {
      RowMajor x = Random(3, cols);
      x(1, at) = std::numeric_limits<float>::quiet_NaN();
      std::vector<float> reciprocal(3);
      kernels().exp_rows(View(x), reciprocal.data());
      EXPECT_TRUE(std::isnan(reciprocal[1])) << cols << " " << at;  // the factor of all its row
      EXPECT_TRUE(x.row(0).allFinite() && std::isfinite(reciprocal[0]));
      EXPECT_TRUE(x.row(2).allFinite() && std::isfinite(reciprocal[2]));
    }
  }
}

double GeluNew(double x) {
  return x / 2 * (1 + std::tanh(std::sqrt(2 / std::numbers::pi) * (x + 0.044715 * x * x * x)));
}

double Silu(double x) { return x / (1 + std::exp(-x)); }

TEST_P(RowKernelsTest, Activations) {
  std::vector<float> inputs = {0, -0.0F, 1e-30F, -1e-30F, 50, -50, 1e6F, -1e6F, 1e38F, -1e38F};
  for (int i = -12000; i < 12000; ++i) inputs.push_back(static_cast<float>(i) / 1000);
  const auto size = static_cast<Index>(inputs.size());
  const RowMajor one = RowMajor::Ones(1, 1);
  const PackedMatrix packed = PackedMatrix::Pack(matmul(), View(one));
  const auto apply = [&](EpilogueActivation activation) {  // to 1 · x
    std::vector<float> values(inputs.size());
    matmul().matmul({inputs.data(), size, 1, 1}, packed.view(), {.activation = activation},
                    {values.data(), size, 1, 1});
    return values;
  };
  const std::vector<float> relu = apply(EpilogueActivation::kRelu);
  const std::vector<float> gelu = apply(EpilogueActivation::kGelu);
  const std::vector<float> gelu_new = apply(EpilogueActivation::kGeluNew);
  const std::vector<float> silu = apply(EpilogueActivation::kSilu);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const auto x = static_cast<double>(inputs[i]);
    const double tolerance = 1e-6 * std::max(1.0, std::abs(x));
    EXPECT_EQ(relu[i], std::max(inputs[i], 0.0F));
    EXPECT_NEAR(static_cast<double>(gelu[i]), Gelu(x), tolerance) << x;
    EXPECT_NEAR(static_cast<double>(gelu_new[i]), GeluNew(x), tolerance) << x;
    EXPECT_NEAR(static_cast<double>(silu[i]), Silu(x), tolerance) << x;
  }
}

TEST_P(RowKernelsTest, LayerNorm) {
  for (const Index cols : {1, 2, 7, 16, 18, 33, 256}) {
    const RowMajor x = (Random(4, cols).array() * 3 + 100).matrix();
    const RowMajor gain = Random(1, cols, 2);
    const RowMajor bias = Random(1, cols, 3);
    RowMajor y(4, cols);
    kernels().layer_norm(View(x), gain.data(), bias.data(), 1e-5F, View(y));
    RowMajor in_place = x;
    kernels().layer_norm(View(std::as_const(in_place)), gain.data(), bias.data(), 1e-5F,
                         View(in_place));
    EXPECT_TRUE(in_place == y);
    for (Index i = 0; i < 4; ++i) {
      const Eigen::ArrayXd row = x.row(i).cast<double>().transpose().array();
      const double variance = (row - row.mean()).square().mean();
      for (Index j = 0; j < cols; ++j) {
        const double normal = (row(j) - row.mean()) / std::sqrt(variance + 1e-5);
        EXPECT_NEAR(static_cast<double>(y(i, j)),
                    normal * static_cast<double>(gain(0, j)) + static_cast<double>(bias(0, j)),
                    1e-4)
            << cols;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, RowKernelsTest, testing::ValuesIn(SupportedIsas()),
                         [](const auto& param) { return std::string(param.param->name); });

}  // namespace
}  // namespace synth
