// A plain scalar rasterizer: every triangle, every pixel of its box, one after the other. It states what the
// renderer's op must compute, to the bit, in the fewest lines; it is also what the benchmark compares with.
#include <xmmintrin.h>

#include <cmath>
#include <cstdint>

namespace {

// TensorFlow's threads take numbers below the normal range of float32 for zero; so must this.
class FlushDenormals {
 public:
  FlushDenormals() : saved_(_mm_getcsr()) { _mm_setcsr(saved_ | 0x8040); }
  ~FlushDenormals() { _mm_setcsr(saved_); }

 private:
  unsigned saved_;
};

float Center(int i, int n) { return static_cast<float>((i + 0.5) / (0.5 * n) - 1.0); }

// First pixel of [0, n] whose centre is at or after `position`.
int FirstPixel(float position, int n) {
  const float pixel = position + 0.5f;
  if (!(pixel > 0.0f)) return 0;
  return pixel < static_cast<float>(n) ? static_cast<int>(pixel) : n;
}

struct Bounds {
  int begin, end;
};

Bounds ProjectedBounds(const float* v[3], int axis, int n) {
  float low = INFINITY, high = -INFINITY;
  for (int k = 0; k < 3; ++k) {
    const float position = (v[k][axis] / v[k][3] + 1.0f) * (0.5f * n);
    if (position < low) low = position;
    if (position > high) high = position;
  }
  const float margin = 1.0f / 64.0f;
  return {FirstPixel(low - margin, n), FirstPixel(high + margin, n)};
}

double Det(const float* u, const float* v, const float* w) {
  const double x0 = u[0], y0 = u[1], w0 = u[3], x1 = v[0], y1 = v[1], w1 = v[3], x2 = w[0], y2 = w[1], w2 = w[3];
  return x0 * (y1 * w2 - y2 * w1) + x1 * (y2 * w0 - y0 * w2) + x2 * (y0 * w1 - y1 * w0);
}

}  // namespace

// vertices [V,4] clip space, triangles [T,3]; ids (-1 = nothing), z and barycentrics of [height,width], row 0 at
// the bottom.
extern "C" void oracle_rasterize(const float* vertices, const int32_t* triangles, int64_t triangle_count, int width,
                                 int height, int32_t* ids, float* z_buffer, float* barycentrics) {
  const FlushDenormals flush;
  const int64_t pixels = static_cast<int64_t>(width) * height;
  for (int64_t p = 0; p < pixels; ++p) {
    ids[p] = -1;
    z_buffer[p] = 1.0f;
    for (int k = 0; k < 3; ++k) barycentrics[3 * p + k] = 0.0f;
  }
  for (int64_t t = 0; t < triangle_count; ++t) {
    const float* v[3];
    int in_front = 0;
    bool finite = true;
    for (int k = 0; k < 3; ++k) {
      v[k] = vertices + 4 * static_cast<int64_t>(triangles[3 * t + k]);
      in_front += v[k][3] > 0.0f;
      for (int c = 0; c < 4; ++c) finite = finite && std::isfinite(v[k][c]);
    }
    if (!finite || in_front == 0) continue;
    Bounds columns = {0, width}, rows = {0, height};
    if (in_front == 3) {
      columns = ProjectedBounds(v, 0, width);
      rows = ProjectedBounds(v, 1, height);
    }
    const double det = Det(v[0], v[1], v[2]);
    const float sign = det > 0 ? 1.0f : det < 0 ? -1.0f : 0.0f;
    float edge[3][3];
    for (int k = 0; k < 3; ++k) {
      const float *p = v[(k + 1) % 3], *q = v[(k + 2) % 3];
      edge[k][0] = sign * (p[1] * q[3] - q[1] * p[3]);
      edge[k][1] = sign * (q[0] * p[3] - p[0] * q[3]);
      edge[k][2] = sign * (p[0] * q[1] - q[0] * p[1]);
    }
    for (int y = rows.begin; y < rows.end; ++y) {
      const float py = Center(y, height);
      for (int x = columns.begin; x < columns.end; ++x) {
        const float px = Center(x, width);
        float l[3];
        for (int k = 0; k < 3; ++k) l[k] = edge[k][0] * px + edge[k][1] * py + edge[k][2];
        if (!(l[0] >= 0.0f && l[1] >= 0.0f && l[2] >= 0.0f)) continue;
        const float sum = l[0] + l[1] + l[2];
        if (!(sum > 0.0f)) continue;
        const float b[3] = {l[0] / sum, l[1] / sum, l[2] / sum};
        const float z = (b[0] * v[0][2] + b[1] * v[1][2] + b[2] * v[2][2]) /
                        (b[0] * v[0][3] + b[1] * v[1][3] + b[2] * v[2][3]);
        const int64_t pixel = static_cast<int64_t>(y) * width + x;
        if (!(z >= -1.0f && z <= 1.0f && z <= z_buffer[pixel])) continue;
        z_buffer[pixel] = z;
        ids[pixel] = static_cast<int32_t>(t);
        for (int k = 0; k < 3; ++k) barycentrics[3 * pixel + k] = b[k];
      }
    }
  }
}
