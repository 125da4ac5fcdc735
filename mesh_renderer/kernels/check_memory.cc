// Runs the TensorFlow-free kernels over random and malicious meshes in buffers of exactly the right size, for a
// memory checker to watch: see check_memory.py. Prints the number of pixels that it drew.
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <memory>
#include <random>
#include <vector>

#include "geometry.h"
#include "harmonics.h"
#include "interpolate.h"
#include "rasterize.h"
#include "vertex_normals.h"

namespace {

using namespace mesh_renderer;

typedef std::mt19937 Random;

int Below(Random* random, int limit) { return std::uniform_int_distribution<int>(0, limit - 1)(*random); }

float Uniform(Random* random, float low, float high) {
  return std::uniform_real_distribution<float>(low, high)(*random);
}

// A heap buffer of exactly `size` elements.
template <typename T>
std::unique_ptr<T[]> Buffer(int64_t size, T value = T()) {
  std::unique_ptr<T[]> buffer(new T[size]);
  for (int64_t i = 0; i < size; ++i) buffer[i] = value;
  return buffer;
}

std::unique_ptr<float[]> RandomFloats(Random* random, int64_t size) {
  auto buffer = Buffer<float>(size);
  for (int64_t i = 0; i < size; ++i) buffer[i] = Uniform(random, -1, 1);
  return buffer;
}

// Clip-space vertices; with `flaws` some are behind the eye, huge, tiny or no numbers.
std::unique_ptr<float[]> RandomVertices(Random* random, int count, bool flaws) {
  const float inf = std::numeric_limits<float>::infinity();
  const float odd[] = {0, -0.0f, -1, 1e-38f, 1e-45f, 1e30f, -1e30f, 3e38f, inf, -inf, std::nanf("")};
  auto vertices = Buffer<float>(4 * count);
  const float size = std::pow(10.0f, Uniform(random, -2, 1));
  for (int i = 0; i < count; ++i) {
    const float w = Uniform(random, 0.1f, 4);
    for (int c = 0; c < 3; ++c) vertices[4 * i + c] = w * size * Uniform(random, -1, 1);
    vertices[4 * i + 3] = w;
    for (int c = 0; flaws && c < 4; ++c) {
      if (Below(random, 12) == 0) vertices[4 * i + c] = odd[Below(random, sizeof(odd) / sizeof(odd[0]))];
    }
  }
  return vertices;
}

int64_t CheckRenderer(Random* random) {
  const int vertex_count = 1 + Below(random, 60), triangle_count = Below(random, 400);
  const int width = 1 + Below(random, Below(random, 4) == 0 ? 600 : 40), height = 1 + Below(random, 40);
  const int channels = Below(random, 6), bands = 1 + Below(random, 4);
  const bool top_down = Below(random, 2), flaws = Below(random, 2), with_roles = Below(random, 2);
  const int64_t pixels = static_cast<int64_t>(width) * height;

  const auto vertices = RandomVertices(random, vertex_count, flaws);
  std::unique_ptr<int32_t[]> corner[3];
  for (auto& ids : corner) {
    ids = Buffer<int32_t>(triangle_count);
    for (int t = 0; t < triangle_count; ++t) ids[t] = Below(random, vertex_count);
  }
  const Triangles triangles = {{corner[0].get(), corner[1].get(), corner[2].get()}, triangle_count};
  const auto roles = Buffer<uint8_t>(triangle_count);
  for (int t = 0; t < triangle_count; ++t) roles[t] = static_cast<uint8_t>(Below(random, 4));

  const auto boxes = Buffer<ScreenBox>(vertex_count);
  const int split = Below(random, vertex_count + 1);
  ProjectVertices(vertices.get(), 0, split, width, height, boxes.get());
  ProjectVertices(vertices.get(), split, vertex_count, width, height, boxes.get());

  const auto ids = Buffer<int32_t>(pixels);
  const auto z_buffer = Buffer<float>(pixels), mask = Buffer<float>(pixels);
  const auto region = Buffer<float>(with_roles ? pixels : 0);
  const RasterScene scene = {vertices.get(), vertex_count, triangles, with_roles ? roles.get() : nullptr,
                             width, height, top_down};
  const RasterImage image = {ids.get(), z_buffer.get(), mask.get(), with_roles ? region.get() : nullptr};
  for (int b = 0; b < bands; ++b) {
    RasterizeBand(scene, boxes.get(), height * b / bands, height * (b + 1) / bands, image);
  }

  const SeenMesh seen = {vertices.get(), vertex_count, triangles, ids.get(), width, height, top_down};
  const auto barycentrics = Buffer<float>(3 * pixels), picture = Buffer<float>(channels * pixels);
  const auto attributes = RandomFloats(random, channels * vertex_count);
  const auto background = RandomFloats(random, channels);
  const auto vertex_grad = Buffer<float>(4 * vertex_count);
  const auto attribute_grad = Buffer<float>(channels * vertex_count);
  const int row = Below(random, height + 1), vertex = Below(random, vertex_count + 1);
  for (int part = 0; part < 2; ++part) {
    const int row_begin = part == 0 ? 0 : row, row_end = part == 0 ? row : height;
    BarycentricRows(seen, row_begin, row_end, barycentrics.get());
    InterpolateRows(seen, attributes.get(), background.get(), channels, row_begin, row_end, picture.get());
  }
  for (int part = 0; part < 2; ++part) {
    const int begin = part == 0 ? 0 : vertex, end = part == 0 ? vertex : vertex_count;
    BarycentricGrad(seen, barycentrics.get(), begin, end, vertex_grad.get());
    InterpolateGrad(seen, attributes.get(), channels, picture.get(), begin, end, vertex_grad.get(),
                    attribute_grad.get());
  }
  int64_t drawn = 0;
  for (int64_t p = 0; p < pixels; ++p) drawn += mask[p] > 0;
  return drawn;
}

void CheckGeometry(Random* random) {
  const int count = Below(random, 700), triangle_count = count > 0 ? Below(random, 900) : 0;
  const int ring = Below(random, 9), width = 3 + Below(random, 2), terms = Below(random, 50);
  const int batch = Below(random, 40);
  std::unique_ptr<int32_t[]> corner[3];
  for (auto& ids : corner) {
    ids = Buffer<int32_t>(triangle_count);
    for (int t = 0; t < triangle_count; ++t) ids[t] = Below(random, count);
  }
  const auto faces = Buffer<int32_t>(static_cast<int64_t>(count) * ring);
  for (int64_t i = 0; i < static_cast<int64_t>(count) * ring; ++i) faces[i] = Below(random, triangle_count + 1);
  const Surface surface = {count, {{corner[0].get(), corner[1].get(), corner[2].get()}, triangle_count},
                           faces.get(), ring};
  const auto points = RandomFloats(random, 3 * count), grad = RandomFloats(random, 4 * count);
  const auto out = Buffer<float>(3 * count), other = Buffer<float>(3 * count), wide = Buffer<float>(width * count);
  VertexNormals normals(surface);
  normals.Backward(points.get(), grad.get(), other.get());
  normals.Forward(points.get(), out.get());

  const auto lights = RandomFloats(random, 27), lights_grad = Buffer<float>(27);
  Shade(points.get(), out.get(), lights.get(), count, other.get());
  const auto albedo_grad = Buffer<float>(3 * count);
  ShadeGrad(points.get(), out.get(), lights.get(), grad.get(), count, albedo_grad.get(), other.get(),
            lights_grad.get());

  const auto linear = RandomFloats(random, 3 * width), offset = RandomFloats(random, width);
  const auto linear_grad = Buffer<float>(3 * width), offset_grad = Buffer<float>(width);
  Transform(points.get(), linear.get(), offset.get(), width, count, wide.get());
  TransformGrad(points.get(), linear.get(), wide.get(), width, count, other.get(), linear_grad.get(),
                offset_grad.get());

  const auto mean = RandomFloats(random, count), basis = RandomFloats(random, static_cast<int64_t>(count) * terms);
  const auto coefficients = RandomFloats(random, batch * terms);
  const auto values = Buffer<float>(static_cast<int64_t>(batch) * count);
  const int middle = Below(random, count + 1);
  Blend(mean.get(), basis.get(), coefficients.get(), batch, count, terms, 0, middle, values.get());
  Blend(mean.get(), basis.get(), coefficients.get(), batch, count, terms, middle, count, values.get());
}

}  // namespace

int main() {
  int64_t drawn = 0;
  for (int seed = 0; seed < 2000; ++seed) {
    Random random(seed);
    drawn += CheckRenderer(&random);
    if (seed % 10 == 0) CheckGeometry(&random);
  }
  std::printf("drew %lld pixels of 2000 meshes\n", static_cast<long long>(drawn));
  return drawn > 0 ? 0 : 1;
}
