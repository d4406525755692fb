"""Every public function of NumPy is differentiable, gives a plain result, or is unsupported for a stated reason; every
differentiable one has a spec row; and what was promised is there."""

import inspect

import numpy as np
import pytest
from specs import SPECS, is_ours

from autograd_dl import Tensor, ops
from autograd_dl.dispatch import dispatch
from autograd_dl.errors import UnsupportedError
from autograd_dl.ops.entry import PLAIN, present
from autograd_dl.table import TABLE, Op, signature_of

ENTRIES = {entry for entry in TABLE if is_ours(entry)}
DIFFERENTIABLE = ENTRIES - PLAIN

UNSUPPORTED = {
    "deals in complex numbers": """
        angle sort_complex roots linalg.eig linalg.eigvals fft.fft fft.fft2 fft.fftn fft.hfft fft.ifft fft.ifft2
        fft.ifftn fft.ihfft fft.irfft fft.irfft2 fft.irfftn fft.rfft fft.rfft2 fft.rfftn""",
    "writes into its argument; np.where and ops.scatter_add make a new array": """
        copyto fill_diagonal place put put_along_axis putmask""",
    "is about dates": "busday_count busday_offset datetime_as_string is_busday",
    "is of NumPy's old kind of polynomials, of which np.polyval is supported": """
        poly polyadd polyder polydiv polyfit polyint polymul polysub""",
    "calls a function on each slice: a loop in Python, which can as well be written as one": """
        apply_along_axis apply_over_axes""",
    "sorts what NaN leaves: t[~np.isnan(t)] does, then np.median": "nanmedian nanpercentile nanquantile",
    "has a length that depends on values; a slice says which": "trim_zeros",
    "has a derivative that NumPy cannot compute": "i0",
    "deals in the bits of a number": "nextafter spacing",
}  # fmt: skip

ISSUE = """
    add subtract multiply divide negative positive power float_power mod remainder fmod absolute sign square sqrt cbrt
    reciprocal exp exp2 expm1 log log2 log10 log1p logaddexp logaddexp2 sin cos tan arcsin arccos arctan arctan2 sinh
    cosh tanh arcsinh arccosh arctanh sinc deg2rad rad2deg maximum minimum fmax fmin clip where select nan_to_num hypot
    floor ceil round trunc
    sum prod mean average var std max min ptp cumsum cumprod trace diff
    reshape ravel transpose swapaxes moveaxis expand_dims squeeze broadcast_to tile repeat concatenate stack hstack
    vstack dstack column_stack split array_split vsplit hsplit pad flip roll rot90 diag diagonal tril triu atleast_1d
    atleast_2d atleast_3d copy
    dot matmul inner outer tensordot einsum vdot kron cross linalg.inv linalg.det linalg.slogdet linalg.solve
    linalg.cholesky linalg.norm linalg.pinv linalg.matrix_power linalg.eigh linalg.svd linalg.qr
    take take_along_axis sort partition"""
ISSUE_PLAIN = """
    equal not_equal less less_equal greater greater_equal logical_and logical_or logical_xor logical_not isnan isfinite
    argmax argmin all any"""

# Attributes of arrays that Tensors go without.
NOT_ON_TENSORS = {
    "deals in complex numbers": "real imag conj conjugate",
    "writes into the array": "fill partition put resize sort setfield setflags",
    "is gone from the arrays of NumPy 2": "itemset newbyteorder ptp",
    "is about memory": "base byteswap ctypes data flags getfield strides to_device view",
    "writes bytes: those of t.numpy()": "dump dumps tobytes tofile tostring",
    "is rarely written as a method: np.choose(t, ...) and the like": "argpartition choose compress searchsorted device",
}


def functions():
    """The public functions of NumPy that hand their arguments over to a Tensor, by name."""
    modules = {"": np, "linalg.": np.linalg, "fft.": np.fft, "lib.stride_tricks.": np.lib.stride_tricks}
    for prefix, module in modules.items():
        for name in getattr(module, "__all__", dir(module)):
            fun = getattr(module, name, None)
            if isinstance(fun, np.ufunc) or hasattr(fun, "_implementation"):
                yield prefix + name, fun


FUNCTIONS = dict(functions())


def test_the_functions_are_found():
    assert len(FUNCTIONS) > 350
    assert {"exp", "sum", "linalg.inv", "fft.fft", "concatenate"} <= FUNCTIONS.keys()


