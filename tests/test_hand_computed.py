"""Numbers that were computed by hand, or that the book prints. No helper stands between them and the engine."""

from __future__ import annotations

import numpy as np
import pytest

from autograd_dl import Tensor, gradients, ops
from autograd_dl.functional import cross_entropy_error, softmax, softmax_loss, sum_squared_error


def test_the_apples():
    apple, number, tax = Tensor(100, True), Tensor(2, True), Tensor(1.1, True)
    apples = apple * number
    price = apples * tax
    apples.retain_grad()
    price.retain_grad()
    price.backward()
    assert float(price) == 220.00000000000003
    assert price.grad.item() == 1
    assert apples.grad.item() == 1.1
    assert tax.grad.item() == 200
    assert apple.grad.item() == 2.2
    assert number.grad.item() == 110.00000000000001


def test_the_apples_and_oranges():
    apple, apples, orange, oranges = Tensor(100, True), Tensor(2, True), Tensor(150, True), Tensor(3, True)
    tax = Tensor(1.1, True)
    apple_price = apple * apples
    orange_price = orange * oranges
    all_price = apple_price + orange_price
    price = all_price * tax
    for t in (apple_price, orange_price, all_price):
        t.retain_grad()
    price.backward()
    assert (float(apple_price), float(orange_price), float(all_price)) == (200, 450, 650)
    assert float(price) == 715.0000000000001
    assert (apple_price.grad.item(), orange_price.grad.item(), all_price.grad.item()) == (1.1, 1.1, 1.1)
    assert tax.grad.item() == 650
    assert apple.grad.item() == 2.2
    assert apples.grad.item() == 110.00000000000001
    assert orange.grad.item() == 3.3000000000000003
    assert oranges.grad.item() == 165


def test_the_first_matrix_product():
    x, w = Tensor([1.0, 2.0], True), Tensor([[1.0, 3.0, 5.0], [2.0, 4.0, 6.0]], True)
    y = np.dot(x, w)
    assert y.tolist() == [5, 11, 17]
    y.backward([1, 10, 100])
    assert x.grad.tolist() == [1 + 30 + 500, 2 + 40 + 600]
    assert w.grad.tolist() == [[1, 10, 100], [2, 20, 200]]


def test_the_first_layer():
    x = Tensor([1.0, 0.5])
    w = Tensor([[0.1, 0.3, 0.5], [0.2, 0.4, 0.6]])
    b = Tensor([0.1, 0.2, 0.3])
    assert (x @ w + b).tolist() == pytest.approx([0.3, 0.7, 1.1], abs=1e-15)


def test_softmax_of_the_book():
    assert softmax([1, 2, 3]).tolist() == pytest.approx([0.09003057, 0.24472847, 0.66524096], abs=5e-9)
    assert softmax([1, 2, 1e6]).tolist() == [0, 0, 1]
    assert softmax([[0, 1], [2, 3]]).tolist() == [pytest.approx([0.26894142, 0.73105858], abs=5e-9)] * 2


def test_losses_of_the_book():
    t = [0, 0, 1, 0, 0, 0, 0, 0, 0, 0]
    y = [0.1, 0.05, 0.6, 0.0, 0.05, 0.1, 0.0, 0.1, 0.0, 0.0]
    z = [0.1, 0.05, 0.1, 0.0, 0.05, 0.1, 0.0, 0.6, 0.0, 0.0]
    assert float(cross_entropy_error(y, t)) == pytest.approx(0.510825457099338, abs=1e-15)
    assert float(cross_entropy_error(z, t)) == pytest.approx(2.302584092994546, abs=1e-15)
    assert float(sum_squared_error([1, 2, 3], [1, 2, 4])) == 0.5
    assert float(sum_squared_error([1, 2, 3], [1, 2, 10])) == 24.5


