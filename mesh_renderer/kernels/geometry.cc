#include "geometry.h"

#include <algorithm>
#include <cstring>
#include <vector>

namespace mesh_renderer {
namespace {

constexpr int kBlock = 256;  // points
constexpr int kLanes = 16;   // partial sums of a reduction, so that it can be vectorised in a fixed order

// Blend reads a basis, which is far larger than a cache, once for this many images,
constexpr int kImages = 16;
// and this many of its rows together, so that a coefficient is loaded once for all of them.
constexpr int kRows = 8;
constexpr int kTile = 64;  // rows whose values are written together, a multiple of kRows

typedef float ImageVector __attribute__((vector_size(4 * kImages)));

// Up to this many images are blended one by one: reading the basis is then what takes the time.
constexpr int kFewImages = 4;

typedef float LaneVector __attribute__((vector_size(4 * kLanes)));

inline LaneVector LanesAt(const float* from) {
  LaneVector lanes;
  std::memcpy(&lanes, from, sizeof(lanes));
  return lanes;
}

// Sum of products, in kLanes partial sums.
inline float DotProduct(const float* a, const float* b, int size) {
  LaneVector sums = {};
  int k = 0;
  for (; k + kLanes <= size; k += kLanes) sums += LanesAt(a + k) * LanesAt(b + k);
  float lanes[kLanes];
  std::memcpy(lanes, &sums, sizeof(sums));
  for (int width = kLanes / 2; width > 0; width /= 2) {
    for (int j = 0; j < width; ++j) lanes[j] += lanes[j + width];
  }
  for (; k < size; ++k) lanes[0] += a[k] * b[k];
  return lanes[0];
}

template <int kWidth>
void TransformBlocks(const float* points, const float* linear, const float* offset, int64_t count,
                     float* images) {
  for (int64_t i = 0; i < count; ++i) {
    const float x = points[3 * i], y = points[3 * i + 1], z = points[3 * i + 2];
    for (int c = 0; c < kWidth; ++c) {
      images[kWidth * i + c] =
          ((x * linear[c] + y * linear[kWidth + c]) + z * linear[2 * kWidth + c]) + offset[c];
    }
  }
}

template <int kWidth>
void TransformGradBlocks(const float* points, const float* linear, const float* image_grad, int64_t count,
                         float* point_grad, float* linear_grad, float* offset_grad) {
  float p[4][kBlock], g[kWidth][kBlock];
  float sums[4][kWidth][kLanes] = {};  // of p_i g_c, with p_3 = 1 for the offset
  for (int64_t first = 0; first < count; first += kBlock) {
    const int size = static_cast<int>(std::min<int64_t>(kBlock, count - first));
    const int padded = (size + kLanes - 1) / kLanes * kLanes;
    const float* from = points + 3 * first;
    const float* grad = image_grad + kWidth * first;
    float* to = point_grad + 3 * first;
    for (int i = 0; i < size; ++i) {
      for (int k = 0; k < 3; ++k) p[k][i] = from[3 * i + k];
      p[3][i] = 1.0f;
      for (int c = 0; c < kWidth; ++c) g[c][i] = grad[kWidth * i + c];
    }
    for (int i = size; i < padded; ++i) {
      for (int k = 0; k < 4; ++k) p[k][i] = 0.0f;
      for (int c = 0; c < kWidth; ++c) g[c][i] = 0.0f;
    }
    for (int k = 0; k < 4; ++k) {
      for (int c = 0; c < kWidth; ++c) {
        float lanes[kLanes];
        std::copy(sums[k][c], sums[k][c] + kLanes, lanes);
        for (int i = 0; i < padded; i += kLanes) {
          for (int j = 0; j < kLanes; ++j) lanes[j] += p[k][i + j] * g[c][i + j];
        }
        std::copy(lanes, lanes + kLanes, sums[k][c]);
      }
    }
    for (int i = 0; i < size; ++i) {
      for (int k = 0; k < 3; ++k) {
        float sum = 0.0f;
        for (int c = 0; c < kWidth; ++c) sum += g[c][i] * linear[kWidth * k + c];
        to[3 * i + k] = sum;
      }
    }
  }
  for (int k = 0; k < 4; ++k) {
    for (int c = 0; c < kWidth; ++c) {
      double sum = 0.0;
      for (int j = 0; j < kLanes; ++j) sum += sums[k][c][j];
      (k < 3 ? linear_grad + kWidth * k : offset_grad)[c] = static_cast<float>(sum);
    }
  }
}

}  // namespace

void Blend(const float* mean, const float* basis, const float* coefficients, int64_t batch, int64_t size,
           int terms, int64_t begin, int64_t end, float* values) {
  if (batch <= kFewImages) {
    for (int64_t m = begin; m < end; ++m) {
      for (int64_t i = 0; i < batch; ++i) {
        values[i * size + m] = DotProduct(basis + m * terms, coefficients + i * terms, terms) + mean[m];
      }
    }
    return;
  }
  // [terms] per group of images.
  const int64_t groups = (batch + kImages - 1) / kImages;
  std::vector<float> columns(groups * terms * kImages, 0.0f);
  for (int64_t i = 0; i < batch; ++i) {
    for (int k = 0; k < terms; ++k) {
      columns[((i / kImages) * terms + k) * kImages + i % kImages] = coefficients[i * terms + k];
    }
  }
  float tile[kTile][kImages];
  for (int64_t first = begin; first < end; first += kTile) {
    const int rows = static_cast<int>(std::min<int64_t>(kTile, end - first));
    for (int64_t group = 0; group < groups; ++group) {
      const float* column = columns.data() + group * terms * kImages;
      for (int row = 0; row < rows; row += kRows) {
        ImageVector sums[kRows] = {};
        const float* lines[kRows];  // the last rows of a range are computed more than once
        for (int r = 0; r < kRows; ++r) lines[r] = basis + (first + std::min(row + r, rows - 1)) * terms;
        for (int k = 0; k < terms; ++k) {
          ImageVector coefficient;
          std::memcpy(&coefficient, column + k * kImages, sizeof(coefficient));
          for (int r = 0; r < kRows; ++r) sums[r] += lines[r][k] * coefficient;
        }
        for (int r = 0; r < kRows; ++r) std::memcpy(tile[row + r], &sums[r], sizeof(sums[r]));
      }
      const int images = static_cast<int>(std::min<int64_t>(kImages, batch - group * kImages));
      for (int i = 0; i < images; ++i) {
        float* out = values + (group * kImages + i) * size + first;
        for (int row = 0; row < rows; ++row) out[row] = tile[row][i] + mean[first + row];
      }
    }
  }
}

void Transform(const float* points, const float* linear, const float* offset, int width, int64_t count,
               float* images) {
  if (width == 3) {
    TransformBlocks<3>(points, linear, offset, count, images);
  } else {
    TransformBlocks<4>(points, linear, offset, count, images);
  }
}

void TransformGrad(const float* points, const float* linear, const float* image_grad, int width, int64_t count,
                   float* point_grad, float* linear_grad, float* offset_grad) {
  if (width == 3) {
    TransformGradBlocks<3>(points, linear, image_grad, count, point_grad, linear_grad, offset_grad);
  } else {
    TransformGradBlocks<4>(points, linear, image_grad, count, point_grad, linear_grad, offset_grad);
  }
}

}  // namespace mesh_renderer
