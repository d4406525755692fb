"""Shuffling, splitting, mini-batches that can be resumed, generators in files, and augmentation."""

from functools import partial

import numpy as np
import pytest

from autograd_dl import Tensor
from autograd_dl.data import MiniBatches, crop, flip, rotate, scale, shift, shuffle_dataset, split_validation
from autograd_dl.data.generators import pack_generator, pack_json, unpack_generator, unpack_json
from autograd_dl.errors import DataError, DTypeError, ShapeError

X = np.arange(20).reshape(10, 2)
T = np.arange(10)
IMAGES = np.random.default_rng(0).random((6, 2, 5, 5), dtype=np.float32)
AUGMENTATIONS = {
    "crop": partial(crop, size=(5, 5), pad=1), "flip": flip, "shift": shift, "scale": scale, "rotate": rotate,
}  # fmt: skip


def rng(seed=0):
    return np.random.default_rng(seed)


class Chosen:
    """A generator whose numbers are chosen."""

    def __init__(self, value):
        self.value = value

    def uniform(self, low, high, size):
        return np.full(size, self.value)

    def integers(self, most, size):
        return np.full(size, self.value)


class TestShuffle:
    def test_rows_stay_together_and_none_is_lost(self):
        x, t = shuffle_dataset(X, T, seed=1)
        np.testing.assert_array_equal(x[:, 0], 2 * t)
        np.testing.assert_array_equal(np.sort(t), T)
        assert (t != T).any()

    def test_images_and_rows_as_targets(self):
        x, t = shuffle_dataset(IMAGES, np.eye(6), seed=0)
        np.testing.assert_array_equal(x, IMAGES[t.argmax(1)])

    def test_a_seed_or_a_generator_decides_and_none_is_another_each_time(self):
        np.testing.assert_array_equal(shuffle_dataset(X, T, seed=3)[1], shuffle_dataset(X, T, seed=rng(3))[1])
        big = np.arange(1000)
        assert (shuffle_dataset(big, big)[1] != shuffle_dataset(big, big)[1]).any()

    def test_the_given_arrays_and_numpys_generator_stay_as_they_are(self):
        before = np.random.get_state()[1].copy()
        x = X.copy()
        shuffle_dataset(x, T)[0][...] = -1
        np.testing.assert_array_equal(x, X)
        np.testing.assert_array_equal(np.random.get_state()[1], before)

    def test_lists_and_tensors(self):
        for given in (X.tolist(), Tensor(X)):
            np.testing.assert_array_equal(shuffle_dataset(given, T, seed=2)[0], shuffle_dataset(X, T, seed=2)[0])

    @pytest.mark.parametrize("function", [shuffle_dataset, split_validation, MiniBatches])
    @pytest.mark.parametrize("t", [T[:9], 3])
    def test_as_many_targets_as_samples(self, function, t):
        with pytest.raises(ShapeError, match="one row for each"):
            function(X, t)


class TestSplit:
    def test_the_parts(self):
        (x_train, t_train), (x_val, t_val) = split_validation(X, T, 0.3, seed=0)
        assert len(x_train) == len(t_train) == 7
        assert len(x_val) == len(t_val) == 3
        np.testing.assert_array_equal(np.sort(np.concatenate([t_train, t_val])), T)
        np.testing.assert_array_equal(np.concatenate([x_train, x_val])[:, 0], 2 * np.concatenate([t_train, t_val]))

    def test_a_fifth_unless_said_otherwise(self):
        assert len(split_validation(X, T)[1][0]) == 2

    @pytest.mark.parametrize("share", [0, 0.05, 1, 1.5, -0.5, np.nan, np.inf])
    def test_no_part_is_empty(self, share):
        with pytest.raises(ValueError, match="each part needs one or more"):
            split_validation(X, T, share)


