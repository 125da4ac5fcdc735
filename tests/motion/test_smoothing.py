"""The smoother has the response that it says, does not lag, fills gaps; the one-euro filter trades noise for lag."""
import numpy as np
import pytest

from Deep3DFaceReconstruction.motion import smoothing


def _jitter(values):
    return np.sqrt((np.diff(values, 2, axis=0) ** 2).mean())


@pytest.mark.parametrize('order', [2, 3])
def test_a_motion_at_the_cutoff_keeps_half_of_its_size(order):
    time = np.arange(400) / 30.0
    wave = np.sin(2 * np.pi * 5.0 * time)[:, None]
    smooth = smoothing.smooth(wave, np.ones(400), np.array([smoothing.strength(5.0, 30.0, order)]), order)
    np.testing.assert_allclose(smooth[100:300], 0.5 * wave[100:300], atol=1e-6)


def test_third_differences_part_slow_from_quick_more_sharply():
    """At the frequencies f: 1 / (1 + (sin(pi f / fps) / sin(pi cutoff / fps))^(2 order)) of the wave is left."""
    time, cutoff = np.arange(600) / 30.0, 5.0
    for order in (2, 3):
        for frequency in (3.0, 8.0):
            wave = np.sin(2 * np.pi * frequency * time)[:, None]
            smooth = smoothing.smooth(wave, np.ones(600), np.array([smoothing.strength(cutoff, 30.0, order)]), order)
            ratio = np.sin(np.pi * frequency / 30) / np.sin(np.pi * cutoff / 30)
            np.testing.assert_allclose(smooth[100:500], wave[100:500] / (1 + ratio ** (2 * order)), atol=1e-5)


def test_a_straight_line_stays_and_a_gap_is_filled():
    line = np.outer(np.arange(30.0), [1.0, -2.0])
    weights = np.ones(30)
    weights[10:15] = 0
    spoiled = line.copy()
    spoiled[10:15] = 99
    np.testing.assert_allclose(smoothing.smooth(spoiled, weights, np.array([1.0, 50.0])), line, atol=1e-5)


def test_a_value_that_is_unknown_is_filled_alone_and_a_column_of_none_is_nan():
    values = np.outer(np.arange(30.0), [1.0, 1.0, 1.0])
    weights = np.ones((30, 3))
    weights[10:15, 1] = weights[:, 2] = 0
    values[10:15, :2] += 5
    smooth = smoothing.smooth(values, weights, np.ones(3))
    np.testing.assert_allclose(smooth[:, 1], np.arange(30.0), atol=1e-5)
    assert smooth[12, 0] > 14 and np.isnan(smooth[:, 2]).all()


def test_one_euro_keeps_what_is_unknown_as_it_was():
    euro = smoothing.OneEuro([1.0, 1.0], [0.0, 0.0])
    assert np.isnan(euro(0.0, [1.0, np.nan])).tolist() == [False, True]
    np.testing.assert_allclose(euro(0.1, [1.0, 2.0]), [1.0, 2.0])
    np.testing.assert_allclose(euro(0.2, [np.nan, 2.0]), [1.0, 2.0])


def test_noise_loses_two_thirds_of_its_jitter_and_more_and_the_motion_does_not_lag():
    random = np.random.RandomState(0)
    time = np.arange(600) / 30.0
    truth = np.sin(2 * np.pi * 0.7 * time)[:, None]
    noisy = truth + 0.05 * random.randn(600, 1)
    smooth = smoothing.smooth(noisy, np.ones(600), np.array([smoothing.strength(5.0, 30.0)]))
    assert _jitter(smooth - truth) < _jitter(noisy - truth) / 3
    assert np.abs(smooth - truth).mean() < np.abs(noisy - truth).mean()
    shifts = range(-3, 4)
    fits = [np.abs(smooth[10:-10] - np.roll(truth, shift, axis=0)[10:-10]).mean() for shift in shifts]
    assert shifts[int(np.argmin(fits))] == 0


@pytest.mark.parametrize('count', [1, 2, 5, 40])
def test_looking_ahead_gives_every_frame_once_in_order_as_the_whole_would(count):
    random = np.random.RandomState(1)
    values = random.randn(count, 3)
    strengths, orders = np.array([0.3, 1.0, 1.0]), np.array([2, 2, 3])
    ahead, result = smoothing.Lookahead(strengths, 12, orders), []
    for key, row in enumerate(values):
        ready = ahead.push(key, row, 1.0)
        assert all(key - given == 12 for given, _ in ready)
        result += ready
    result += ahead.flush()
    assert [key for key, _ in result] == list(range(count))
    whole = smoothing.smooth(values, np.ones(count), strengths, orders)
    np.testing.assert_allclose(np.array([row for _, row in result]), whole, atol=5e-3)


def test_one_euro_quiets_a_still_face_and_follows_a_quick_one():
    random = np.random.RandomState(2)
    still = smoothing.OneEuro([1.5], [12.0])
    noise = 0.002 * random.randn(300, 1)
    filtered = np.array([still(t / 30.0, row) for t, row in enumerate(noise)])
    assert _jitter(filtered[30:]) < _jitter(noise[30:]) / 2
    quick = smoothing.OneEuro([1.5], [12.0])
    turn = np.clip((np.arange(60) - 20) / 15.0, 0, 1)[:, None]
    followed = np.array([quick(t / 30.0, row) for t, row in enumerate(turn)])
    assert np.abs(followed - turn).max() < 0.1
