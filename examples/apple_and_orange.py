"""Apples and oranges (section 5.4): layers as in the book, but none has a `backward`.

Run: python examples/apple_and_orange.py
"""

from autograd_dl import Tensor, gradients
from autograd_dl.nn import AddLayer, MulLayer
from visualize import draw_graph, render

apple = Tensor(100.0, requires_grad=True, name="apple")
apples = Tensor(2.0, requires_grad=True, name="apples")
orange = Tensor(150.0, requires_grad=True, name="orange")
oranges = Tensor(3.0, requires_grad=True, name="oranges")
tax = Tensor(1.1, requires_grad=True, name="tax")

fruit = AddLayer().forward(MulLayer().forward(apple, apples), MulLayer().forward(orange, oranges))
total = MulLayer().forward(fruit, tax)
total.name = "total"

print(f"to pay: {total:.0f}")
numbers = [apple, apples, orange, oranges, tax]
for number, gradient in zip(numbers, gradients(total, numbers), strict=True):
    print(f"one more of {number.name}: {gradient:+.1f}")
print(f"wrote {render(draw_graph(total), 'runs/apple_and_orange.svg')}")
