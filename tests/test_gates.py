import pytest

from models import AND, NAND, NOR, OR, XOR

INPUTS = [(0, 0), (1, 0), (0, 1), (1, 1)]


@pytest.mark.parametrize(
    ("gate", "outputs"),
    [(AND, [0, 0, 0, 1]), (NAND, [1, 1, 1, 0]), (OR, [0, 1, 1, 1]), (NOR, [1, 0, 0, 0]), (XOR, [0, 1, 1, 0])],
)
def test_truth_tables(gate, outputs):
    found = [gate(x1, x2) for x1, x2 in INPUTS]
    assert found == outputs
    assert {type(y) for y in found} == {int}
