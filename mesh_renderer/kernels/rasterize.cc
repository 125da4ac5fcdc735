// The path of a triangle, in blocks of triangles so that every step is a plain loop that the compiler
// vectorises over arrays that stay in the L1 cache:
//
//   candidates  the pixels that its corners enclose. In a fine mesh many enclose no pixel centre: they end here.
//   set-up      the edge functions of those that remain.
//   single      boxes of one pixel, the most frequent of a fine mesh, all at once.
//   rows        other boxes row by row, in segments of a few pixels; the rows of a large one are first cut to
//               the columns where the edge functions can be positive.
//
// Among equal z the later triangle wins whatever the order in which they are drawn, so that the steps need
// not keep the order of the list.
#include "rasterize.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

namespace mesh_renderer {
namespace {

constexpr int kBlock = 256;    // triangles
#ifdef __AVX__
constexpr int kSegment = 8;    // pixels of a row that are drawn together
#else
constexpr int kSegment = 4;
#endif
constexpr int kWideBox = 32;   // pixels: the rows of wider boxes are cut first

// Pixel centres this far (in pixels) outside the projected corners are still tested: the projection is
// rounded, and what is inside is for the edge functions to say.
constexpr float kBoxMargin = 1.0f / 64.0f;

// The first pixel whose centre is not before `position` (in pixels), within [0, size]. NaN gives 0.
inline int PixelFrom(float position, float size) {
  const float shifted = position + 0.5f;
  const float low = shifted > 0.0f ? shifted : 0.0f;
  return static_cast<int>(low < size ? low : size);
}

inline float Min(float a, float b) { return a < b ? a : b; }
inline float Max(float a, float b) { return a > b ? a : b; }

inline bool AllFinite(const float* v) {
  return std::isfinite(v[0]) && std::isfinite(v[1]) && std::isfinite(v[2]) && std::isfinite(v[3]);
}

// Pixels [left, right) x [bottom, top).
struct Box {
  int left, right, bottom, top;
};

// Triangles that may cover a pixel.
struct Candidates {
  int count;
  int32_t triangle[kBlock];
  int32_t corner[3][kBlock];
  int left[kBlock], right[kBlock], bottom[kBlock], top[kBlock];
  float a[3][kBlock], b[3][kBlock], c[3][kBlock];  // edge functions
  float z[3][kBlock], w[3][kBlock];                // of the corners
};

// A segment of a row. Written with the compiler's vector type: a loop of eight is unrolled before it can be
// vectorised.
typedef float FloatSegment __attribute__((vector_size(4 * kSegment)));
typedef int32_t IntSegment __attribute__((vector_size(4 * kSegment)));

template <typename Segment, typename Value>
inline Segment Load(const Value* from) {
  Segment segment;
  std::memcpy(&segment, from, sizeof(segment));
  return segment;
}

template <typename Segment, typename Value>
inline void Store(const Segment& segment, Value* to) {
  std::memcpy(to, &segment, sizeof(segment));
}

inline IntSegment Iota() {
  IntSegment iota;
  for (int i = 0; i < kSegment; ++i) iota[i] = i;
  return iota;
}

// A triangle in one row of pixels: its edge functions there are (a[k] px + r[k]) + c[k].
struct TriangleRow {
  float a[3], r[3], c[3];
  float z[3], w[3];  // of the corners
};

// Whether the triangle covers the pixel at px, and its z there; `Real`: float, or FloatSegment for a segment.
template <typename Real>
inline auto Cover(const TriangleRow& t, const Real& px, Real* z) -> decltype(px >= px) {
  const Real l0 = (t.a[0] * px + t.r[0]) + t.c[0];
  const Real l1 = (t.a[1] * px + t.r[1]) + t.c[1];
  const Real l2 = (t.a[2] * px + t.r[2]) + t.c[2];
  const Real sum = (l0 + l1) + l2;
  const Real b0 = l0 / sum, b1 = l1 / sum, b2 = l2 / sum;
  const Real depth = ((b0 * t.z[0] + b1 * t.z[1]) + b2 * t.z[2]) / ((b0 * t.w[0] + b1 * t.w[1]) + b2 * t.w[2]);
  *z = depth;
  return (l0 >= 0.0f) & (l1 >= 0.0f) & (l2 >= 0.0f) & (sum > 0.0f) & (depth >= -1.0f) & (depth <= 1.0f);
}

// Whether triangle `id` at depth `z` hides what the pixel shows.
template <typename Real, typename Int>
inline auto Wins(const Real& z, int32_t id, const Real& shown_z, const Int& shown_id) -> decltype(z < z) {
  return (z < shown_z) | ((z == shown_z) & (id > shown_id));
}

class BandRasterizer {
 public:
  BandRasterizer(const RasterScene& scene, const float* screen_x, const float* screen_y, int y_begin,
                 int y_end, const RasterImage& image)
      : scene_(scene), screen_x_(screen_x), screen_y_(screen_y), y_begin_(y_begin), y_end_(y_end),
        image_(image), center_x_(PixelCenters(scene.width)), center_y_(PixelCenters(scene.height)) {}

