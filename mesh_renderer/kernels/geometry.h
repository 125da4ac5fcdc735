// Linear models and affine maps of points.
#ifndef MESH_RENDERER_KERNELS_GEOMETRY_H_
#define MESH_RENDERER_KERNELS_GEOMETRY_H_

#include <cstdint>

namespace mesh_renderer {

// values[i][m] = sum_k coefficients[i][k] basis[m][k] + mean[m] for m in [begin, end) and all images i. The terms
// are added in the order of k, but in partial sums where there are at most four images. basis [size, terms], coefficients [batch, terms], values
// [batch, size].
void Blend(const float* mean, const float* basis, const float* coefficients, int64_t batch, int64_t size,
           int terms, int64_t begin, int64_t end, float* values);

// images [count, width] = points [count, 3] . linear [3, width] + offset [width]; width is 3 or 4.
void Transform(const float* points, const float* linear, const float* offset, int width, int64_t count,
               float* images);

// Writes the gradients for image_grad [count, width]: of points, linear and offset.
void TransformGrad(const float* points, const float* linear, const float* image_grad, int width, int64_t count,
                   float* point_grad, float* linear_grad, float* offset_grad);

}  // namespace mesh_renderer

#endif  // MESH_RENDERER_KERNELS_GEOMETRY_H_
