// Each kernel of each instruction set against its naive twin, over sizes around every vector, tile
// and panel.

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

#include "model/kernels/packed_matrix.h"
#include "model/kernels/select.h"

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

class KernelsTest : public testing::TestWithParam<const Kernels*> {
 protected:
  const Kernels& kernels() const { return *GetParam(); }
};

TEST_P(KernelsTest, MatmulIsTheProduct) {
  for (const Index rows : {1, 2, 5, 6, 7, 13, 97, 100}) {
    for (const Index depth : {1, 3, 18, 64}) {
      for (const Index cols : {1, 7, 8, 9, 16, 17, 33, 48, 63, 64, 65, 130}) {
        const RowMajor a = Random(rows, depth);
        const RowMajor b = Random(depth, cols, 2);
        const RowMajor b_transposed = b.transpose();
        const RowMajor expected = a * b;
        RowMajor c = RowMajor::Constant(rows, cols, 99);
        kernels().matmul(View(a), PackedMatrix::Pack(kernels(), View(b)).view(), {}, View(c));
        ASSERT_TRUE(c.isApprox(expected, 1e-5F)) << rows << " " << depth << " " << cols;
        RowMajor d = RowMajor::Constant(rows, cols, 99);
        kernels().matmul(View(a),
                         PackedMatrix::PackTransposed(kernels(), View(b_transposed)).view(), {},
                         View(d));
        ASSERT_TRUE(d == c) << rows << " " << depth << " " << cols;
      }
    }
  }
}

TEST_P(KernelsTest, MatmulStaysInsideC) {
  const RowMajor a = Random(7, 5);
  const RowMajor b = Random(5, 70, 2);
  const PackedMatrix packed = PackedMatrix::Pack(kernels(), View(b));
  for (const Index cols : {1, 15, 16, 40, 69}) {  // the leading columns, in a wider matrix
    RowMajor c = RowMajor::Constant(9, 80, 99);
    kernels().matmul(View(a), packed.view(), {}, {c.data() + 80, 7, cols, 80});
    RowMajor expected = RowMajor::Constant(9, 80, 99);
    expected.block(1, 0, 7, cols) = (a * b).leftCols(cols);
    EXPECT_TRUE(c.isApprox(expected, 1e-5F)) << cols;
    EXPECT_TRUE(c.row(0).isConstant(99) && c.row(8).isConstant(99));
    EXPECT_TRUE(c.rightCols(80 - cols).isConstant(99));
  }
}

TEST_P(KernelsTest, MatmulEpilogues) {
  const Index rows = 8;
  const Index cols = 37;
  const RowMajor a = Random(rows, 10);
  const RowMajor b = Random(10, cols, 2);
  const RowMajor start = Random(rows, cols, 3);
  const RowMajor bias = Random(1, cols, 4);
  const RowMajor scale = Random(rows, 1, 5);
  const PackedMatrix packed = PackedMatrix::Pack(kernels(), View(b));
  const RowMajor product = a * b;

  RowMajor c = start;
  kernels().matmul(View(a), packed.view(), {.bias = bias.data()}, View(c));
  EXPECT_TRUE(c.isApprox(product.rowwise() + bias.row(0), 1e-5F));
  c = start;
  kernels().matmul(View(a), packed.view(), {.bias = bias.data(), .accumulate = true}, View(c));
  EXPECT_TRUE(c.isApprox((product.rowwise() + bias.row(0)) + start, 1e-5F));
  c = start;
  kernels().matmul(View(a), packed.view(), {.row_scale = scale.data()}, View(c));
  EXPECT_TRUE(c.isApprox(scale.col(0).asDiagonal() * product, 1e-5F));
}

TEST_P(KernelsTest, RowsDoNotDependOnOtherRows) {
  const RowMajor a = Random(103, 67);
  const RowMajor b = Random(67, 90, 2);
  const RowMajor bias = Random(1, 90, 3);
  const PackedMatrix packed = PackedMatrix::Pack(kernels(), View(b));
  RowMajor all(103, 90);
  kernels().matmul(View(a), packed.view(), {.bias = bias.data()}, View(all));
  kernels().gelu(View(all));
  for (const Index rows : {1, 2, 3, 4, 5, 6, 11}) {
    for (Index first = 0; first + rows <= 103; first += 7) {
      RowMajor some(rows, 90);
      kernels().matmul({a.data() + first * 67, rows, 67, 67}, packed.view(), {.bias = bias.data()},
                       View(some));
      kernels().gelu(View(some));
      ASSERT_TRUE(some == all.middleRows(first, rows)) << rows << " " << first;
    }
  }
}

TEST_P(KernelsTest, ExpRowsIsSoftmax) {
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

double Gelu(double x) { return x / 2 * (1 + std::erf(x / std::numbers::sqrt2)); }
double GeluNew(double x) {
  return x / 2 * (1 + std::tanh(std::sqrt(2 / std::numbers::pi) * (x + 0.044715 * x * x * x)));
}

TEST_P(KernelsTest, Activations) {
  std::vector<float> inputs = {0, -0.0F, 1e-30F, -1e-30F, 50, -50, 1e6F, -1e6F};
  for (int i = -1200; i < 1200; ++i) inputs.push_back(static_cast<float>(i) / 100);
  const auto size = static_cast<Index>(inputs.size());
  const auto apply = [&](void (*kernel)(const Matrix&)) {
    std::vector<float> values = inputs;
    kernel({values.data(), 1, size, size});
    return values;
  };
  const std::vector<float> relu = apply(kernels().relu);
  const std::vector<float> gelu = apply(kernels().gelu);
  const std::vector<float> gelu_new = apply(kernels().gelu_new);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const auto x = static_cast<double>(inputs[i]);
    const double tolerance = 1e-6 * std::max(1.0, std::abs(x));
    EXPECT_EQ(relu[i], std::max(inputs[i], 0.0F));
    EXPECT_NEAR(static_cast<double>(gelu[i]), Gelu(x), tolerance) << x;
    EXPECT_NEAR(static_cast<double>(gelu_new[i]), GeluNew(x), tolerance) << x;
  }
}

TEST_P(KernelsTest, ActivationsKeepToTheirColumns) {
  RowMajor x = RowMajor::Constant(3, 20, -1);
  kernels().relu({x.data(), 3, 17, 20});
  EXPECT_TRUE(x.leftCols(17).isZero());
  EXPECT_TRUE(x.rightCols(3).isConstant(-1));
}

TEST_P(KernelsTest, LayerNorm) {
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

TEST_P(KernelsTest, Add) {
  for (const Index cols : {1, 15, 16, 35}) {
    const RowMajor y = Random(3, cols);
    RowMajor x = Random(3, cols, 2);
    const RowMajor expected = x + y;
    kernels().add(View(y), View(x));
    EXPECT_TRUE(x == expected);
  }
}

INSTANTIATE_TEST_SUITE_P(All, KernelsTest, testing::ValuesIn(SupportedKernels()),
                         [](const auto& param) { return std::string(param.param->name); });

}  // namespace
}  // namespace synth
