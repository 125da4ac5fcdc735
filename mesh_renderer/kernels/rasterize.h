// Visibility: which triangle each pixel of an image sees.
#ifndef MESH_RENDERER_KERNELS_RASTERIZE_H_
#define MESH_RENDERER_KERNELS_RASTERIZE_H_

#include <cstdint>

#include "triangle.h"

namespace mesh_renderer {

// What a triangle is for (bits of RasterScene::roles).
enum Role : uint8_t {
  kDraw = 1,    // takes part in the image
  kRegion = 2,  // marks every pixel that it covers, hidden or not
};

// A mesh in front of a camera. `vertices` is [vertex_count, 4], clip space; every index of `triangles` is
// below vertex_count. `roles` holds one byte per triangle; null means that all are kDraw.
struct RasterScene {
  const float* vertices;
  int64_t vertex_count;
  Triangles triangles;
  const uint8_t* roles;
  int width, height;
  bool top_down;
};

// Arrays [height, width] of one image. `region` may be null.
struct RasterImage {
  int32_t* triangle_ids;  // -1 where nothing is seen
  float* z_buffer;        // 1 where nothing is seen
  float* mask;            // 1 where something is seen, else 0
  float* region;          // 1 where some kRegion triangle lies, seen or hidden, else 0
};

// The pixels that a vertex by itself can touch: columns [left, right), rows [bottom, top). The box of a triangle
// is the smallest that holds the boxes of its corners. `left` is -1 for a vertex that is not finite or not in
// front of the eye.
struct ScreenBox {
  int16_t left, bottom, right, top;
};

// The largest width and height of an image; LARGEST_IMAGE_SIZE of checks.py.
constexpr int kLargestSize = 32767;

// Where vertices [begin, end) fall on the screen.
void ProjectVertices(const float* vertices, int64_t begin, int64_t end, int width, int height,
                     ScreenBox* boxes);

// Draws the rows [y_begin, y_end) (0 = bottom) of `image`. `boxes`: of ProjectVertices.
//
// A pixel sees the triangle with the smallest z there, the later one among equals. A triangle covers the
// pixels whose centre is inside it or on its edge and where -1 <= z <= 1. It covers nothing when it is
// degenerate or has a coordinate that is not finite. Rows are independent of each other, so that the result
// does not depend on how an image is cut into bands.
void RasterizeBand(const RasterScene& scene, const ScreenBox* boxes, int y_begin, int y_end,
                   const RasterImage& image);

}  // namespace mesh_renderer

#endif  // MESH_RENDERER_KERNELS_RASTERIZE_H_
