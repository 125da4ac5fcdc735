// Light of second-order spherical harmonics on a matt surface (Ramamoorthi & Hanrahan 2001), and its
// derivative.
#ifndef MESH_RENDERER_KERNELS_HARMONICS_H_
#define MESH_RENDERER_KERNELS_HARMONICS_H_

#include <cstdint>

namespace mesh_renderer {

constexpr int kHarmonics = 9;

// colors [count, 3] = albedo [count, 3] * (lights [3, 9] . basis(normal)) for unit normals [count, 3].
void Shade(const float* albedo, const float* normals, const float* lights, int64_t count, float* colors);

// Writes the gradients for color_grad [count, 3]: of albedo and normals [count, 3], and of lights [3, 9].
void ShadeGrad(const float* albedo, const float* normals, const float* lights, const float* color_grad,
               int64_t count, float* albedo_grad, float* normal_grad, float* light_grad);

}  // namespace mesh_renderer

#endif  // MESH_RENDERER_KERNELS_HARMONICS_H_
