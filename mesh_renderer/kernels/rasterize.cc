// The path of a triangle, in blocks of triangles so that every step is a plain loop that the compiler
// vectorises over arrays that stay in the L1 cache:
//
//   candidates  the pixels that its corners enclose. In a fine mesh many enclose no pixel centre: they end here.
//   set-up      the edge functions of those that remain.
//   tiny        boxes of one or two pixels, the most frequent of a fine mesh, all at once.
//   rows        other boxes row by row, in segments of a few pixels; the rows of a large one are first cut to
//               the columns where the edge functions can be positive.
//
// Among equal z the later triangle wins whatever the order in which they are drawn, so that the steps need
// not keep the order of the list.
#include "rasterize.h"

#include <algorithm>
#include <cmath>

#include "cover.h"

namespace mesh_renderer {
namespace {

constexpr int kBlock = 256;   // triangles
constexpr int kTinyBox = 2;   // pixels
constexpr int kWideBox = 32;   // pixels: the rows of wider boxes are cut first

inline bool AllFinite(const float* v) {
  return std::isfinite(v[0]) && std::isfinite(v[1]) && std::isfinite(v[2]) && std::isfinite(v[3]);
}

// ScreenBox as numbers that are compared together: left, bottom, right, top.
typedef int16_t BoxVector __attribute__((vector_size(8)));

// Triangles that may cover a pixel.
struct Candidates {
  int count;
  int32_t triangle[kBlock];
  int32_t corner[3][kBlock];
  ScreenBox box[kBlock];
  float a[3][kBlock], b[3][kBlock], c[3][kBlock];  // edge functions
  float z[3][kBlock], w[3][kBlock];                // of the corners
};

class BandRasterizer {
 public:
  BandRasterizer(const RasterScene& scene, const ScreenBox* boxes, int y_begin, int y_end,
                 const RasterImage& image)
      : scene_(scene), boxes_(boxes), y_begin_(y_begin), y_end_(y_end), image_(image),
        center_x_(PixelCenters(scene.width)), center_y_(PixelCenters(scene.height)) {}

  void Run() {
    Clear();
    for (int64_t first = 0; first < scene_.triangles.count; first += kBlock) {
      FindCandidates(first, static_cast<int>(std::min<int64_t>(kBlock, scene_.triangles.count - first)));
      SetUp();
      DrawPixels(0);
      DrawPixels(1);
      for (int i = 0; i < candidates_.count; ++i) {
        if (PixelCount(candidates_.box[i]) > kTinyBox) DrawBox(i);
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
    const int16_t y_begin = static_cast<int16_t>(y_begin_), y_end = static_cast<int16_t>(y_end_);
    const BoxVector lowest = {-1, y_begin, 0, 0}, highest = {kLargestSize, kLargestSize, kLargestSize, y_end};
    Candidates& out = candidates_;
    int kept = 0;
    for (int i = 0; i < count; ++i) {
      const BoxVector b0 = Load<BoxVector>(boxes_ + corner0[i]), b1 = Load<BoxVector>(boxes_ + corner1[i]);
      const BoxVector b2 = Load<BoxVector>(boxes_ + corner2[i]);
      BoxVector low = b0 < b1 ? b0 : b1, high = b0 > b1 ? b0 : b1;
      low = low < b2 ? low : b2;
      high = high > b2 ? high : b2;
      low = low > lowest ? low : lowest;
      high = high < highest ? high : highest;
      const ScreenBox box = {low[0], low[1], high[2], high[3]};
      out.triangle[kept] = static_cast<int32_t>(first + i);
      out.corner[0][kept] = corner0[i];
      out.corner[1][kept] = corner1[i];
      out.corner[2][kept] = corner2[i];
      out.box[kept] = box;
      int keep = (box.left < box.right) & (box.bottom < box.top);
      if (box.left < 0) keep = SetSpecialBox(kept);
      kept += keep;
    }
    out.count = kept;
  }

  // The box of candidate `i`, some corner of which is not finite or not in front of the eye; false if it is
  // empty.
  bool SetSpecialBox(int i) {
    bool in_front = false;
    for (int k = 0; k < 3; ++k) {
      const float* v = scene_.vertices + 4 * static_cast<int64_t>(candidates_.corner[k][i]);
      if (!AllFinite(v)) return false;
      in_front |= v[3] > 0.0f;
    }
    candidates_.box[i] = {0, static_cast<int16_t>(y_begin_), static_cast<int16_t>(scene_.width),
                          static_cast<int16_t>(y_end_)};
    return in_front;
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

  static int PixelCount(const ScreenBox& box) { return (box.right - box.left) * (box.top - box.bottom); }

  inline TriangleRow RowOf(int i, float py) const {
    const Candidates& t = candidates_;
    return {{t.a[0][i], t.a[1][i], t.a[2][i]},
            {t.b[0][i] * py, t.b[1][i] * py, t.b[2][i] * py},
            {t.c[0][i], t.c[1][i], t.c[2][i]},
            {t.z[0][i], t.z[1][i], t.z[2][i]},
            {t.w[0][i], t.w[1][i], t.w[2][i]}};
  }

  // Draws pixel `which` (0, 1) of the tiny boxes: the first of those with one or two pixels, the last of those
  // with two.
  void DrawPixels(int which) {
    const Candidates& t = candidates_;
    const float* center_x = center_x_.data();
    const float* center_y = center_y_.data();
    float z[kBlock];
    int32_t x[kBlock], y[kBlock], drawn[kBlock], covered[kBlock], hit[kBlock];
    int any = 0;
    for (int i = 0; i < t.count; ++i) {
      const ScreenBox& box = t.box[i];
      x[i] = which == 0 ? box.left : box.right - 1;
      y[i] = which == 0 ? box.bottom : box.top - 1;
      drawn[i] = (PixelCount(box) > which) & (PixelCount(box) <= kTinyBox);
      any |= drawn[i];
    }
    if (!any) return;
    for (int i = 0; i < t.count; ++i) {
      const TriangleRow row = RowOf(i, center_y[y[i]]);
      covered[i] = Cover(row, center_x[x[i]], &z[i]) & drawn[i];
    }
    int hits = 0;
    for (int i = 0; i < t.count; ++i) {
      hit[hits] = i;
      hits += covered[i];
    }
    for (int h = 0; h < hits; ++h) {
      const int i = hit[h];
      Show(RowStart(y[i]) + x[i], t.triangle[i], z[i]);
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
    const ScreenBox box = t.box[i];
    const bool wide = box.right - box.left > kWideBox;
    const int width = scene_.width;
    for (int y = box.bottom; y < box.top; ++y) {
      int left = box.left, right = box.right;
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
  const ScreenBox* boxes_;
  const int y_begin_, y_end_;
  const RasterImage& image_;
  const std::vector<float> center_x_, center_y_;
  Candidates candidates_;
};

}  // namespace

void RasterizeBand(const RasterScene& scene, const ScreenBox* boxes, int y_begin, int y_end,
                   const RasterImage& image) {
  BandRasterizer(scene, boxes, y_begin, y_end, image).Run();
}

}  // namespace mesh_renderer
