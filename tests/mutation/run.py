"""Mutation testing of the engine and the ops, on demand: which changes of the code do the tests not notice?

    pip install cosmic-ray pytest-cov
    python tests/mutation/run.py                             # 300 mutants, drawn at random
    python tests/mutation/run.py --sample 0 --modules autograd_dl/ops/linalg.py   # all mutants of a module

Works in a copy of the checkout. The mutants are cosmic-ray's; `config.toml` says of which modules, and by which of its
operators. Those that could change nothing but annotations, the names of types, `if TYPE_CHECKING:`, overloads or the
wording of an error are not drawn, nor those that are not Python.

First all tests of the engine and the ops run on the unmutated code: they must pass, and which lines each of them runs
is noted. Then each mutant meets its fast subset: the tests that run the changed statement, the quickest first, up to
10 seconds. A change of a function's head is met by those that run any of its lines in half of the time, and by others,
which may look at its signature, in the other half; a change of what only runs at import by any. A mutant is killed if a
test fails, or if it is still running after the time that the config allows.
"""

import argparse
import ast
import math
import os
import random
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import chdir
from functools import cache
from itertools import islice
from pathlib import Path

from cosmic_ray.commands import init
from cosmic_ray.config import load_config
from cosmic_ray.modules import filter_paths, find_modules
from cosmic_ray.mutating import mutate_and_test, mutate_code
from cosmic_ray.plugins import get_operator
from cosmic_ray.work_db import use_db
from cosmic_ray.work_item import TestOutcome
from coverage import CoverageData

HERE = Path(__file__).resolve().parent
CONFIG = load_config(HERE / "config.toml")
FAST = CONFIG["fast-subset"]
PYTEST = shlex.join([sys.executable, *shlex.split(CONFIG.test_command)[1:]])
SUBSET = "subset.txt"


# -- mutants


class Meaning(ast.NodeTransformer):
    """Takes away what the tests are not asked to notice."""

    def visit_Module(self, node):
        node.body = [statement for statement in node.body if not names_a_type(statement)]
        return self.generic_visit(node)

    def visit_arg(self, node):
        return ast.arg(node.arg)

    def visit_FunctionDef(self, node):
        node.returns = None
        is_overload = isinstance(node.body[-1], ast.Expr) and ast.unparse(node.body[-1]) == "..."
        return None if is_overload else self.generic_visit(node)

    def visit_AnnAssign(self, node):
        node.annotation = ast.Name("Any")
        return self.generic_visit(node)

    def visit_If(self, node):
        return None if "TYPE_CHECKING" in ast.unparse(node.test) else self.generic_visit(node)

    def visit_Raise(self, node):
        if isinstance(node.exc, ast.Call):
            node.exc.args = []
        return self.generic_visit(node)


def names_a_type(statement):
    return isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]).istitle()


def meaning(source):
    return ast.dump(Meaning().visit(ast.parse(source)))


def all_mutants(modules):
    """The mutations of cosmic-ray's operators in these modules."""
    paths = filter_paths(find_modules(map(Path, modules)), CONFIG["excluded-modules"])
    excluded = re.compile("|".join(CONFIG.sub("filters", "operators-filter")["exclude-operators"]))
    with use_db("session.sqlite") as session:
        init(sorted(paths), session, CONFIG.operators_config)
        found = [item.mutations[0] for item in session.work_items]
    return [mutation for mutation in found if not excluded.match(mutation.operator_name)]


def matters(mutation):
    """Whether the mutant is Python, and means something else."""
    source = mutation.module_path.read_text()
    operator = get_operator(mutation.operator_name)(**mutation.operator_args)
    try:
        return meaning(mutate_code(source, operator, mutation.occurrence)) != meaning(source)
    except SyntaxError:
        return False


# -- tests


class Tests:
    """The tests of the engine and the ops, how long each takes, and which lines it runs."""

    def __init__(self):
        left_out = [f"--ignore-glob={pattern}" for pattern in FAST["left-out"]]
        measured = ["--cov=autograd_dl", "--cov-context=test", "--cov-report=", "--durations=0", "--durations-min=0"]
        output = passed("all tests of the engine and the ops, followed", "tests", *left_out, *measured)
        self.seconds = Counter()
        for duration, test in re.findall(r"^ *([\d.]+)s (?:setup|call|teardown) +(.*)$", output, re.MULTILINE):
            self.seconds[test] += float(duration) + 0.001

    def fast_subset(self, path, line):
        """The tests that may notice a change of this line, as many as the time allows."""
        statement = statement_at(path, line)
        running = set().union(*(runners(path).get(i, ()) for i in lines_of(statement)))
        if running and not isinstance(statement, ast.FunctionDef):
            return self.within(FAST["seconds"], running)
        first = self.within(FAST["seconds"] / 2, running)
        return first + self.within(FAST["seconds"] / 2, self.seconds.keys() - first)

    def within(self, seconds, tests):
        """As many of these tests as that time allows, the quickest first."""
        chosen, left = [], seconds
        for test in sorted(tests, key=lambda test: (self.seconds[test], test)):
            left -= self.seconds[test]
            if left < 0:
                break
            chosen.append(test)
        return chosen


