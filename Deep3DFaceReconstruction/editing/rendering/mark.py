"""A line of text in the corner of a picture that says what was done to it."""
import cv2
import numpy as np

# Height of the letters as a share of the picture's shorter side, at least so many pixels; the margin in letters.
_HEIGHT, _LEAST, _MARGIN = 0.022, 8, 0.6
_FONT = cv2.FONT_HERSHEY_SIMPLEX


def marked(image, text):
    """A copy of an image [H,W,3] uint8 RGB with a line of text on a dark band in its lower right corner."""
    height = max(_HEIGHT * min(image.shape[:2]), _LEAST)
    thickness = max(int(round(height / 12)), 1)
    scale = cv2.getFontScaleFromHeight(_FONT, int(round(height)), thickness)
    (width, tall), below = cv2.getTextSize(text, _FONT, scale, thickness)
    room = int(round(_MARGIN * tall))
    top, left = max(image.shape[0] - tall - below - 2 * room, 0), max(image.shape[1] - width - 2 * room, 0)
    result = image.copy()
    result[top:, left:] = np.rint(0.35 * result[top:, left:])
    cv2.putText(result, text, (left + room, image.shape[0] - below - room), _FONT, scale, (255, 255, 255), thickness,
                cv2.LINE_AA)
    return result
