"""Modes: recording switched off and on, scopes, in blocks, decorators, generators, coroutines and threads."""

from __future__ import annotations

import asyncio
import sys
import threading

import numpy as np
import pytest

from autograd_dl import Tensor, detect_anomaly, enable_grad, gradients, is_grad_enabled, no_grad, scope
from autograd_dl.mode import current_mode


def records():
    """Whether an op is recorded at this moment."""
    enabled = is_grad_enabled()
    assert (Tensor(1.0, requires_grad=True) * 2).requires_grad == enabled
    return enabled


def test_blocks_nest():
    assert records()
    with no_grad():
        assert not records()
        with enable_grad():
            assert records()
            with no_grad():
                assert not records()
            assert records()
        assert not records()
    assert records()


@pytest.mark.parametrize("switch", [no_grad(), enable_grad(), scope("s"), detect_anomaly()])
def test_an_exception_restores_the_mode(switch):
    before = current_mode()
    with pytest.raises(KeyboardInterrupt), switch:
        raise KeyboardInterrupt
    assert current_mode() is before


def test_one_object_may_be_entered_twice():
    off = no_grad()
    with off:
        with off:
            assert not records()
        assert not records()
    assert records()
    with off:
        assert not records()
    assert records()


def test_objects_left_in_another_order():
    first, second = no_grad(), enable_grad()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert records()  # the enable_grad is still open
    second.__exit__(None, None, None)
    assert records()
    first.__enter__()
    second.__enter__()
    second.__exit__(None, None, None)
    assert not records()
    first.__exit__(None, None, None)
    assert records()


def test_leaving_what_was_not_entered_changes_nothing():
    before = current_mode()
    no_grad().__exit__(None, None, None)
    assert current_mode() is before


def test_as_a_decorator():
    @no_grad()
    def off(x, *, factor=2):
        """What it does."""
        return records(), x * factor

    recorded, y = off(Tensor(2.0, requires_grad=True), factor=3)
    assert not recorded
    assert not y.requires_grad
    assert off.__name__ == "off"
    assert off.__doc__ == "What it does."
    assert records()


def test_a_decorated_function_that_raises_or_recurs():
    @no_grad()
    def down(n):
        assert not records()
        return down(n - 1) if n else 1 / 0

    with pytest.raises(ZeroDivisionError):
        down(5)
    assert records()


def test_a_decorated_method():
    class Net:
        @no_grad()
        def predict(self):
            return records()

    assert not Net().predict()


def test_without_parentheses_is_an_error():
    with pytest.raises(TypeError):
        no_grad(lambda x: x)
    with pytest.raises(TypeError, match="a scope has a name"):
        scope(lambda x: x)


# -- generators


def test_a_decorated_generator_is_switched_only_while_its_own_code_runs():
    @no_grad()
    def steps():
        for _ in range(3):
            assert not records()
            yield records()

    for step in steps():
        assert step is False
        assert records()


def test_send_throw_and_close_reach_a_decorated_generator():
    log = []

    @no_grad()
    def echo():
        try:
            while True:
                try:
                    got = yield records()
                    log.append((got, records()))
                except KeyError:
                    log.append(("caught", records()))
        finally:
            log.append(("closed", records()))

    generator = echo()
    next(generator)
    assert generator.send("hello") is False
    assert generator.throw(KeyError("k")) is False
    assert records()
    generator.close()
    assert log == [("hello", False), ("caught", False), ("closed", False)]
    assert records()


def test_a_decorated_generator_returns_its_value():
    @no_grad()
    def steps():
        yield 1
        return "done"

    def outer():
        return (yield from steps())

    generator = outer()
    next(generator)
    with pytest.raises(StopIteration) as end:
        next(generator)
    assert end.value.value == "done"


def test_an_exception_in_a_decorated_generator():
    @no_grad()
    def steps():
        yield 1
        raise KeyError

    generator = steps()
    next(generator)
    with pytest.raises(KeyError):
        next(generator)
    assert records()


def test_suspended_generators_that_finish_in_any_order_leave_no_wrong_mode():
    def inside(switch):
        with switch:
            yield records()

    a, b, c = inside(no_grad()), inside(enable_grad()), inside(no_grad())
    assert [next(g) for g in (a, b, c)] == [False, True, False]
    a.close()
    assert not records()  # c is still open
    c.close()
    assert records()
    b.close()
    assert records()