class TestMiniBatches:
    def test_each_epoch_has_every_row_once_with_the_last_partial_batch(self):
        batches = MiniBatches(X, T, 4, seed=0)
        orders = []
        for _ in range(3):
            drawn = list(batches)
            assert [len(t) for _, t in drawn] == [4, 4, 2]
            assert all((x[:, 0] == 2 * t).all() for x, t in drawn)
            orders.append(np.concatenate([t for _, t in drawn]))
            np.testing.assert_array_equal(np.sort(orders[-1]), T)
        assert (orders[0] != orders[1]).any()
        assert len(batches) == 3

    def test_the_book_draws_with_replacement(self):
        batches = MiniBatches(X, T, 4, replace=True, seed=0)
        drawn = [t for _ in range(2000) for t in batches.draw()[1]]
        assert len(drawn) == 8000
        counts = np.bincount(drawn)
        assert counts.min() > 650
        assert counts.max() < 950
        assert any(len(set(batches.draw()[1])) < 4 for _ in range(20))

    def test_a_loop_takes_what_is_left_of_the_epoch(self):
        for replace in (False, True):
            batches = MiniBatches(X, T, 4, replace=replace, seed=0)
            batches.draw()
            assert len(list(batches)) == 2
            assert len(list(batches)) == 3

    @pytest.mark.parametrize("replace", [False, True])
    def test_a_batch_larger_than_the_data(self, replace):
        batches = MiniBatches(X, T, 25, replace=replace, seed=0)
        assert len(batches) == 1
        assert [len(t) for _, t in batches] == [25 if replace else 10]

    @pytest.mark.parametrize("size", [0, -1])
    def test_a_batch_has_a_sample(self, size):
        with pytest.raises(ValueError, match="1 sample or more"):
            MiniBatches(X, T, size)

    @pytest.mark.parametrize("size", [2.5, None])
    def test_samples_are_whole(self, size):
        with pytest.raises(TypeError, match=f"a whole number of samples, not {size}"):
            MiniBatches(X, T, size)

    def test_no_data(self):
        with pytest.raises(ShapeError, match="no row"):
            MiniBatches(X[:0], T[:0])

    def test_batches_are_copies(self):
        x = X.copy()
        for batch, _ in MiniBatches(x, T, 10, seed=0):
            batch[...] = -1
        np.testing.assert_array_equal(x, X)

    def test_augmentation_has_a_generator_of_its_own(self):
        plain, changed = (MiniBatches(IMAGES, np.arange(6), 4, seed=0, augment=a) for a in [(), (shift, flip)])
        for _ in range(5):
            (x, t), (y, u) = plain.draw(), changed.draw()
            np.testing.assert_array_equal(t, u)
            assert (x != y).any()

    @pytest.mark.parametrize(
        ("returned", "kind", "words"),
        [
            (None, DTypeError, "augment: mine must return an array of images, not a NoneType; does it lack a return"),
            (3.5, DTypeError, "not a float"),
            (IMAGES[:3], ShapeError, r"augment: mine must return as many images as it gets, 4, not an array of \(3, "),
        ],
    )
    def test_a_function_that_returns_no_such_images_is_named(self, returned, kind, words):
        def mine(_images, _rng):
            return returned

        with pytest.raises(kind, match=words):
            MiniBatches(IMAGES, np.arange(6), 4, seed=0, augment=[flip, mine, shift]).draw()
        with pytest.raises(kind, match=r"augment: functools\.partial"):
            MiniBatches(IMAGES, np.arange(6), 4, seed=0, augment=[partial(mine)]).draw()


class TestResumed:
    @pytest.mark.parametrize("replace", [False, True])
    @pytest.mark.parametrize("steps", range(8))
    def test_the_same_batches_follow_bit_for_bit(self, replace, steps):
        def batches(seed):
            return MiniBatches(IMAGES, np.arange(6), 4, replace=replace, augment=(shift, rotate), seed=seed)

        first, second = batches(0), batches(99)
        for _ in range(steps):
            first.draw()
        second.load_state_dict(first.state_dict())
        for _ in range(7):
            (x, t), (y, u) = first.draw(), second.draw()
            assert t.tobytes() == u.tobytes()
            assert x.tobytes() == y.tobytes()

    def test_a_state_is_a_copy(self):
        batches = MiniBatches(X, T, 3, seed=0)
        batches.draw()
        state = batches.state_dict()
        expected = batches.draw()[1]
        state["order"].sort()
        batches.load_state_dict(state | {"order": state["order"]})
        assert (batches.draw()[1] == np.arange(3, 6)).all()
        assert expected.shape == (3,)

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            ({"rng": None}, "lacks rng"),
            ({"position": np.array(4)}, "one of the 4 batches"),
            ({"position": np.array(-1)}, "one of the 4 batches"),
            ({"position": np.array(1.0)}, "one of the 4 batches"),
            ({"position": np.array([1])}, "one of the 4 batches"),
            ({"position": "1"}, "one of the 4 batches"),
            ({"order": np.arange(9)}, "none of 10 rows"),
            ({"order": np.zeros(10, int)}, "none of 10 rows"),
            ({"order": np.arange(10.0)}, "none of 10 rows"),
            ({"order": np.arange(10)[None]}, "none of 10 rows"),
            ({"rng": pack_json({})}, "state of a random generator"),
            ({"augment_rng": np.zeros(3, np.uint8)}, "no JSON"),
            ({"augment_rng": np.zeros(3)}, "a row of bytes"),
            ({"augment_rng": "{}"}, "a row of bytes"),
        ],
    )
    def test_a_state_that_does_not_fit_changes_nothing(self, change, words):
        batches = MiniBatches(X, T, 3, seed=0)
        batches.draw()
        before = batches.state_dict()
        bad = {name: a for name, a in (MiniBatches(X, T, 3).state_dict() | before | change).items() if a is not None}
        with pytest.raises(DataError, match=words):
            batches.load_state_dict(bad)
        assert {k: a.tobytes() for k, a in batches.state_dict().items()} == {k: a.tobytes() for k, a in before.items()}


