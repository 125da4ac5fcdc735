"""Maps between two sets of corresponding points: a similarity, and a smooth warp. The sphere nearest to points."""
import numpy as np


def similarity(points, goal):
    """The scale, rotation and shift that bring points onto others, least squares.

    Umeyama, 'Least-squares estimation of transformation parameters between two point patterns', 1991. A mirror
    image is never made.

    Args:
      points, goal: [P,3], P >= 3 and not on one line.
    Returns:
      (scale, rotation [3,3], shift [3]) with goal ~ scale * points.dot(rotation) + shift.
    """
    points, goal = np.asarray(points, np.float64), np.asarray(goal, np.float64)
    moved, target = points - points.mean(axis=0), goal - goal.mean(axis=0)
    left, values, right = np.linalg.svd(moved.T.dot(target))
    signs = np.array([1.0, 1.0, np.sign(np.linalg.det(left.dot(right)))])
    rotation = (left * signs).dot(right)
    scale = (values * signs).sum() / (moved ** 2).sum()
    return scale, rotation, goal.mean(axis=0) - scale * points.mean(axis=0).dot(rotation)


def smooth_warp(points, goal, slack):
    """The smoothest map of space that brings points onto others: a thin-plate spline in three dimensions.

    An affine map plus a weighted sum of the distances to the points (Duchon 1977; Wahba 1990, 2.4). Far from all
    points it tends to the affine map.

    Args:
      points, goal: [P,3], P >= 4 and not in one plane.
      slack: [P] >= 0: 0 brings a point exactly to its goal; more lets it fall short where its neighbours disagree.
    Returns:
      A function from [M,3] to [M,3] float64.
    """
    points, goal = np.asarray(points, np.float64), np.asarray(goal, np.float64)
    count = len(points)
    affine = np.concatenate([np.ones((count, 1)), points], axis=1)
    # Minus the distance is the kernel that is positive where the affine part is taken out.
    bend = np.diag(np.broadcast_to(np.asarray(slack, np.float64), count)) - _distances(points, points)
    system = np.block([[bend, affine], [affine.T, np.zeros((4, 4))]])
    solution = np.linalg.solve(system, np.concatenate([goal, np.zeros((4, 3))]))

    def warp(places):
        places = np.asarray(places, np.float64)
        return solution[count] + places.dot(solution[count + 1:]) - _distances(places, points).dot(solution[:count])
    return warp


def _distances(points, others):
    """[P,Q] distances."""
    return np.sqrt(np.maximum(sum((points[:, None, k] - others[None, :, k]) ** 2 for k in range(3)), 0.0))


def sphere_fit(points):
    """Centre [3] and radius of the least-squares sphere through points [n,3]."""
    middle = points.mean(axis=0)
    away = points - middle
    system = np.concatenate([2 * away, np.ones((len(away), 1))], axis=1)
    solution = np.linalg.lstsq(system, (away ** 2).sum(axis=1), rcond=None)[0]
    return solution[:3] + middle, float(np.sqrt(solution[3] + (solution[:3] ** 2).sum()))
