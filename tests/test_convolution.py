"""Convolutions of sizes that go other ways than small ones, beside the sum over the taps of a filter that they are."""

import tracemalloc
from contextlib import nullcontext

import numpy as np
import pytest

from autograd_dl import Tensor, functional, gradients
from autograd_dl.ops import blocks, conv2d, conv2d_filter, runs, windows
from autograd_dl.parallel import workers

CASES = {
    "one large image, in bands of rows": ((1, 8, 130, 120), (4, 8, 5, 5), {"pad": 2}),
    "one large image and many filters, in bands of rows": ((1, 2, 150, 140), (12, 2, 5, 5), {"pad": 2}),
    "filters with holes": ((3, 8, 11, 9), (6, 8, 3, 3), {"dilation": (3, 2), "pad": 1}),
    "filters of two rows": ((4, 6, 20, 31), (5, 6, 2, 3), {"pad": (0, 2)}),
    "a filter of one row": ((2, 6, 9, 30), (4, 6, 1, 3), {"pad": (1, 0)}),
    "several large images": ((3, 16, 96, 90), (3, 16, 5, 3), {"pad": (0, 1), "stride": (1, 2)}),
    "a large image in groups": ((1, 8, 128, 128), (4, 4, 5, 5), {"groups": 2, "dilation": 2}),
    "few places": ((2, 3, 33, 40), (5, 3, 16, 16), {"stride": 16}),
    "few places with a rest, and pad": ((2, 4, 23, 19), (6, 2, 4, 3), {"stride": (4, 5), "pad": (1, 2), "groups": 2}),
    "few places with holes": ((2, 3, 20, 21), (2, 3, 3, 3), {"stride": 3, "dilation": (2, 3), "pad": 1}),
    "places that overlap": ((2, 3, 15, 16), (2, 3, 5, 5), {"stride": 2}),
    "a filter as large as the image": ((5, 3, 7, 6), (4, 3, 7, 6), {}),
    "one filter a channel": ((3, 6, 12, 11), (6, 1, 3, 5), {"groups": 6, "pad": 1, "stride": (1, 2)}),
    "one filter a channel, few places": ((3, 6, 12, 11), (6, 1, 3, 3), {"groups": 6, "stride": 3}),
    "one filter a channel, one large image": ((1, 16, 150, 140), (16, 1, 5, 5), {"groups": 16}),
    "no filters": ((2, 3, 6, 6), (0, 3, 3, 3), {"pad": 1}),
    "no filters, few places": ((2, 3, 16, 16), (0, 3, 3, 3), {"stride": 9}),
    "no channels": ((2, 0, 6, 6), (4, 0, 3, 3), {"pad": 1}),
    "no channels, few places": ((2, 0, 30, 30), (4, 0, 3, 3), {"stride": 9}),
    "few places, and pad": ((2, 4, 23, 19), (9, 4, 4, 3), {"stride": (4, 5), "pad": (1, 2)}),
    "many channels of one filter each": ((3, 16, 12, 11), (16, 1, 3, 5), {"groups": 16, "pad": 1, "stride": (1, 2)}),
    "no zeros around": ((5, 8, 12, 11), (8, 8, 3, 4), {}),
    "zeros on two sides": ((5, 8, 9, 11), (6, 8, 3, 2), {"pad": (0, 1)}),
    "more zeros than a filter sees": ((3, 6, 5, 7), (4, 6, 3, 2), {"pad": (4, 3)}),
    "images of one pixel": ((3, 6, 1, 1), (4, 6, 3, 3), {"pad": 1}),
    "many images, a few at a time": ((41, 16, 28, 27), (16, 16, 3, 3), {"pad": 1}),
    "many small images": ((101, 8, 6, 5), (8, 8, 3, 3), {"pad": 1}),
    "steps of two beyond the images": ((3, 8, 9, 11), (4, 8, 2, 2), {"stride": 2, "pad": 2}),
    "no images and many places": ((0, 8, 12, 11), (8, 8, 3, 4), {}),
    "no images": ((0, 3, 33, 40), (5, 3, 16, 16), {"stride": 16}),
}