class TestGenerators:
    @pytest.mark.parametrize("kind", ["PCG64", "PCG64DXSM", "MT19937", "Philox", "SFC64"])
    def test_every_kind_of_numpy_goes_on_where_it_was(self, kind):
        generator = np.random.Generator(getattr(np.random, kind)(5))
        generator.random(7, dtype=np.float32)  # odd: half of a 64-bit number is kept for the next
        state = pack_generator(generator)
        other = unpack_generator(state)
        assert other.random(9, np.float32).tobytes() == generator.random(9, np.float32).tobytes()
        assert other.standard_normal(9).tobytes() == generator.standard_normal(9).tobytes()
        assert pack_generator(other).tobytes() == pack_generator(generator).tobytes() != state.tobytes()

    def test_integers_of_128_bits_survive(self):
        content = {"a": [2**127 + 1, -1, 0.1], "b": {"c": "é"}}
        assert unpack_json(pack_json(content)) == content

    @pytest.mark.parametrize(
        "facts",
        [{}, [], 3, "PCG64", {"bit_generator": "Popen"}, {"bit_generator": "PCG64"},
         {"bit_generator": "PCG64", "state": {"state": -1, "inc": 2**200}, "has_uint32": 0, "uinteger": 0},
         {"bit_generator": "MT19937", "state": {"key": [1], "pos": 0}}],
    )  # fmt: skip
    def test_what_is_no_generator(self, facts):
        with pytest.raises(DataError, match="not the state of a random generator"):
            unpack_generator(pack_json(facts))


