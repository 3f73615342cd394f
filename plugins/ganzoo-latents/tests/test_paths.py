import numpy as np
import pytest
from ganzoo_latents.paths import interpolate_linearly, interpolate_spherically, traverse

WAYS = [interpolate_linearly, interpolate_spherically]
RNG = np.random.default_rng(0)
BEGIN, END = RNG.normal(size=(2, 3, 50)).astype(np.float32)


def test_traversing_changes_one_coordinate_at_a_time():
    latent = np.arange(4, dtype=np.float32)
    paths = traverse(latent, [1, 3], [-5.0, 0.0, 5.0])
    assert paths.shape == (6, 4)
    assert paths[:3, 1].tolist() == paths[3:, 3].tolist() == [-5, 0, 5]
    assert (paths[:3, [0, 2, 3]] == latent[[0, 2, 3]]).all()
    assert (paths[3:, :3] == latent[:3]).all()


@pytest.mark.parametrize("go", WAYS)
def test_both_ends_are_reached(go):
    way = go(BEGIN, END, 5)
    assert way.shape == (3, 5, 50)
    assert way.dtype == np.float32
    np.testing.assert_allclose(way[:, 0], BEGIN, atol=1e-5)
    np.testing.assert_allclose(way[:, -1], END, atol=1e-5)


def test_straight_lines_cut_through_the_middle_and_arcs_keep_their_length():
    lengths = np.linalg.norm(interpolate_spherically(BEGIN, END, 3), axis=2)
    straight = np.linalg.norm(interpolate_linearly(BEGIN, END, 3), axis=2)
    assert (straight[:, 1] < 0.85 * lengths[:, 1]).all()
    np.testing.assert_allclose(lengths[:, 1], lengths[:, [0, 2]].mean(axis=1), rtol=0.05)


def test_an_arc_of_a_right_angle_is_a_circle():
    way = interpolate_spherically(np.array([[1.0, 0.0]]), np.array([[0.0, 1.0]]), 4)[0]
    angles = np.degrees(np.arctan2(way[:, 1], way[:, 0]))
    np.testing.assert_allclose(angles, [0, 30, 60, 90], atol=1e-9)


@pytest.mark.parametrize("factor", [1.0, -1.0, 2.0, 0.0])
def test_latents_without_an_arc_of_their_own_are_joined_by_lines(factor):
    way = interpolate_spherically(BEGIN, BEGIN * factor, 5)
    np.testing.assert_allclose(way, interpolate_linearly(BEGIN, BEGIN * factor, 5), atol=1e-6)
