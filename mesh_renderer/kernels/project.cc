// Where vertices fall on the screen: the pixels that each of them can touch.
#include <cstdint>

#include "rasterize.h"

namespace mesh_renderer {
namespace {

// Pixel centres this far (in pixels) outside the projected corners are still tested: the projection is
// rounded, and what is inside is for the edge functions to say.
constexpr float kBoxMargin = 1.0f / 64.0f;

// The first pixel whose centre is not before `position` (in pixels), within [0, size]. NaN gives 0.
inline int PixelFrom(float position, float size) {
  const float shifted = position + 0.5f;
  const float low = shifted > 0.0f ? shifted : 0.0f;
  return static_cast<int>(low < size ? low : size);
}

}  // namespace

void ProjectVertices(const float* vertices, int64_t begin, int64_t end, int width, int height,
                     ScreenBox* boxes) {
  const float half_width = 0.5f * width, half_height = 0.5f * height;
  const float columns = static_cast<float>(width), rows = static_cast<float>(height);
  for (int64_t i = begin; i < end; ++i) {
    const float x = vertices[4 * i], y = vertices[4 * i + 1], z = vertices[4 * i + 2], w = vertices[4 * i + 3];
    // 0 for finite numbers, else NaN.
    const float taint = (x * 0.0f + y * 0.0f) + (z * 0.0f + w * 0.0f);
    const float screen_x = (x / w + 1.0f) * half_width, screen_y = (y / w + 1.0f) * half_height;
    const bool usual = (taint == 0.0f) & (w > 0.0f);
    boxes[i].left = static_cast<int16_t>(usual ? PixelFrom(screen_x - kBoxMargin, columns) : -1);
    boxes[i].bottom = static_cast<int16_t>(PixelFrom(screen_y - kBoxMargin, rows));
    boxes[i].right = static_cast<int16_t>(PixelFrom(screen_x + kBoxMargin, columns));
    boxes[i].top = static_cast<int16_t>(PixelFrom(screen_y + kBoxMargin, rows));
  }
}

}  // namespace mesh_renderer