def taps(x, w, stride=1, pad=0, dilation=1, groups=1):
    """The definition: for each tap of the filter a product of what it sees with its weights."""
    stride, pad, dilation = (p if isinstance(p, tuple) else (p, p) for p in (stride, pad, dilation))
    x = np.pad(x, [(0, 0), (0, 0), *((p, p) for p in pad)])
    places = [
        (n - (k - 1) * d - 1) // s + 1 for n, k, d, s in zip(x.shape[2:], w.shape[2:], dilation, stride, strict=True)
    ]
    shares = []
    for some, filters in zip(np.split(x, groups, 1), np.split(w, groups), strict=True):
        seen = 0
        for tap in np.ndindex(*w.shape[2:]):
            rows, columns = (
                slice(t * d, t * d + s * (n - 1) + 1, s)
                for t, d, s, n in zip(tap, dilation, stride, places, strict=True)
            )
            seen = seen + np.einsum("nchw,fc->nfhw", some[:, :, rows, columns], filters[:, :, *tap])
        shares.append(seen)
    return np.concatenate(shares, axis=1)


@pytest.mark.parametrize("way", ["runs", "patches"])
@pytest.mark.parametrize("parts", ["large", "small"])
@pytest.mark.parametrize("parallel", [False, True], ids=["alone", "workers"])
@pytest.mark.parametrize("case", CASES)
def test_it_is_the_sum_over_the_taps_forward_and_backward(case, parallel, parts, way, monkeypatch):
    monkeypatch.setattr(runs, "is_faster", lambda *_: way == "runs")
    if parts == "small":  # many parts of images and bands of rows, not all as large, and several products in each
        monkeypatch.setattr(windows, "CHUNK", 1 << 16)
        monkeypatch.setattr(blocks, "SMALL", 1 << 14)
    images, filters, options = CASES[case]
    rng = np.random.default_rng(0)
    x, w = (Tensor(rng.standard_normal(shape), requires_grad=True) for shape in (images, filters))
    b = Tensor(rng.standard_normal(filters[0]), requires_grad=True)
    expected = taps(x, w, **options) + b.reshape(-1, 1, 1)
    g = rng.standard_normal(expected.shape)
    slopes = gradients(expected, [x, w, b], g)
    with workers() if parallel else nullcontext():
        found = functional.conv2d(x, w, b, **options)
        back = gradients(found, [x, w, b], g)
    np.testing.assert_allclose(found.numpy(), expected.numpy(), atol=1e-10)
    for one, other in zip(back, slopes, strict=True):
        assert (one.shape, one.dtype) == (other.shape, other.dtype)
        np.testing.assert_allclose(one.numpy(), other.numpy(), atol=1e-9)


def test_one_pixel_that_is_not_finite_reaches_only_what_sees_it():
    x = np.random.default_rng(0).standard_normal((41, 16, 28, 27))
    w, b = (Tensor(np.ones(shape), requires_grad=True) for shape in ((16, 16, 3, 3), (16,)))
    x[20, 5, 0, -1] = np.inf  # in a corner, which one weight of each filter sees, once
    y = functional.conv2d(x, w, b)
    expected = np.ones(y.shape, bool)
    expected[20, :, 0, -1] = False
    assert (np.isfinite(y.numpy()) == expected).all()
    (slope,) = gradients(y.sum(), [w])
    expected = np.ones(w.shape, bool)
    expected[:, 5, 0, -1] = False
    assert (np.isfinite(slope.numpy()) == expected).all()


def test_what_no_filter_sees_raises_no_floating_point_error():
    x, w = np.ones((2, 32, 16, 16)), np.ones((8, 32, 3, 3))
    x[0, 0, 1, -1] = x[0, 0, 2, 0] = 1e308  # neighbours in memory
    with np.errstate(over="raise", invalid="raise"):
        functional.conv2d(x, w)
        x[0, 0, 1, -1], x[0, 0, 2, 0] = np.inf, -np.inf
        assert np.isinf(functional.conv2d(x, w)).any()