  void Run() {
    Clear();
    for (int64_t first = 0; first < scene_.triangles.count; first += kBlock) {
      FindCandidates(first, static_cast<int>(std::min<int64_t>(kBlock, scene_.triangles.count - first)));
      SetUp();
      DrawSinglePixels();
      for (int i = 0; i < candidates_.count; ++i) {
        if (!IsSinglePixel(i)) DrawBox(i);
      }
    }
    WriteMask();
  }

 private:
  int64_t RowStart(int y) const {
    return static_cast<int64_t>(StoredRow(y, scene_.height, scene_.top_down)) * scene_.width;
  }

  uint8_t RoleOf(int32_t triangle) const { return scene_.roles == nullptr ? kDraw : scene_.roles[triangle]; }

  void Clear() {
    for (int y = y_begin_; y < y_end_; ++y) {
      const int64_t row = RowStart(y);
      std::fill_n(image_.triangle_ids + row, scene_.width, -1);
      std::fill_n(image_.z_buffer + row, scene_.width, 1.0f);
      if (image_.region != nullptr) std::fill_n(image_.region + row, scene_.width, 0.0f);
    }
  }

  void WriteMask() {
    for (int y = y_begin_; y < y_end_; ++y) {
      const int32_t* ids = image_.triangle_ids + RowStart(y);
      float* mask = image_.mask + RowStart(y);
      for (int x = 0; x < scene_.width; ++x) mask[x] = ids[x] >= 0 ? 1.0f : 0.0f;
    }
  }

  // Candidates among triangles [first, first + count).
  void FindCandidates(int64_t first, int count) {
    const int32_t* corner0 = scene_.triangles.corner[0] + first;
    const int32_t* corner1 = scene_.triangles.corner[1] + first;
    const int32_t* corner2 = scene_.triangles.corner[2] + first;
    const float* screen_x = screen_x_;
    const float* screen_y = screen_y_;
    const float width = static_cast<float>(scene_.width), height = static_cast<float>(scene_.height);
    const int y_begin = y_begin_, y_end = y_end_;
    int left[kBlock], right[kBlock], bottom[kBlock], top[kBlock], keep[kBlock], special[kBlock];
    for (int i = 0; i < count; ++i) {
      const float x0 = screen_x[corner0[i]], x1 = screen_x[corner1[i]], x2 = screen_x[corner2[i]];
      const float y0 = screen_y[corner0[i]], y1 = screen_y[corner1[i]], y2 = screen_y[corner2[i]];
      left[i] = PixelFrom(Min(Min(x0, x1), x2) - kBoxMargin, width);
      right[i] = PixelFrom(Max(Max(x0, x1), x2) + kBoxMargin, width);
      bottom[i] = PixelFrom(Min(Min(y0, y1), y2) - kBoxMargin, height);
      top[i] = PixelFrom(Max(Max(y0, y1), y2) + kBoxMargin, height);
      bottom[i] = bottom[i] > y_begin ? bottom[i] : y_begin;
      top[i] = top[i] < y_end ? top[i] : y_end;
      // NaN where a corner is not finite or not in front of the eye, or projects to infinity.
      const float sum = ((x0 + x1) + x2) + ((y0 + y1) + y2);
      special[i] = !(sum - sum == 0.0f);
      keep[i] = special[i] | ((left[i] < right[i]) & (bottom[i] < top[i]));
    }
    Candidates& out = candidates_;
    int kept = 0;
    for (int i = 0; i < count; ++i) {
      out.triangle[kept] = static_cast<int32_t>(first + i);
      out.corner[0][kept] = corner0[i];
      out.corner[1][kept] = corner1[i];
      out.corner[2][kept] = corner2[i];
      out.left[kept] = left[i];
      out.right[kept] = right[i];
      out.bottom[kept] = bottom[i];
      out.top[kept] = top[i];
      if (special[i]) keep[i] = SetSpecialBox(kept);
      kept += keep[i];
    }
    out.count = kept;
  }

