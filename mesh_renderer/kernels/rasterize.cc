#include "rasterize.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace mesh_renderer {
namespace {

// Pixel centres this far (in pixels) outside the projected corners are still tested: the projection is
// rounded, and what is inside is for the edge functions to say.
constexpr float kBoxMargin = 1.0f / 64.0f;

// The pixels [left, right) x [bottom, top) that a triangle may cover.
struct Box {
  int left, right, bottom, top;
};

// The first pixel whose centre is not before `position` (in pixels), within [0, size].
inline int PixelFrom(float position, float size) {
  const float shifted = position + 0.5f;
  const float low = shifted > 0.0f ? shifted : 0.0f;
  return static_cast<int>(low < size ? low : size);
}

inline bool AllFinite(const float* v) {
  return std::isfinite(v[0]) && std::isfinite(v[1]) && std::isfinite(v[2]) && std::isfinite(v[3]);
}

// The box of a triangle that stage one could not judge: some corner is not finite, not in front of the eye,
// or projects to infinity.
inline Box SpecialBox(const float* v0, const float* v1, const float* v2, const float* screen_x,
                      const float* screen_y, const int32_t* ids, int width, int height) {
  if (!AllFinite(v0) || !AllFinite(v1) || !AllFinite(v2)) return {0, 0, 0, 0};
  const bool front[3] = {v0[3] > 0, v1[3] > 0, v2[3] > 0};
  if (!front[0] && !front[1] && !front[2]) return {0, 0, 0, 0};
  if (!front[0] || !front[1] || !front[2]) return {0, width, 0, height};
  float left = std::numeric_limits<float>::infinity(), right = -left, bottom = left, top = -left;
  for (int k = 0; k < 3; ++k) {
    left = std::min(left, screen_x[ids[k]]);
    right = std::max(right, screen_x[ids[k]]);
    bottom = std::min(bottom, screen_y[ids[k]]);
    top = std::max(top, screen_y[ids[k]]);
  }
  const float w = static_cast<float>(width), h = static_cast<float>(height);
  return {PixelFrom(left - kBoxMargin, w), PixelFrom(right + kBoxMargin, w),
          PixelFrom(bottom - kBoxMargin, h), PixelFrom(top + kBoxMargin, h)};
}

}  // namespace

void ProjectVertices(const float* vertices, int64_t begin, int64_t end, int width, int height,
                     float* screen_x, float* screen_y) {
  const float half_width = 0.5f * width, half_height = 0.5f * height;
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (int64_t i = begin; i < end; ++i) {
    const float x = vertices[4 * i], y = vertices[4 * i + 1], z = vertices[4 * i + 2], w = vertices[4 * i + 3];
    // 0 for finite numbers, else NaN.
    const float taint = (x * 0.0f + y * 0.0f) + (z * 0.0f + w * 0.0f);
    const float depth = w > 0.0f ? w : nan;
    screen_x[i] = (x / depth + 1.0f) * half_width + taint;
    screen_y[i] = (y / depth + 1.0f) * half_height + taint;
  }
}

void RasterizeBand(const RasterScene& scene, const float* screen_x, const float* screen_y, int y_begin,
                   int y_end, const RasterImage& image) {
  const int width = scene.width, height = scene.height;
  const std::vector<float> center_x = PixelCenters(width), center_y = PixelCenters(height);
  for (int y = y_begin; y < y_end; ++y) {
    const int64_t row = static_cast<int64_t>(StoredRow(y, height, scene.top_down)) * width;
    std::fill_n(image.triangle_ids + row, width, -1);
    std::fill_n(image.z_buffer + row, width, 1.0f);
    if (image.region != nullptr) std::fill_n(image.region + row, width, 0.0f);
  }

  for (int64_t t = 0; t < scene.triangles.count; ++t) {
    const int32_t ids[3] = {scene.triangles.corner[0][t], scene.triangles.corner[1][t],
                            scene.triangles.corner[2][t]};
    const float* v0 = scene.vertices + 4 * static_cast<int64_t>(ids[0]);
    const float* v1 = scene.vertices + 4 * static_cast<int64_t>(ids[1]);
    const float* v2 = scene.vertices + 4 * static_cast<int64_t>(ids[2]);
    Box box = SpecialBox(v0, v1, v2, screen_x, screen_y, ids, width, height);
    box.bottom = std::max(box.bottom, y_begin);
    box.top = std::min(box.top, y_end);
    if (box.left >= box.right || box.bottom >= box.top) continue;
    const uint8_t role = scene.roles == nullptr ? kDraw : scene.roles[t];
    const Edges e = EdgesOf(v0, v1, v2);
    for (int y = box.bottom; y < box.top; ++y) {
      const int64_t row = static_cast<int64_t>(StoredRow(y, height, scene.top_down)) * width;
      for (int x = box.left; x < box.right; ++x) {
        float l[3];
        for (int k = 0; k < 3; ++k) l[k] = (e.a[k] * center_x[x] + e.b[k] * center_y[y]) + e.c[k];
        const float sum = (l[0] + l[1]) + l[2];
        if (!(l[0] >= 0 && l[1] >= 0 && l[2] >= 0 && sum > 0)) continue;
        const float b0 = l[0] / sum, b1 = l[1] / sum, b2 = l[2] / sum;
        const float clip_z = (b0 * v0[2] + b1 * v1[2]) + b2 * v2[2];
        const float clip_w = (b0 * v0[3] + b1 * v1[3]) + b2 * v2[3];
        const float z = clip_z / clip_w;
        if (!(z >= -1.0f && z <= 1.0f)) continue;
        if (role & kRegion) image.region[row + x] = 1.0f;
        if ((role & kDraw) && z <= image.z_buffer[row + x]) {
          image.z_buffer[row + x] = z;
          image.triangle_ids[row + x] = static_cast<int32_t>(t);
        }
      }
    }
  }
  for (int y = y_begin; y < y_end; ++y) {
    const int64_t row = static_cast<int64_t>(StoredRow(y, height, scene.top_down)) * width;
    for (int x = 0; x < width; ++x) image.mask[row + x] = image.triangle_ids[row + x] >= 0 ? 1.0f : 0.0f;
  }
}

}  // namespace mesh_renderer