def test_what_no_filter_sees_does_not_underflow_and_what_one_sees_does():
    x, w = np.ones((2, 32, 16, 16)), np.ones((8, 32, 3, 3))
    x[..., -1] = w[..., 0] = 1e-200  # the last column of the images never meets the first of a filter
    with np.errstate(all="raise"):
        conv2d(x, w)
        x[..., 0] = 1e-200
        with pytest.raises(FloatingPointError, match="underflow"):
            conv2d(x, w)
        with pytest.raises(FloatingPointError, match="underflow"):
            conv2d_filter(x, np.full((2, 8, 14, 14), 1e-200), w.shape)


def test_what_is_too_large_warns():
    x, w = np.full((2, 32, 16, 16), 1e308), np.ones((8, 32, 3, 3))
    with pytest.warns(RuntimeWarning, match="overflow"):
        assert np.isinf(functional.conv2d(x, w)).all()


@pytest.mark.parametrize(("shape", "ways"), [
    ((16, 16, 3, 3), (True, True)),
    ((16, 1, 3, 3),  (False, False)),
    ((16, 16, 1, 1), (False, False)),
    ((4, 16, 3, 3),  (True, True)),
])  # fmt: skip
def test_runs_are_taken_where_there_are_many_channels(shape, ways, monkeypatch):
    taken = []
    is_faster = runs.is_faster
    monkeypatch.setattr(runs, "is_faster", lambda *where: taken.append(is_faster(*where)) or taken[-1])
    w = Tensor(np.ones(shape), requires_grad=True)
    gradients(functional.conv2d(np.ones((2, shape[1], 28, 28)), w, pad=shape[2] // 2).sum(), [w])
    assert tuple(taken) == ways


@pytest.mark.parametrize(("times", "count"), [(0.9, 1), (1.5, 2), (3, 4), (5, 8), (9, 16), (17, 24)])
def test_as_few_parts_as_can_be_shared_out(times, count):
    parts = windows.chunks(1000, int(times * windows.CHUNK / 1000))
    assert len(parts) == count
    assert [i for part in parts for i in range(1000)[part]] == list(range(1000))


@pytest.mark.parametrize(
    ("images", "filters"),
    [((100, 256, 12, 12), (1, 256, 3, 3)), ((1, 64, 300, 300), (8, 64, 3, 3))],
    ids=["few filters of many channels", "one large image"],
)
def test_it_takes_little_memory(images, filters):
    x, w = np.ones(images, "float32"), Tensor(np.ones(filters, "float32"), requires_grad=True)
    tracemalloc.start()
    y = functional.conv2d(x, w)
    gradients(y, [w], y)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < x.nbytes / 2 + 2 * y.nbytes


@pytest.mark.parametrize("dtype", [bool, np.int32, object])
def test_what_blas_does_not_multiply_is_convolved(dtype):
    x, w = np.ones((2, 8, 9, 9), dtype), np.ones((4, 8, 3, 3), dtype)
    y = conv2d(x, w, pad=1)
    assert y.dtype == dtype
    assert (y == conv2d(x.astype(float), w.astype(float), pad=1).astype(dtype)).all()
    if dtype is not bool:  # these have no gradients
        slopes = conv2d_filter(x, y, w.shape, pad=1)
        assert (slopes == conv2d_filter(x.astype(float), y.astype(float), w.shape, pad=1)).all()


@pytest.mark.parametrize("case", ["one large image, in bands of rows", "few places", "one filter a channel"])
def test_other_dtypes_are_near(case):
    images, filters, options = CASES[case]
    rng = np.random.default_rng(0)
    x, w = rng.standard_normal(images), rng.standard_normal(filters)
    exact = [g.numpy() for g in slopes_of(x, w, options)]
    for dtype, tolerance in (("float32", 1e-5), ("float16", 1e-2)):
        for one, other in zip(slopes_of(x.astype(dtype), w.astype(dtype), options), exact, strict=True):
            assert one.dtype == dtype
            off = np.abs(one.numpy().astype(float) - other).max()
            assert off <= tolerance * np.abs(other).max()


def slopes_of(x, w, options):
    leaves = [Tensor(a, requires_grad=True) for a in (x, w)]
    return gradients(functional.conv2d(*leaves, **options).sum(), leaves)