  // The box of candidate `i` where the projected corners do not tell it; false if it is empty.
  bool SetSpecialBox(int i) {
    const int32_t corner[3] = {candidates_.corner[0][i], candidates_.corner[1][i], candidates_.corner[2][i]};
    int in_front = 0;
    for (int k = 0; k < 3; ++k) {
      const float* v = scene_.vertices + 4 * static_cast<int64_t>(corner[k]);
      if (!AllFinite(v)) return false;
      in_front += v[3] > 0.0f;
    }
    if (in_front == 0) return false;
    Box box = {0, scene_.width, 0, scene_.height};
    if (in_front == 3) {
      const float inf = std::numeric_limits<float>::infinity();
      float left = inf, right = -inf, bottom = inf, top = -inf;
      for (int k = 0; k < 3; ++k) {
        left = Min(left, screen_x_[corner[k]]);
        right = Max(right, screen_x_[corner[k]]);
        bottom = Min(bottom, screen_y_[corner[k]]);
        top = Max(top, screen_y_[corner[k]]);
      }
      const float width = static_cast<float>(scene_.width), height = static_cast<float>(scene_.height);
      box = {PixelFrom(left - kBoxMargin, width), PixelFrom(right + kBoxMargin, width),
             PixelFrom(bottom - kBoxMargin, height), PixelFrom(top + kBoxMargin, height)};
    }
    candidates_.left[i] = box.left;
    candidates_.right[i] = box.right;
    candidates_.bottom[i] = std::max(box.bottom, y_begin_);
    candidates_.top[i] = std::min(box.top, y_end_);
    return candidates_.left[i] < candidates_.right[i] && candidates_.bottom[i] < candidates_.top[i];
  }

  // Edge functions of the candidates.
  void SetUp() {
    Candidates& t = candidates_;
    float x[3][kBlock], y[3][kBlock];
    for (int k = 0; k < 3; ++k) {
      for (int i = 0; i < t.count; ++i) {
        const float* v = scene_.vertices + 4 * static_cast<int64_t>(t.corner[k][i]);
        x[k][i] = v[0];
        y[k][i] = v[1];
        t.z[k][i] = v[2];
        t.w[k][i] = v[3];
      }
    }
    for (int i = 0; i < t.count; ++i) {
      const Edges e = EdgesOf(x[0][i], y[0][i], t.w[0][i], x[1][i], y[1][i], t.w[1][i], x[2][i], y[2][i],
                              t.w[2][i]);
      for (int k = 0; k < 3; ++k) {
        t.a[k][i] = e.a[k];
        t.b[k][i] = e.b[k];
        t.c[k][i] = e.c[k];
      }
    }
  }

  int IsSinglePixel(int i) const {
    const Candidates& t = candidates_;
    return (t.right[i] - t.left[i] == 1) & (t.top[i] - t.bottom[i] == 1);
  }

  inline TriangleRow RowOf(int i, float py) const {
    const Candidates& t = candidates_;
    return {{t.a[0][i], t.a[1][i], t.a[2][i]},
            {t.b[0][i] * py, t.b[1][i] * py, t.b[2][i] * py},
            {t.c[0][i], t.c[1][i], t.c[2][i]},
            {t.z[0][i], t.z[1][i], t.z[2][i]},
            {t.w[0][i], t.w[1][i], t.w[2][i]}};
  }

  void DrawSinglePixels() {
    const Candidates& t = candidates_;
    const float* center_x = center_x_.data();
    const float* center_y = center_y_.data();
    float z[kBlock];
    int32_t covered[kBlock], hit[kBlock];
    for (int i = 0; i < t.count; ++i) {
      const TriangleRow row = RowOf(i, center_y[t.bottom[i]]);
      covered[i] = Cover(row, center_x[t.left[i]], &z[i]) & IsSinglePixel(i);
    }
    int hits = 0;
    for (int i = 0; i < t.count; ++i) {
      hit[hits] = i;
      hits += covered[i];
    }
    for (int h = 0; h < hits; ++h) {
      const int i = hit[h];
      Show(RowStart(t.bottom[i]) + t.left[i], t.triangle[i], z[i]);
    }
  }

