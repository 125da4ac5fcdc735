"""Error measures that several protocols share. Points are NumPy arrays; angles in degrees."""
import numpy as np

YAW_BINS = ((0, 30), (30, 60), (60, 90))


def box_size(points):
    """sqrt(w h) of the tight box around points [n,2+]: the normalisation of AFLW2000-3D's NME."""
    width, height = np.ptp(np.asarray(points)[:, :2], axis=0)
    return float(np.sqrt(width * height))


def nme(predicted, truth):
    """Normalised mean error in per cent: mean distance over sqrt(w h) of the truth's box.

    Args:
      predicted, truth: [n,2] or [n,3], pixels. In 3-D the mean depths are made equal first, as depth has no origin.
    """
    predicted, truth = np.asarray(predicted, np.float64), np.asarray(truth, np.float64)
    difference = predicted - truth
    if difference.shape[1] == 3:
        difference[:, 2] -= difference[:, 2].mean()
    return 100.0 * float(np.linalg.norm(difference, axis=1).mean()) / box_size(truth)


def by_yaw(values, yaws):
    """Means by |yaw|: {'0-30': (mean, count), ..., 'all': ..., 'balanced': (mean of the bins' means, bins filled)}.

    Args:
      values: [n]; NaN stands for a sample that failed and is left out of means.
      yaws: [n] degrees.
    """
    values, yaws = np.asarray(values, np.float64), np.abs(np.asarray(yaws, np.float64))
    result, means = {}, []
    for low, high in YAW_BINS:
        last = (low, high) == YAW_BINS[-1]
        chosen = values[(yaws >= low) & ((yaws < high) | last) & np.isfinite(values)]
        result['%d-%d' % (low, high)] = (float(chosen.mean()) if len(chosen) else np.nan, len(chosen))
        if len(chosen):
            means.append(chosen.mean())
    finite = values[np.isfinite(values)]
    result['all'] = (float(finite.mean()) if len(finite) else np.nan, len(finite))
    result['balanced'] = (float(np.mean(means)) if means else np.nan, len(means))
    return result


def cumulative(values, limits):
    """[len(limits)] share of all samples, failed ones (NaN) included, whose error is at most each limit."""
    values = np.where(np.isfinite(values), values, np.inf)
    return (values[np.newaxis] <= np.asarray(limits)[:, np.newaxis]).mean(axis=1)


def rigid_alignment(points, goal):
    """(rotation [3,3] for row vectors, shift [3]) that bring points [n,3] closest to goal [n,3] (Kabsch 1976)."""
    center, goal_center = points.mean(axis=0), goal.mean(axis=0)
    left, _, right = np.linalg.svd((points - center).T.dot(goal - goal_center))
    flip = np.diag([1, 1, np.sign(np.linalg.det(left.dot(right)))])
    rotation = left.dot(flip).dot(right)
    return rotation, goal_center - center.dot(rotation)


def psnr(image, other, mask=None):
    """Peak signal-to-noise ratio in dB of images 0-255, over a mask [H,W] where given; infinite for equal ones."""
    difference = np.asarray(image, np.float64) - np.asarray(other, np.float64)
    square = difference[mask] ** 2 if mask is not None else difference ** 2
    return float('inf') if not square.size or not square.any() else float(10 * np.log10(255.0 ** 2 / square.mean()))


def aflw_pose(rotation):
    """(pitch, yaw, roll) in degrees as AFLW2000-3D's Pose_Para has them.

    Args:
      rotation: [3,3] for column vectors, from the face's frame to the camera's (x right, y up, z to the viewer).
        AFLW2000-3D writes it as Rx(-pitch) Ry(-yaw) Rz(-roll), angles counter-clockwise (Zhu et al. 2016).
    """
    yaw = -np.arcsin(np.clip(rotation[0, 2], -1, 1))
    pitch = -np.arctan2(-rotation[1, 2], rotation[2, 2])
    roll = -np.arctan2(-rotation[0, 1], rotation[0, 0])
    return np.degrees([pitch, yaw, roll])
