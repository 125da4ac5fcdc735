// What a pixel sees on its triangle: barycentric coordinates and interpolated attributes, and their
// derivatives. All take the triangle ids of RasterizeBand and hold them fixed.
#ifndef MESH_RENDERER_KERNELS_INTERPOLATE_H_
#define MESH_RENDERER_KERNELS_INTERPOLATE_H_

#include <cstdint>

#include "triangle.h"

namespace mesh_renderer {

// One image: clip-space `vertices` [vertex_count, 4] and `triangle_ids` [height, width], each -1 or below
// triangles.count.
struct SeenMesh {
  const float* vertices;
  int64_t vertex_count;
  Triangles triangles;
  const int32_t* triangle_ids;
  int width, height;
  bool top_down;
};

// Writes rows [row_begin, row_end), as stored, of `barycentrics` [height, width, 3]; 0 where nothing is seen.
void BarycentricRows(const SeenMesh& mesh, int row_begin, int row_end, float* barycentrics);

// Writes rows [row_begin, row_end), as stored, of `image` [height, width, channels]: the `attributes`
// [vertex_count, channels] of the seen triangle's corners, interpolated with perspective, and `background`
// [channels] where nothing is seen.
void InterpolateRows(const SeenMesh& mesh, const float* attributes, const float* background, int channels,
                     int row_begin, int row_end, float* image);

// Adds to `vertex_grad` [vertex_count, 4] the gradient through the barycentric coordinates for
// `barycentric_grad` [height, width, 3], of the vertices [vertex_begin, vertex_end) alone. Each vertex sums
// its pixels in the order of the rows, whatever the range: a caller may cut the vertices among threads and
// gets the same bits. z has no gradient.
void BarycentricGrad(const SeenMesh& mesh, const float* barycentric_grad, int64_t vertex_begin,
                     int64_t vertex_end, float* vertex_grad);

// The same for InterpolateRows: adds to `vertex_grad` and to `attribute_grad` [vertex_count, channels] for
// `image_grad` [height, width, channels].
void InterpolateGrad(const SeenMesh& mesh, const float* attributes, int channels, const float* image_grad,
                     int64_t vertex_begin, int64_t vertex_end, float* vertex_grad, float* attribute_grad);

}  // namespace mesh_renderer

#endif  // MESH_RENDERER_KERNELS_INTERPOLATE_H_