class TestAugmentation:
    @pytest.mark.parametrize("name", AUGMENTATIONS)
    @pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16, np.uint8])
    def test_new_images_of_the_same_kind(self, name, dtype):
        images = (IMAGES * 255).astype(dtype)
        before = images.copy()
        changed = AUGMENTATIONS[name](images, rng())
        assert changed.shape == images.shape
        assert changed.dtype == dtype
        assert (changed != images).any()
        assert changed.min() >= 0
        assert changed.max() <= images.max()
        changed[...] = 0
        np.testing.assert_array_equal(images, before)

    @pytest.mark.parametrize("name", AUGMENTATIONS)
    def test_the_generator_decides(self, name):
        change = AUGMENTATIONS[name]
        np.testing.assert_array_equal(change(IMAGES, rng(4)), change(IMAGES, rng(4)))
        assert (change(IMAGES, rng(4)) != change(IMAGES, rng(5))).any()

    @pytest.mark.parametrize("name", AUGMENTATIONS)
    def test_each_image_is_changed_in_its_own_way_and_its_channels_alike(self, name):
        images = np.repeat(np.repeat(IMAGES[:1, :1], 30, axis=0), 3, axis=1)
        changed = AUGMENTATIONS[name](images, rng())
        np.testing.assert_array_equal(changed[:, 0], changed[:, 1])
        np.testing.assert_array_equal(changed[:, 0], changed[:, 2])
        assert (changed != changed[:1]).any()

    @pytest.mark.parametrize("name", AUGMENTATIONS)
    def test_images_have_four_axes(self, name):
        with pytest.raises(ShapeError, match=r"not \(6, 50\): reshape"):
            AUGMENTATIONS[name](IMAGES.reshape(6, -1), rng())

    @pytest.mark.parametrize("name", AUGMENTATIONS)
    def test_images_are_an_array_and_a_seed_is_no_generator(self, name):
        with pytest.raises(DTypeError, match="images are an array, not a list"):
            AUGMENTATIONS[name](IMAGES.tolist(), rng())
        for seed in (3, None):
            with pytest.raises(DTypeError, match=f"by a generator, .*, not by {seed}"):
                AUGMENTATIONS[name](IMAGES, seed)

    @pytest.mark.parametrize("name", AUGMENTATIONS)
    def test_no_image(self, name):
        assert AUGMENTATIONS[name](IMAGES[:0], rng()).shape == IMAGES[:0].shape

    def test_crop_takes_every_part(self):
        image = np.arange(9.0).reshape(1, 1, 3, 3)
        parts = crop(np.repeat(image, 200, axis=0), rng(), (2, 2))
        assert {tuple(p.ravel()) for p in parts} == {
            (0, 1, 3, 4), (1, 2, 4, 5), (3, 4, 6, 7), (4, 5, 7, 8),
        }  # fmt: skip

    @pytest.mark.parametrize("size", [(4, 3), (3, 4), (0, 1)])
    def test_a_part_that_is_none(self, size):
        with pytest.raises(ShapeError, match="can be taken from images of"):
            crop(np.zeros((1, 1, 3, 3)), rng(), size)

    @pytest.mark.parametrize("size", [3, None, (2,), (2, 2, 2), (1.5, 2)])
    def test_a_size_that_is_no_pair(self, size):
        with pytest.raises(ShapeError, match=r"pair of whole numbers, \(height, width\), not"):
            crop(IMAGES, rng(), size)

    def test_flip(self):
        np.testing.assert_array_equal(flip(IMAGES, rng(), 1), IMAGES[..., ::-1])
        np.testing.assert_array_equal(flip(IMAGES, rng(), 0), IMAGES)

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            (partial(crop, size=(2, 2), pad=-1), "0 or more pixels put around them, not -1"),
            (partial(shift, most=-1), "0 or more pixels put around them, not -1"),
            (partial(flip, probability=2.0), "at least 0 and at most 1, not 2.0"),
            (partial(flip, probability=float("nan")), "at least 0 and at most 1, not nan"),
        ],
    )
    def test_settings_that_are_none(self, change, message):
        with pytest.raises(ValueError, match=message):
            change(IMAGES, np.random.default_rng(0))

    def test_shift_moves_by_whole_pixels_and_fills_with_zeros(self):
        image = np.arange(1.0, 10).reshape(1, 1, 3, 3)
        np.testing.assert_array_equal(shift(image, Chosen(0), 1)[0, 0], [[0, 0, 0], [0, 1, 2], [0, 4, 5]])
        np.testing.assert_array_equal(shift(image, Chosen(2), 1)[0, 0], [[5, 6, 0], [8, 9, 0], [0, 0, 0]])
        np.testing.assert_array_equal(shift(image, Chosen(1), 1), image)

    @pytest.mark.parametrize("turns", [0, 1, 2, 3])
    def test_quarter_turns_are_exact(self, turns):
        turned = rotate(IMAGES, Chosen(90 * turns))
        np.testing.assert_allclose(turned, np.rot90(IMAGES, turns, axes=(2, 3)), atol=1e-6)

    def test_scale(self):
        np.testing.assert_array_equal(scale(IMAGES, Chosen(1.0)), IMAGES)
        ramp = np.arange(7.0)[None, None, :, None] * np.ones(6)
        np.testing.assert_allclose(scale(ramp, Chosen(2.0))[0, 0], 3 + (ramp[0, 0] - 3) / 2)
        half = scale(np.ones((1, 1, 8, 8)), Chosen(0.5))[0, 0]
        assert half[2:6, 2:6].min() == 1
        assert half.sum() == 16

    @pytest.mark.parametrize("bounds", [(0, 1), (-1, 1), (1.2, 1.1), (1, np.inf)])
    def test_scale_refuses_what_is_no_range(self, bounds):
        with pytest.raises(ValueError, match="factors above 0"):
            scale(IMAGES, rng(), *bounds)

    @pytest.mark.parametrize("degrees", [-5, np.nan, np.inf])
    def test_rotate_refuses_what_is_no_angle(self, degrees):
        with pytest.raises(ValueError, match=f"0 or more degrees, not {degrees}"):
            rotate(IMAGES, rng(), degrees)

    def test_one_pixel_between_two(self):
        image = np.zeros((1, 1, 4, 4))
        image[0, 0, 1, 1] = 1
        assert rotate(image, Chosen(30.0)).sum() == pytest.approx(1, abs=0.2)
        assert (rotate(image, Chosen(30.0)) > 0).sum() > 1


def test_images_turn_to_either_side():
    images = np.zeros((200, 1, 9, 9))
    images[:, :, 0, 4] = 1
    turned = rotate(images, rng(), degrees=20)[:, 0, 0]
    assert 50 < np.sum(turned[:, 3] > turned[:, 5]) < 150


@pytest.mark.parametrize("change", [scale, rotate])
def test_images_of_whole_numbers_are_rounded(change):
    images = rng().integers(0, 256, (6, 1, 5, 5), dtype=np.uint8)
    np.testing.assert_array_equal(change(images, rng(1)), np.rint(change(images.astype(float), rng(1))))


def test_rows_put_aside_are_chosen_at_random_and_cut_to_whole_ones():
    found = [split_validation(X, T, 0.39, seed=seed)[1][1].tolist() for seed in range(50)]
    assert {len(rows) for rows in found} == {3}
    assert {row for rows in found for row in rows} == set(range(10))
    assert found[0] == split_validation(X, T, 0.39, seed=0)[1][1].tolist() != found[1]