def test_simple_net_of_the_book():
    w = Tensor([[-0.29987897, -2.12317372, 0.47065595], [-0.39304798, -0.98756266, -0.75852701]], True)
    softmax_loss(np.dot(np.array([0.6, 0.9]), w), np.array([0, 0, 1])).backward()
    rows = [0.256540, 0.050312, -0.306852], [0.384810, 0.075468, -0.460279]
    for row, expected in zip(w.grad.tolist(), rows, strict=True):
        assert row == pytest.approx(expected, abs=1e-6)


def test_im2col_shapes_of_the_book():
    assert ops.im2col(np.zeros((1, 3, 7, 7)), 5, 5).shape == (9, 75)
    assert ops.im2col(np.zeros((10, 3, 7, 7)), 5, 5).shape == (90, 75)


def test_add_multiply_and_divide():
    x, y = Tensor(3.0, True), Tensor(4.0, True)
    z = (x + y) * x / y  # x²/y + x: 2x/y + 1 and -x²/y²
    assert float(z) == 5.25
    z.backward()
    assert (x.grad.item(), y.grad.item()) == (2.5, -0.5625)


def test_the_square_of_a_sum():
    x, y = Tensor(1.0, True), Tensor(2.0, True)
    t = x + y
    z = t**2
    t.retain_grad()
    z.backward()
    assert (float(z), t.grad.item(), x.grad.item(), y.grad.item()) == (9, 6, 6, 6)


def test_exp_and_log():
    x = Tensor([0.0, 1.0], True)
    np.sum(np.exp(2 * x)).backward()
    assert x.grad.tolist() == [2.0, pytest.approx(14.7781121978613)]
    y = Tensor([0.5, 4.0], True)
    np.sum(np.log(y)).backward()
    assert y.grad.tolist() == [2.0, 0.25]


def test_sigmoid_and_relu():
    x = Tensor([0.0], True)
    ops.sigmoid(x).backward()
    assert x.grad.tolist() == [0.25]
    y = Tensor([-1.0, 0.0, 2.0], True)
    np.sum(ops.relu(y)).backward()
    assert y.grad.tolist() == [0, 0, 1]


def test_broadcasting():
    x, b = Tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], True), Tensor([10.0, 20.0, 30.0], True)
    np.sum(x * b).backward()
    assert x.grad.tolist() == [[10, 20, 30], [10, 20, 30]]
    assert b.grad.tolist() == [5, 7, 9]


def test_second_and_third_derivative_of_a_cube():
    x = Tensor(2.0, True)
    (first,) = gradients(x**3, x, create_graph=True)
    (second,) = gradients(first, x, create_graph=True)
    (third,) = gradients(second, x)
    assert (first.item(), second.item(), third.item()) == (12, 12, 6)


def test_mixed_second_derivative():
    x, y = Tensor(2.0, True), Tensor(3.0, True)
    dx, dy = gradients(x**2 * y**3, [x, y], create_graph=True)
    assert (dx.item(), dy.item()) == (4 * 27, 4 * 27)
    assert [g.item() for g in gradients(dx, [x, y])] == [54, 108]
    assert [g.item() for g in gradients(dy, [x, y])] == [108, 72]


def test_the_same_tensor_on_both_sides():
    x = Tensor([1.0, 2.0], True)
    np.sum(x * x - x / x + np.dot(x, x)).backward()  # Σx² - 2 + 2 Σx²
    assert x.grad.tolist() == [6, 12]


def test_indexing_with_repeats():
    x = Tensor([1.0, 2.0, 3.0], True)
    x[[0, 0, 2]].backward([1.0, 10.0, 100.0])
    assert x.grad.tolist() == [11, 0, 100]


def test_a_partition_puts_one_value_in_its_place_and_carries_every_gradient_to_where_its_value_was():
    values = np.random.default_rng(0).permutation(100)
    for dtype in (np.float16, np.float32, np.float64):
        x = Tensor(values.astype(dtype), True)
        y = np.partition(x, 30)
        assert y[30].item() == 30
        assert max(y[:30].tolist()) < 30 < min(y[31:].tolist())
        y.backward(y * 2)
        assert x.grad.tolist() == (2 * values).tolist()