def test_interleaved_generators_with_one_shared_switch():
    off = no_grad()

    def inside():
        with off:
            yield
            yield

    a, b = inside(), inside()
    next(a)
    next(b)
    a.close()
    assert not records()
    next(b)
    assert not records()
    b.close()
    assert records()


def test_a_with_block_in_a_generator_covers_its_caller_while_suspended():
    def inside():
        with no_grad():
            yield

    generator = inside()
    next(generator)
    assert not records()
    generator.close()
    assert records()


# -- coroutines, tasks and threads


def test_a_decorated_coroutine():
    @no_grad()
    async def off():
        await asyncio.sleep(0)
        return records()

    async def main():
        return await off(), records()

    assert asyncio.run(main()) == (False, True)


def test_each_task_has_its_own_mode():
    async def flip(switch, n):
        seen = []
        for _ in range(n):
            with switch:
                await asyncio.sleep(0)
                seen.append(records())
            await asyncio.sleep(0)
            seen.append(records())
        return seen

    async def main():
        off = no_grad()
        return await asyncio.gather(*(flip(off, 20) for _ in range(5)), flip(enable_grad(), 20))

    *switched, plain = asyncio.run(main())
    assert switched == [[False, True] * 20] * 5
    assert plain == [True] * 40


def test_an_asynchronous_generator_is_refused():
    with pytest.raises(TypeError, match="write the with block"):

        @no_grad()
        async def steps():
            yield 1


def test_a_new_thread_begins_with_recording_on_unless_it_inherits_contexts():
    seen = []
    with no_grad():
        thread = threading.Thread(target=lambda: seen.append(records()))
        thread.start()
        thread.join()
        assert not records()
    assert seen == [not getattr(sys.flags, "thread_inherit_context", 0)]


def test_threads_share_one_switch_without_disturbing_each_other():
    off, wrong = no_grad(), []
    barrier = threading.Barrier(4)

    def flip():
        barrier.wait()
        for _ in range(200):
            with off:
                if records():
                    wrong.append("on")
            if not records():
                wrong.append("off")

    threads = [threading.Thread(target=flip) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


# -- scopes


def test_scopes_and_switches_mix():
    x = Tensor(1.0, requires_grad=True)
    with scope("a"), no_grad(), enable_grad(), scope("b"):
        y = x * 2
    assert y.node.scope == ("a", "b")


def test_a_scope_as_a_decorator_and_entered_twice():
    layer = scope("layer")

    @layer
    def forward(x):
        with layer:
            return x * 2

    assert forward(Tensor(1.0, requires_grad=True)).node.scope == ("layer", "layer")
    assert current_mode().scope == ()


def test_a_hook_and_a_rule_run_in_the_callers_mode():
    x = Tensor(np.ones(2), requires_grad=True)
    seen = []
    x.register_hook(lambda g: seen.append(is_grad_enabled()))
    y = np.sum(x * x)
    with no_grad():
        y.backward(retain_graph=True)
        y.backward(create_graph=True)
    assert seen == [False, True]


def test_backward_under_no_grad():
    x = Tensor(3.0, requires_grad=True)
    y = x * x
    with no_grad():
        y.backward()
    assert x.grad.item() == 6


def test_create_graph_under_no_grad_still_makes_one():
    x = Tensor(3.0, requires_grad=True)
    y = x * x * x
    with no_grad():
        y.backward(create_graph=True)
        y.backward(create_graph=True)
    assert x.grad.requires_grad
    x.grad, slope = None, x.grad
    slope.backward()
    assert x.grad.item() == 36


@pytest.mark.parametrize("dtype", ["float32", "float64"], ids=["cast", "as it is"])
def test_create_graph_under_no_grad_leads_back_to_the_arriving_gradients(dtype):
    """They are summed, and cast, before the walk begins: y is returned twice."""
    x = Tensor(3.0, requires_grad=True)
    y = x * x
    u = Tensor(2.0, requires_grad=True, dtype=dtype)
    arriving = [u, u * 3.0]
    with no_grad():
        (slope,) = gradients([y, y], x, arriving, create_graph=True)
    assert slope.item() == 48
    assert gradients(slope, u)[0].item() == 24


@pytest.mark.parametrize("switch", [no_grad, enable_grad, detect_anomaly])
def test_a_switch_without_its_parentheses(switch):
    with pytest.raises(TypeError, match=rf"^write {switch.__name__}\(\), with parentheses"):
        switch(lambda x: x)