@cache
def runners(path):
    """For each line of a module the tests that run it."""
    data = CoverageData(".coverage")
    data.read()
    lines = data.contexts_by_lineno(str(path.resolve()))
    return {line: {context.rpartition("|")[0] for context in contexts if context} for line, contexts in lines.items()}


def statement_at(path, line):
    """The innermost statement in which this line stands."""
    statements = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.stmt)]
    return max((node for node in statements if first_line(node) <= line <= node.end_lineno), key=first_line)


def lines_of(statement):
    """Its lines; of one that holds others, only its head, unless that is a function's."""
    has_only_head = hasattr(statement, "body") and not isinstance(statement, ast.FunctionDef)
    return range(first_line(statement), statement.body[0].lineno if has_only_head else statement.end_lineno + 1)


def first_line(statement):
    return min(node.lineno for node in [statement, *getattr(statement, "decorator_list", [])])


def passed(what, *arguments):
    """Run tests on the unmutated code, and return what pytest says. They must pass."""
    begin = time.perf_counter()
    ran = subprocess.run([*shlex.split(PYTEST), *arguments], capture_output=True, text=True, check=False)
    if ran.returncode:
        sys.exit(f"without any mutation, {what} do not pass:\n{ran.stdout[-5000:]}{ran.stderr[-5000:]}")
    print(f"{what}: green in {time.perf_counter() - begin:.1f} s", flush=True)
    return ran.stdout


# -- the score


def wilson(hits, n, z=1.96):
    """The 95% interval of a share of which `hits` among `n` were seen."""
    centre, spread = hits + z * z / 2, z * math.sqrt(hits * (n - hits) / n + z * z / 4)
    return (centre - spread) / (n + z * z), (centre + spread) / (n + z * z)


def outcome(mutation, tests):
    """How it ends, and its diff."""
    Path(SUBSET).write_text("\n".join(tests.fast_subset(mutation.module_path, mutation.start_pos[0])))
    result = mutate_and_test([mutation], f"{PYTEST} @{SUBSET}", CONFIG.timeout)
    if result.test_outcome is TestOutcome.INCOMPETENT:
        sys.exit(f"{mutation} could not be tested:\n{result.output}")
    ending = "timeout" if result.output == "timeout" else result.test_outcome.value
    return ending, result.diff


def tried(asked):
    """Run the mutants that are drawn. Count how they end, and collect the diffs of those that survive."""
    tests = Tests()
    Path(SUBSET).write_text("\n".join(tests.within(FAST["seconds"], tests.seconds)))
    passed("the longest of the fast subsets", f"@{SUBSET}")
    mutants = all_mutants(asked.modules)
    random.Random(asked.seed).shuffle(mutants)
    print(f"{len(mutants)} mutants, drawn with the seed {asked.seed}", flush=True)
    ends, diffs = Counter(), []
    for mutation in islice(filter(matters, mutants), asked.sample or None):
        ending, diff = outcome(mutation, tests)
        ends[ending] += 1
        if ending == "survived":
            diffs.append(diff)
        print(f"{ending:9}{mutation.module_path}:{mutation.start_pos[0]} {mutation.operator_name}", flush=True)
    return ends, diffs


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--sample", type=int, default=300, help="how many mutants to draw; 0 for all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--modules", nargs="+", default=CONFIG["module-path"], metavar="PATH")
    asked = parser.parse_args()
    os.environ |= {"OPENBLAS_NUM_THREADS": "1", "PYTHONHASHSEED": "0"}
    with tempfile.TemporaryDirectory() as folder:
        unneeded = shutil.ignore_patterns(".*", "__pycache__")
        with chdir(shutil.copytree(HERE.parents[1], Path(folder, "copy"), ignore=unneeded)):
            ends, diffs = tried(asked)
    n, killed = ends.total(), ends.total() - ends["survived"]
    low, high = wilson(killed, n)
    print("", *diffs, sep="\n")
    print(f"{n} mutants: {dict(ends)}")
    print(f"killed: {killed / n:.1%} (95% interval {low:.1%} to {high:.1%})")


if __name__ == "__main__":
    main()