  // The triangle covers the pixel.
  void Show(int64_t pixel, int32_t triangle, float z) {
    const uint8_t role = RoleOf(triangle);
    if (role & kRegion) image_.region[pixel] = 1.0f;
    if ((role & kDraw) && Wins(z, triangle, image_.z_buffer[pixel], image_.triangle_ids[pixel])) {
      image_.z_buffer[pixel] = z;
      image_.triangle_ids[pixel] = triangle;
    }
  }

  void DrawBox(int i) {
    const Candidates& t = candidates_;
    const bool wide = t.right[i] - t.left[i] > kWideBox;
    const int width = scene_.width;
    for (int y = t.bottom[i]; y < t.top[i]; ++y) {
      int left = t.left[i], right = t.right[i];
      if (wide) CutRow(i, center_y_[y], &left, &right);
      const TriangleRow row = RowOf(i, center_y_[y]);
      const int64_t start = RowStart(y);
      if (width < kSegment) {
        for (int x = left; x < right; ++x) {
          float z;
          if (Cover(row, center_x_[x], &z)) Show(start + x, t.triangle[i], z);
        }
        continue;
      }
      // Segments start at multiples of their size, so that neighbouring triangles read back what was
      // written with the same width at the same address; the last one of a row is moved to end with the row.
      for (int x = left / kSegment * kSegment; x < right; x += kSegment) {
        DrawSegment(t.triangle[i], row, start, std::min(x, width - kSegment), left, right);
      }
    }
  }

  // Draws the pixels [x, x + kSegment) of the row at `start` that lie in [left, right).
  void DrawSegment(int32_t triangle, const TriangleRow& row, int64_t start, int x, int left, int right) {
    const IntSegment column = Iota() + x;
    FloatSegment z;
    const IntSegment covered = Cover(row, Load<FloatSegment>(&center_x_[x]), &z) & (column >= left) &
                               (column < right);
    const uint8_t role = RoleOf(triangle);
    if (role & kRegion) {
      float* region = image_.region + start + x;
      Store(covered ? FloatSegment{} + 1.0f : Load<FloatSegment>(region), region);
    }
    if (role & kDraw) {
      float* z_buffer = image_.z_buffer + start + x;
      int32_t* ids = image_.triangle_ids + start + x;
      const FloatSegment shown_z = Load<FloatSegment>(z_buffer);
      const IntSegment shown_id = Load<IntSegment>(ids);
      const IntSegment wins = covered & Wins(z, triangle, shown_z, shown_id);
      Store(wins ? z : shown_z, z_buffer);
      Store(wins ? IntSegment{} + triangle : shown_id, ids);
    }
  }

  // Narrows the columns [left, right) to where the edge functions of candidate `i` can be >= 0 in the row at
  // height py.
  void CutRow(int i, float py, int* left, int* right) const {
    const Candidates& t = candidates_;
    double low = *left, high = *right;
    const double half_width = 0.5 * scene_.width;
    for (int k = 0; k < 3; ++k) {
      const double a = t.a[k][i], rest = static_cast<double>(t.b[k][i]) * py + t.c[k][i];
      // More than the rounding of the float32 edge function.
      const double slack = 1e-6 * (std::fabs(a) + std::fabs(static_cast<double>(t.b[k][i])) +
                                   std::fabs(static_cast<double>(t.c[k][i])));
      if (a == 0.0) {
        if (rest + slack < 0.0) low = high;
        continue;
      }
      // The zero in pixels, moved outwards by the slack and a pixel.
      const double zero = (-(rest + slack) / a + 1.0) * half_width - 0.5;
      if (a > 0.0) {
        low = std::max(low, zero - 1.0);
      } else {
        high = std::min(high, zero + 2.0);
      }
    }
    if (!(low < high)) high = low = *left;
    *left = static_cast<int>(low);
    *right = static_cast<int>(high);
  }

  const RasterScene& scene_;
  const float* screen_x_;
  const float* screen_y_;
  const int y_begin_, y_end_;
  const RasterImage& image_;
  const std::vector<float> center_x_, center_y_;
  Candidates candidates_;
};

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
  BandRasterizer(scene, screen_x, screen_y, y_begin, y_end, image).Run();
}

}  // namespace mesh_renderer
