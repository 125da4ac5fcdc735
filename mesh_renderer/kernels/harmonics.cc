// The basis at a normal (x, y, z) is its polynomials (1, y, z, x, xy, yz, 3zz - 1, xz, xx - yy) times the
// constants of Constants(), which are moved into the lights. The same in Python: mesh_renderer/harmonics.py.
#include "harmonics.h"

#include <algorithm>
#include <cmath>

namespace mesh_renderer {
namespace {

constexpr int kBlock = 256;  // points
constexpr int kLanes = 16;   // partial sums of a reduction, so that it can be vectorised in a fixed order

void Constants(double* constants) {
  const double pi = 3.14159265358979323846;
  const double a0 = pi, a1 = 2 * pi / std::sqrt(3.0), a2 = 2 * pi / std::sqrt(8.0);
  const double c0 = 1 / std::sqrt(4 * pi), c1 = std::sqrt(3.0) / std::sqrt(4 * pi);
  const double c2 = 3 * std::sqrt(5.0) / std::sqrt(12 * pi);
  const double values[kHarmonics] = {a0 * c0,  -a1 * c1, a1 * c1,  -a1 * c1, a2 * c2,
                                     -a2 * c2, a2 * c2 / (2 * std::sqrt(3.0)), -a2 * c2, a2 * c2 / 2};
  std::copy(values, values + kHarmonics, constants);
}

struct Weights {
  float w[3][kHarmonics];

  explicit Weights(const float* lights) {
    double constants[kHarmonics];
    Constants(constants);
    for (int c = 0; c < 3; ++c) {
      for (int k = 0; k < kHarmonics; ++k) w[c][k] = static_cast<float>(lights[c * kHarmonics + k] * constants[k]);
    }
  }
};

inline float Light(const float* w, float x, float y, float z) {
  const float linear = (w[0] + w[1] * y) + (w[2] * z + w[3] * x);
  const float mixed = (w[4] * (x * y) + w[5] * (y * z)) + w[7] * (x * z);
  return (linear + mixed) + (w[6] * (3.0f * z * z - 1.0f) + w[8] * (x * x - y * y));
}

// One coordinate or channel of a block of [.., 3].
inline void Take(const float* from, int count, float* x, float* y, float* z) {
  for (int i = 0; i < count; ++i) {
    x[i] = from[3 * i];
    y[i] = from[3 * i + 1];
    z[i] = from[3 * i + 2];
  }
}

inline void Put(const float* x, const float* y, const float* z, int count, float* to) {
  for (int i = 0; i < count; ++i) {
    to[3 * i] = x[i];
    to[3 * i + 1] = y[i];
    to[3 * i + 2] = z[i];
  }
}

}  // namespace

void Shade(const float* albedo, const float* normals, const float* lights, int64_t count, float* colors) {
  const Weights weights(lights);
  float x[kBlock], y[kBlock], z[kBlock], color[3][kBlock];
  for (int64_t first = 0; first < count; first += kBlock) {
    const int size = static_cast<int>(std::min<int64_t>(kBlock, count - first));
    Take(normals + 3 * first, size, x, y, z);
    Take(albedo + 3 * first, size, color[0], color[1], color[2]);
    for (int c = 0; c < 3; ++c) {
      for (int i = 0; i < size; ++i) color[c][i] *= Light(weights.w[c], x[i], y[i], z[i]);
    }
    Put(color[0], color[1], color[2], size, colors + 3 * first);
  }
}

void ShadeGrad(const float* albedo, const float* normals, const float* lights, const float* color_grad,
               int64_t count, float* albedo_grad, float* normal_grad, float* light_grad) {
  const Weights weights(lights);
  float x[kBlock], y[kBlock], z[kBlock], a[3][kBlock], g[3][kBlock];
  float polynomial[kHarmonics][kBlock];
  float sums[3][kHarmonics][kLanes] = {};
  for (int64_t first = 0; first < count; first += kBlock) {
    const int size = static_cast<int>(std::min<int64_t>(kBlock, count - first));
    Take(normals + 3 * first, size, x, y, z);
    Take(albedo + 3 * first, size, a[0], a[1], a[2]);
    Take(color_grad + 3 * first, size, g[0], g[1], g[2]);
    for (int i = 0; i < size; ++i) {
      polynomial[0][i] = 1.0f;
      polynomial[1][i] = y[i];
      polynomial[2][i] = z[i];
      polynomial[3][i] = x[i];
      polynomial[4][i] = x[i] * y[i];
      polynomial[5][i] = y[i] * z[i];
      polynomial[6][i] = 3.0f * z[i] * z[i] - 1.0f;
      polynomial[7][i] = x[i] * z[i];
      polynomial[8][i] = x[i] * x[i] - y[i] * y[i];
    }
    // a: gradient of the albedo; g: gradient of the light.
    for (int c = 0; c < 3; ++c) {
      for (int i = 0; i < size; ++i) {
        const float light_gradient = g[c][i] * a[c][i];
        a[c][i] = g[c][i] * Light(weights.w[c], x[i], y[i], z[i]);
        g[c][i] = light_gradient;
      }
    }
    Put(a[0], a[1], a[2], size, albedo_grad + 3 * first);
    for (int c = 0; c < 3; ++c) {
      for (int i = size; i < (size + kLanes - 1) / kLanes * kLanes; ++i) g[c][i] = 0.0f;
    }
    for (int k = 0; k < kHarmonics; ++k) {
      for (int i = size; i < (size + kLanes - 1) / kLanes * kLanes; ++i) polynomial[k][i] = 0.0f;
      for (int c = 0; c < 3; ++c) {
        float lanes[kLanes];
        std::copy(sums[c][k], sums[c][k] + kLanes, lanes);
        for (int i = 0; i < size; i += kLanes) {
          for (int j = 0; j < kLanes; ++j) lanes[j] += g[c][i + j] * polynomial[k][i + j];
        }
        std::copy(lanes, lanes + kLanes, sums[c][k]);
      }
    }
    for (int i = 0; i < size; ++i) {
      float u[kHarmonics];
      for (int k = 1; k < kHarmonics; ++k) {
        u[k] = (g[0][i] * weights.w[0][k] + g[1][i] * weights.w[1][k]) + g[2][i] * weights.w[2][k];
      }
      const float nx = x[i], ny = y[i], nz = z[i];
      x[i] = (u[3] + u[4] * ny) + (u[7] * nz + 2.0f * u[8] * nx);
      y[i] = (u[1] + u[4] * nx) + (u[5] * nz - 2.0f * u[8] * ny);
      z[i] = (u[2] + u[5] * ny) + (6.0f * u[6] * nz + u[7] * nx);
    }
    Put(x, y, z, size, normal_grad + 3 * first);
  }
  double constants[kHarmonics];
  Constants(constants);
  for (int c = 0; c < 3; ++c) {
    for (int k = 0; k < kHarmonics; ++k) {
      double sum = 0.0;
      for (int j = 0; j < kLanes; ++j) sum += sums[c][k][j];
      light_grad[c * kHarmonics + k] = static_cast<float>(sum * constants[k]);
    }
  }
}

}  // namespace mesh_renderer