def test_every_function_of_numpy_is_of_exactly_one_class():
    reasons = [(name, reason) for reason, names in UNSUPPORTED.items() for name in names.split()]
    assert len(dict(reasons)) == len(reasons), "a name stands twice in UNSUPPORTED"
    unsupported = {FUNCTIONS[name] for name, _ in reasons if name in FUNCTIONS}
    names = {fun: name for name, fun in FUNCTIONS.items()}
    assert not [names[fun] for fun in names if fun not in ENTRIES and fun not in unsupported], "these are in no class"
    assert not [names[fun] for fun in unsupported if fun in ENTRIES], "these are supported after all"


def test_every_entry_of_the_table_has_a_row():
    covered = {key for spec in SPECS for key in spec.keys}
    assert not [entry for entry in DIFFERENTIABLE if entry not in covered]
    assert not [key for key in covered if key not in DIFFERENTIABLE], "these rows are of nothing in the table"


def test_rows_have_names_of_their_own():
    names = [spec.name for spec in SPECS]
    assert sorted(set(names)) == sorted(names)


def defaults(fun):
    try:
        parameters = inspect.signature(fun).parameters
    except ValueError:  # of a ufunc, of which an early NumPy tells no signature
        return {}
    return {name: p.default for name, p in parameters.items() if p.default is not p.empty}


def what_no_value_means(name):
    return {"keepdims": False, "where": True, "initial": 0 if "sum" in name else 1 if "prod" in name else None}


@pytest.mark.parametrize("entry", [*filter(DIFFERENTIABLE.__contains__, TABLE)], ids=lambda entry: entry.__name__)
def test_defaults_are_numpys(entry):
    """Those of a composition, and of rules: a keyword that is not given does not reach them."""
    handler, numpys = TABLE[entry], defaults(entry)
    for fun in [*handler.rules, handler.joint] if isinstance(handler, Op) else [handler.args[1]]:
        for name, default in defaults(fun).items() if fun else ():
            expected = numpys.get(name, default)
            if expected is np._NoValue:
                expected = -1 if entry is np.vecdot else what_no_value_means(entry.__name__).get(name)
            if (entry, name) not in [(np.linalg.cross, "axis"), (np.einsum, "optimize")]:
                assert default == expected, name


COMPOSED = [entry for entry in TABLE if entry in DIFFERENTIABLE and not isinstance(TABLE[entry], Op)]


@pytest.mark.parametrize("entry", COMPOSED, ids=lambda entry: entry.__name__)
def test_arguments_have_numpys_names(entry):
    signature = None if isinstance(entry, np.ufunc) else signature_of(entry)
    for p in signature.parameters.values() if signature else ():
        if p.kind is p.POSITIONAL_OR_KEYWORD and p.default is p.empty:
            assert p.name in inspect.signature(TABLE[entry].args[1]).parameters


@pytest.mark.parametrize("name", ISSUE.split())
def test_what_was_promised_is_differentiable(name):
    (fun,) = present(name)
    assert fun in DIFFERENTIABLE


@pytest.mark.parametrize(
    "name", ["logsumexp", "scatter_add", "im2col", "col2im", "relu", "sigmoid", "softplus", "softmax_cross_entropy"]
)
def test_our_own_ops_are_differentiable(name):
    assert getattr(ops, name) in DIFFERENTIABLE


@pytest.mark.parametrize("name", ISSUE_PLAIN.split())
def test_what_was_promised_gives_plain_results(name):
    (fun,) = present(name)
    assert fun in PLAIN


@pytest.mark.parametrize("fun", sorted(PLAIN, key=lambda fun: fun.__name__), ids=lambda fun: fun.__name__)
def test_plain_functions_have_no_rule(fun):
    assert not isinstance(TABLE[fun], Op)


@pytest.mark.parametrize("name", [name for names in UNSUPPORTED.values() for name in names.split()])
def test_unsupported_functions_say_so(name):
    fun = FUNCTIONS.get(name)
    if fun is None:
        pytest.skip(f"this NumPy has no np.{name}")
    with pytest.raises(UnsupportedError, match=rf"np\.{name} is not supported"):
        dispatch(fun, (Tensor(1.0),), {})


def test_tensors_have_the_methods_of_arrays():
    left_out = {name for names in NOT_ON_TENSORS.values() for name in names.split()}
    missing = {name for name in dir(np.ndarray) if not name.startswith("_")} - set(dir(Tensor))
    assert missing <= left_out
