"""The page that steps through a program, in a real Chromium: what it shows, and that it can be used by anyone."""

import functools
import re
import shutil

import numpy as np
import pytest
from hostile_names import HOSTILE
from leaves import leaf

from autograd_dl import Tensor, detect_anomaly, scope
from autograd_dl.app.graphs import GRAPHS, apple_orange
from visualize.explore import explore, folding
from visualize.explore.page import WEB
from visualize.text import typeset

pytest.importorskip("pygraphviz")
playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.usefixtures("same_graphs_are_laid_out_once"),
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on the PATH"),
]
DESK, PHONE = {"width": 1280, "height": 800}, {"width": 400, "height": 800}
OVERLAPS = """() => {
  const shown = [...document.querySelectorAll("#canvas svg text")].filter((text) => text.textContent);
  const boxes = shown.map((text) => ({ text: text.textContent, box: text.getBoundingClientRect() }));
  const found = [];
  boxes.forEach((a, i) => boxes.slice(i + 1).forEach((b) => {
    const wide = Math.min(a.box.right, b.box.right) - Math.max(a.box.left, b.box.left);
    const high = Math.min(a.box.bottom, b.box.bottom) - Math.max(a.box.top, b.box.top);
    if (wide > 1 && high > 5) found.push(`${a.text} / ${b.text}`);
  }));
  const svg = document.querySelector("#canvas svg").getBoundingClientRect();
  for (const { text, box } of boxes) {
    const inside = box.left >= svg.left && box.right <= svg.right && box.top >= svg.top && box.bottom <= svg.bottom;
    if (!inside) found.push(`${text} is cut off`);
  }
  return found;
}"""
"""The texts of the graph that overlap each other (letters, not the room between rows), or leave it."""
CROWDED = """() => {
  const controls = [...document.querySelectorAll("button, select, input")];
  const shown = controls.filter((one) => one.offsetParent && !one.closest("#panel"));
  const boxes = shown.map((one) => ({ id: one.id || one.textContent, box: one.getBoundingClientRect() }));
  const found = [];
  boxes.forEach((a, i) => {
    if (a.box.left < 0 || a.box.right > innerWidth) found.push(`${a.id} is off the page`);
    if (a.box.height < 24 && a.id !== "scrub") found.push(`${a.id} is too small`);
    boxes.slice(i + 1).forEach((b) => {
      const wide = Math.min(a.box.right, b.box.right) - Math.max(a.box.left, b.box.left);
      const high = Math.min(a.box.bottom, b.box.bottom) - Math.max(a.box.top, b.box.top);
      if (wide > 1 && high > 1) found.push(`${a.id} / ${b.id}`);
    });
  });
  return found;
}"""
"""The controls that overlap each other, leave the page to a side, or are too small for a finger."""
SQUEEZED = """() => [...document.querySelectorAll("#canvas svg text[textLength]")].map((text) => text.textContent)"""
"""The texts that are wider than their place, and were made as narrow as that."""
VISIBLE = """(kind) => [...document.querySelectorAll(`#canvas .number.${kind}`)]
  .filter((text) => getComputedStyle(text).visibility === "visible").map((text) => text.textContent)"""


@pytest.fixture(scope="module")
def chromium():
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def tabs(chromium):
    """A function that makes an empty page, one for each set of options: to make it takes longer than most visits."""

    @functools.cache
    def tab(**options):
        page = chromium.new_context(**{"reduced_motion": "reduce", "locale": "en", **options}).new_page()
        page.complaints, page.requests = [], set()
        page.on("console", lambda message: message.type != "error" or page.complaints.append(message.text))
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.on("dialog", lambda dialog: page.complaints.append(dialog.message) or dialog.dismiss())
        page.on("request", lambda request: page.requests.add(request.url.split("#")[0]))
        return page

    return tab


@pytest.fixture
def opened(tabs, tmp_path):
    """A function that opens the page of an output. Whatever the page complains of, or asks the network for, fails."""
    visited, file = set(), tmp_path / "graph.html"

    def open_page(output, viewport=DESK, **options):
        page = tabs(**options)
        visited.add(page)
        page.set_viewport_size(viewport)
        page.mouse.move(0, 0)
        page.goto(explore(output, file).as_uri())
        return page

    yield open_page
    complaints, requests = [], set()
    for page in visited:
        page.emulate_media(media="screen")
        page.goto("about:blank")
        complaints += page.complaints
        requests |= page.requests
        page.complaints.clear()
        page.requests.clear()
    assert complaints == []
    assert requests - {"about:blank"} <= {file.as_uri()}


def steps(page):
    """How many steps there are after the first."""
    return int(page.get_attribute("#scrub", "max"))


def test_the_purchase_step_by_step(opened):
    page = opened(apple_orange())
    values, gradients, told = [], [], []
    while True:
        values.append(sorted(page.evaluate(VISIBLE, "value")))
        gradients.append(sorted(page.evaluate(VISIBLE, "gradient")))
        told.append(page.inner_text("#step"))
        if page.get_attribute("#next", "aria-disabled") == "true":
            break
        page.click("#next")
    inputs = ["1.1", "100", "150", "2", "3"]
    assert values[:6] == [
        sorted(inputs), sorted([*inputs, "200"]), sorted([*inputs, "200", "450"]),
        sorted([*inputs, "200", "450", "650"]), sorted([*inputs, "200", "450", "650", "715"]),
        sorted([*inputs, "200", "450", "650", "715"]),
    ]  # fmt: skip
    assert gradients == [
        [], [], [], [], [], ["1"], ["1", "1.1", "650"], ["1", "1.1", "1.1", "1.1", "650"],
        ["1", "1.1", "1.1", "1.1", "165", "3.3", "650"],
        *[["1", "1.1", "1.1", "1.1", "110", "165", "2.2", "3.3", "650"]] * 2,
    ]  # fmt: skip
    assert "200 + 450 = 650" in told[3]
    assert re.sub(r"\s+", " ", told[8]).find("∂z/∂x = y = 3 1.1 arriving gradient × 3 local derivative = 3.3") > 0
    ends = {
        "apple price": "2.2",
        "number of apples": "110",
        "orange price": "3.3",
        "number of oranges": "165",
        "tax": "650",
    }
    for name, gradient in ends.items():
        assert re.search(rf"{name}\s+{re.escape(gradient)}\b", told[10])


def test_branches_are_added(opened):
    x = leaf(3, "x")
    page = opened((x + 1) * (x + 1) + x)
    page.click("#last")
    page.click("#back")
    assert "branch 3 of 3; the sum so far: 1 + 4 + 4 = 9" in re.sub(r"\s+", " ", page.inner_text("#step"))


def test_two_inputs_that_are_called_the_same_are_told_apart(opened):
    page = opened(apple_orange())
    page.fill("#scrub", "7")
    assert page.locator("h3").all_inner_texts()[1:3] == ["To × (100 × 2 = 200)", "To × (150 × 3 = 450)"]
    assert "To × (150 × 3 = 450): 1.1" in page.inner_text("#status")
    page.fill("#scrub", "6")
    assert page.locator("h3").all_inner_texts()[1:3] == ["To +", "To tax"]
    x, h = leaf(np.ones((1, 2)), "x"), leaf(np.ones((1, 2)), "h")
    page = opened((np.dot(x, leaf(np.eye(2), "Wx")) + np.dot(h, leaf(np.eye(2), "Wh"))).sum())
    page.fill("#scrub", "7")
    assert page.locator("h3").all_inner_texts()[1:3] == ["To dot (x, Wx)", "To dot (h, Wh)"]
    page = opened((leaf(np.ones(3)) * leaf(np.ones(3))).sum())
    page.fill("#scrub", "5")
    assert page.locator("h3").all_inner_texts()[1:3] == ["To input (3,) #1", "To input (3,) #2"]


def test_inputs_without_a_name(opened):
    page = opened(leaf(2) * leaf(3) + 4)
    page.click("#last")
    assert re.findall(r"(input \d+)\s+(\d+)", page.inner_text("#step")) == [("input 2", "3"), ("input 3", "2")]


def test_a_sum_of_arrays_is_an_equation(opened):
    t = leaf(np.ones((2, 8)), "x") * 2
    page = opened((t * t).sum())
    page.fill("#scrub", "7")
    children = "() => [...document.querySelector('.arriving .sum').childNodes].map((one) => one.data)"
    assert page.evaluate(children) == [None, "+", None, "="]


FACTS = """() => Object.fromEntries([...document.querySelectorAll("#step .facts div")]
  .map((fact) => [...fact.children].map((part) => part.textContent)))"""


class TestFormulas:
    def test_operands_have_their_names_and_others_letters_that_nothing_is_called(self, opened):
        x, y = leaf(3, "x"), leaf(2, "y")
        page = opened((x + y) * x)
        page.fill("#scrub", "4")
        assert page.locator("#step .equation").all_inner_texts() == ["∂z/∂u = x = 3", "∂z/∂x = u = 5"]
        told = page.evaluate(FACTS)
        assert (told["u"], told["z"], "x" in told) == ("3 + 2 = 5", "5 × 3 = 15", False)
        assert told["dtype"] == "float64"

    def test_the_letters_of_the_purchase_are_explained(self, opened):
        page = opened(apple_orange())
        page.fill("#scrub", "9")
        told = page.evaluate(FACTS)
        assert (told["x"], told["y"], told["z"]) == ("apple price", "number of apples", "100 × 2 = 200")
        page.select_option("#language", "ja")
        assert page.inner_text("#step .equation") == "∂z/∂リンゴの値段 = リンゴの個数 = 2"
        assert page.locator("h3").all_inner_texts()[1] == "リンゴの値段へ"
        page.fill("#scrub", "5")
        assert "支払金額を支払金額自身で微分すると 1 です。" in page.inner_text("#step")

    def test_matrices_are_called_by_their_names(self, opened):
        page = opened(np.dot(leaf(np.ones((2, 3)), "W"), leaf(np.ones((3, 4)), "x")).mean())
        page.click("#last")
        page.click("#back")
        assert page.locator("#step .equation").all_inner_texts() == ["g · xᵀ", "Wᵀ · g"]
        assert page.evaluate(FACTS)["g"] == "Arriving gradient"
        page.fill("#scrub", "4")
        assert page.evaluate(FACTS)["n"] == "how many numbers are averaged"

    def test_operands_are_told_in_their_order(self, opened):
        page = opened((leaf(np.ones((2, 2)), "W") @ np.tanh(leaf(np.ones((2, 2)), "x"))).sum())
        page.fill("#scrub", "2")
        assert page.locator("#step th").all_inner_texts() == ["W", "tanh"]

    def test_a_number_is_told_once(self, opened):
        page = opened(leaf(1e-30, "x") * leaf(-2, "y"))
        page.fill("#scrub", "3")
        assert page.locator("#step .equation").all_inner_texts() == ["∂z/∂x = y = −2", "∂z/∂y = x = 1e−30"]

    def test_a_tie_is_no_comparison(self, opened):
        page = opened(np.maximum(leaf(2, "x"), leaf(2, "y")))
        page.fill("#scrub", "3")
        assert page.locator("#step .equation").all_inner_texts() == ["∂z/∂x = 1/2 = 0.5", "∂z/∂y = 1/2 = 0.5"]
        assert page.evaluate(FACTS)["x = y"] == "half of the gradient to each"
        assert "stands at a kink" in page.inner_text("#whatif")


def test_a_shared_result_shows_where_its_gradient_is_from(opened):
    t = leaf(3, "x") + 1
    page = opened(t * t)
    page.click("#last")
    page.click("#back")
    assert "4 + 4 = 8 the sum of 2 branches" in re.sub(r"\s+", " ", page.inner_text("#step"))


class TestControls:
    def test_playing_goes_to_the_end_and_stops(self, opened):
        page = opened(apple_orange())
        page.select_option("#speed", "500")
        page.evaluate("() => { document.querySelector('#speed').selectedOptions[0].value = '5' }")
        page.click("#play")
        page.wait_for_selector("#next[aria-disabled=true]")
        page.wait_for_selector("#play:has-text('Play')")
        assert page.inner_text("#count") == "10 / 10"

    def test_pause_and_scrub(self, opened):
        page = opened(apple_orange())
        page.click("#play")
        assert "Pause" in page.inner_text("#play")
        page.click("#play")
        assert "Play" in page.inner_text("#play")
        page.fill("#scrub", "7")
        assert page.inner_text("#count") == "7 / 10"
        assert "Backward · + (add)" in page.inner_text("#step")

    def test_by_keys_alone(self, opened):
        page = opened(apple_orange())
        page.keyboard.press("ArrowRight")
        assert page.inner_text("#count") == "1 / 10"
        page.keyboard.press("End")
        assert page.inner_text("#count") == "10 / 10"
        page.keyboard.press("ArrowLeft")
        page.keyboard.press("Home")
        page.keyboard.press(" ")
        assert "Pause" in page.inner_text("#play")
        page.keyboard.press(" ")
        assert "Play" in page.inner_text("#play")
        page.keyboard.press("Home")
        seen = []
        for _ in range(30):
            page.keyboard.press("Tab")
            seen.append(page.evaluate("() => document.activeElement.id || document.activeElement.dataset.box || ''"))
        order = ["search", "language", "theme", "larger", "next", "scrub", "speed", "leaf", "delta"]
        assert [one for one in dict.fromkeys(seen) if one in order] == order
        assert sum(bool(re.fullmatch(r"n\d+|out", one)) for one in dict.fromkeys(seen)) == 1
        assert seen.index("first") - seen.index("larger") == 2

    def test_at_an_end_the_focus_stays(self, opened):
        page = opened(leaf(2, "x") * 3)
        page.focus("#next")
        for _ in range(9):
            page.keyboard.press("Enter")
        assert page.inner_text("#count") == "4 / 4"
        assert page.evaluate("() => document.activeElement.id") == "next"

    def test_after_a_click_in_the_graph_arrow_keys_step(self, opened):
        page = opened(apple_orange())
        page.click("#canvas .op >> nth=1")
        page.keyboard.press("ArrowRight")
        page.keyboard.press("ArrowRight")
        assert page.inner_text("#count") == "4 / 10"

    def test_a_leaf_that_is_clicked_is_told_of(self, opened):
        page = opened(apple_orange(), {"width": 1280, "height": 500})
        page.fill("#scrub", "9")
        page.click("#canvas .leaf >> nth=2")
        assert page.evaluate(
            "() => document.querySelector('#whatif h2').getBoundingClientRect().top < innerHeight - 100"
        )
        page.keyboard.press("ArrowLeft")
        assert page.evaluate("() => document.querySelector('#panel').scrollTop") == 0

    def test_the_graph_is_walked_by_arrow_keys(self, opened):
        page = opened(apple_orange())
        page.focus("#canvas [tabindex='0']")
        names = []
        for _ in range(10):
            names.append(page.evaluate("() => document.activeElement.getAttribute('aria-label')"))
            page.keyboard.press("ArrowRight")
        assert len(set(names)) == 10
        assert page.inner_text("#count") == "0 / 10"
        page.focus("#canvas .op")
        page.keyboard.press("Enter")
        assert page.inner_text("#count") == "1 / 10"

    def test_the_address_keeps_what_is_shown(self, opened):
        page = opened(GRAPHS["two-layer-net"]())
        page.click("#shallower")
        page.select_option("#language", "ja")
        page.select_option("#theme", "dark")
        page.fill("#scrub", "3")
        page.wait_for_function("() => location.hash.includes('step=3')")
        page.reload()
        assert page.inner_text("#count").startswith("3 /")
        assert page.locator(".frame").count() == 0
        assert (page.input_value("#language"), page.input_value("#theme")) == ("ja", "dark")
        assert page.evaluate("() => document.documentElement.style.colorScheme") == "dark"
        with page.expect_navigation(wait_until="load"):
            page.evaluate("() => { location.hash = '#step=7&view=length&theme=pink&language=xx' }")
            page.wait_for_function("() => document.querySelector('#count').textContent.startsWith('7 /')")
        assert (page.input_value("#language"), page.input_value("#theme")) == ("en", "light dark")

    def test_every_control_has_a_name_and_the_status_speaks(self, opened):
        page = opened(GRAPHS["two-layer-net"](), locale="ja")
        unnamed = page.evaluate(
            """() => [...document.querySelectorAll("button, select, input, [role=button]")]
            .filter((one) => !one.getAttribute("aria-label") && !(one.closest("label") ?? one).textContent.trim())
            .map((one) => one.outerHTML.slice(0, 80))"""
        )
        assert unnamed == []
        page.click("#next")
        assert "順伝播" in page.inner_text("#status")
        assert page.get_attribute("#status", "aria-live") == "polite"
        assert page.get_by_role("status").count() == 1

    def test_a_focused_op_is_described_by_its_tip(self, opened):
        page = opened(leaf(2, "x") * 3)
        described = page.locator("[aria-describedby=tip]")
        page.focus("#canvas .op")
        assert described.get_attribute("class").split()[0] == "box"
        assert "float64" in page.inner_text("#tip")
        page.focus("#play")
        assert described.count() == 0

    def test_what_can_do_nothing_shows_it_in_forced_colours(self, opened):
        page = opened(apple_orange(), forced_colors="active")
        colour = "(button) => getComputedStyle(button).color"
        assert page.eval_on_selector("#next", colour) != page.eval_on_selector("#back", colour)

    def test_hover_shows_shape_dtype_and_source(self, opened):
        x = leaf(np.ones((2, 3)), "x")
        with detect_anomaly():
            y = (x * 2).sum()
        page = opened(y)
        page.hover("#canvas .op >> nth=0")
        tip = page.inner_text("#tip")
        assert "float64 (2, 3)" in tip
        assert "test_explore_browser.py:" in tip
        page.mouse.move(1, 1)
        assert page.is_hidden("#tip")

    def test_hover_tells_a_gradient_from_its_step_on(self, opened):
        page = opened(leaf(2, "x") * 3)
        for at, told in ((0, False), (2, False), (3, True)):
            page.fill("#scrub", str(at))
            page.hover("#canvas .leaf")
            assert ("gradient: 3" in page.inner_text("#tip")) == told
            page.hover("#canvas .line .touch >> nth=0", force=True)
            assert ("gradient: 3" in page.inner_text("#tip")) == told
        page.focus("#panel")
        page.keyboard.press("Escape")
        assert page.is_hidden("#tip")


class TestScopes:
    def test_open_and_close_at_the_same_moment(self, opened):
        page = opened(GRAPHS["two-layer-net"]())
        assert page.locator(".frame").count() == 3
        page.fill("#scrub", "4")
        page.click("#shallower")
        assert page.locator(".frame").count() == 0
        assert "Forward · Affine2" in page.inner_text("#step")
        page.click(".group >> nth=0")
        assert page.locator(".frame").count() == 1
        assert "Forward · Affine2" in page.inner_text("#step")
        page.click("#deeper")
        assert page.locator(".frame").count() == 3
        assert "Forward · dot" in page.inner_text("#step")
        page.click(".title >> nth=1")
        assert page.locator(".frame").count() == 2

    def test_what_a_closed_one_says(self, opened):
        page = opened(GRAPHS["two-layer-net"]())
        page.click("#shallower")
        page.click("#last")
        page.click("#back")
        text = page.inner_text("#step")
        assert text.startswith("Backward · Affine1")
        assert {"W1", "b1"} <= set(text.split())
        page.click("text=Open Affine1")
        assert page.locator(".frame").count() == 1

    def test_a_closed_one_tells_first_what_travels_on(self, opened):
        y = leaf(0, "start") * 2
        for i in range(50):
            y = y + leaf(i, f"x{i}") * 3
        page = opened(y)
        page.fill("#scrub", page.evaluate("() => document.querySelector('#scrub').max - 2 + ''"))
        rows = page.locator("#step tr").all_inner_texts()
        assert rows[0].split() == ["+", "1"]
        assert len(rows) == 12
        assert re.search(r"… \d+ more", page.inner_text("#step"))

    def test_search(self, opened):
        page = opened(GRAPHS["two-layer-net"]())
        page.click("#shallower")
        page.fill("#search", "w2")
        assert page.inner_text("#status") == "Search: 1"
        page.click("#found button")
        assert page.evaluate("() => document.activeElement.textContent") == "W2"
        page.fill("#search", "nowhere")
        assert page.inner_text("#found") == "nothing found"
        page.fill("#search", "")
        assert page.is_hidden("#found")

    def test_thousands_of_nodes_open(self, opened, monkeypatch):
        monkeypatch.setattr(folding, "MOST", 300)
        y = x = leaf(1, "x")
        for _ in range(1500):
            y = y * 0.999 + x
        page = opened(y)
        assert "cannot be opened on this page" in page.inner_text("#folded")
        assert page.locator(".group").count() == 40
        page.click(".group >> nth=0")
        assert page.locator(".frame").count() == 1
        page.click("#last")


class TestArrays:
    def test_a_heat_map_is_enlarged_and_read(self, opened):
        page = opened((leaf([[1, -2, 3], [4, 5, np.nan], *[[0, 0, 0]] * 3], "x") * 2).sum())
        page.click("#panel .heat >> nth=0")
        assert "Orange is above zero" in page.inner_text("dialog")
        assert "norm 7.4162 of the finite ones" in " ".join(page.inner_text("dialog .facts").split())
        page.keyboard.press("ArrowRight")
        assert page.inner_text(".cell") == "[0, 0] = 1"
        page.keyboard.press("ArrowRight")
        assert page.inner_text(".cell") == "[0, 1] = −2"
        page.keyboard.press("ArrowDown")
        page.keyboard.press("ArrowRight")
        assert page.inner_text(".cell") == "[1, 2] = nan"
        width = page.evaluate("() => document.querySelector('dialog canvas').width")
        page.click("dialog [aria-label=Larger]")
        assert page.evaluate("() => document.querySelector('dialog canvas').width") > width
        page.keyboard.press("Escape")
        assert page.is_hidden("dialog")

    def test_its_colours(self, opened):
        page = opened((leaf([[1.0, -1.0, np.nan, np.inf, 0.0]] * 3, "x") * 2).sum())
        colours = page.evaluate(
            """() => { const c = document.querySelector("#panel .heat canvas"), b = c.getContext("2d");
            return [0, 1, 2, 3, 4].map((i) => [...b.getImageData(i * c.width / 5 + 2, 2, 1, 1).data]); }"""
        )
        orange, blue, violet, yellow, zero = colours
        assert orange[0] > 200 > blue[0]
        assert blue[2] > 150
        assert violet[2] > 200
        assert yellow[1] > 180
        assert zero[3] < 30
        assert zero[0] == zero[1] == zero[2]

    def test_the_numbers_of_a_small_one(self, opened):
        page = opened((leaf([[1, -2, 0.5]], "x") * 2).sum(), PHONE)
        assert page.locator("#step .numbers td").all_inner_texts() == ["1", "−2", "0.5"]
        page.click("#next")
        assert page.locator("#step .numbers tr").all_inner_texts()[-1].split() == ["2", "−4", "1"]
        page = opened((leaf(np.linspace(-1, 1, 12) / 7e7, "x") * 2).sum(), PHONE)
        assert page.evaluate("() => document.documentElement.scrollWidth") <= PHONE["width"]

    def test_the_product_of_arrays(self, opened):
        page = opened(np.tanh(leaf(np.linspace(-1, 1, 16).reshape(4, 4), "x")).sum())
        page.click("#last")
        page.click("#back")
        assert "∂z/∂x = 1 − z²" in page.inner_text("#step")
        assert page.locator(".product .heat").count() == 3


class TestWhatIf:
    def outcome(self, page):
        return re.sub(r"\s+", " ", page.inner_text("#whatif table"))

    def test_prediction_and_reality(self, opened):
        page = opened(leaf(3, "x") ** 2.0)
        page.fill("#delta", "0.5")
        assert self.outcome(page) == "predicted 12 9 + 6 × 0.5 real 12.25 difference 0.25"
        page.fill("#delta", "")
        assert self.outcome(page) == "predicted 9 9 + 6 × 0 real 9 difference 0"

    def test_the_slider_tells_and_follows_the_field(self, opened):
        page = opened(leaf(3, "x") ** 2.0)
        page.fill("#delta", "-0.15")
        slider = page.locator("#whatif input[type=range]")
        assert (slider.input_value(), slider.get_attribute("aria-valuetext")) == ("-25", "δ = −0.15")

    def test_rounding_errors_of_the_dtype_are_no_difference(self, opened):
        x = Tensor(np.float32(0.1), requires_grad=True, name="x")
        page = opened(x * x * np.float32(3))
        page.fill("#delta", "0.01")
        assert self.outcome(page).endswith("difference 0.0003")

    def test_a_negative_number_has_brackets(self, opened):
        page = opened(leaf(3, "x") * -2.0)
        page.fill("#delta", "-0.5")
        assert self.outcome(page) == "predicted −5 −6 + (−2) × (−0.5) real −5 difference 0"
        assert page.input_value("#delta") == "-0.5"

    def test_an_output_that_is_not_finite(self, opened):
        with np.errstate(all="ignore"):
            page = opened(np.log(leaf(-1, "x")) * 2)
        assert "null" not in page.inner_text("#whatif")
        assert "The output is not finite" in page.inner_text("#whatif")

    def test_a_line_is_predicted_exactly(self, opened):
        page = opened(apple_orange())
        page.select_option("#leaf", label="tax")
        page.fill("#delta", "0.1")
        assert self.outcome(page) == "predicted 780 715 + 650 × 0.1 real 780 difference 0"
        assert page.locator(".plot path").count() == 2

    @pytest.mark.parametrize(
        ("make", "words"),
        [
            (lambda: np.sinc(leaf(0.3)) * 2, "does not know how to compute sinc"),
            (lambda: leaf([1, 2]).sum(), "single numbers only"),
            (lambda: np.round(leaf(1.26), 1) * 2, "does not know how to compute round"),
        ],
    )
    def test_where_it_cannot_it_says_so(self, opened, make, words):
        assert words in opened(make()).inner_text("#whatif")

    def test_each_op_is_computed_as_numpy_does(self, chromium):
        (table,) = re.findall(
            r"^const OPS = (\{.*?^\});$", (WEB / "whatif.js").read_text(encoding="utf-8"), re.M | re.S
        )
        ops = [name for name in re.findall(r"^  (\w+):", table, re.M) if name not in ("relu", "sigmoid", "softplus")]
        page = chromium.new_page()
        for x, y in ((0.3, 0.8), (0.9, -1.5), (1.7, 2.0), (-2.5, 3.0)):
            found = page.evaluate(
                "([x, y]) => Object.fromEntries(Object.entries("
                f"{table}).map(([name, f]) => [name, f.length === 1 ? f(x) : f(x, y)]))",
                [x, y],
            )
            for name in ops:
                fun = getattr(np, name)
                with np.errstate(all="ignore"):
                    right = fun(x, y) if getattr(fun, "nin", 2 if name == "dot" else 1) == 2 else fun(x)
                assert float(found[name]) == pytest.approx(float(right), rel=1e-12, nan_ok=True), (name, x, y)
        page.close()


def test_numbers_are_written_as_in_pictures(chromium):
    cases = [(v, "float64") for v in (715.0000000000001, 1 / 3, 1e-7, 123456.789, 1e20, -0.0, 0.00012345678, 99999.95, 123456789.5, 5e-324)]  # fmt: skip # noqa: E501
    cases += [(-2.0, "float64"), (-1e-30, "float64")]
    cases += [(float(np.float32(v)), "float32") for v in (1.1, 2.3025851, 1234567.5, 3.4e38)]
    cases += [(float(np.float16(v)), "float16") for v in (1.1, 3.3, 2048.0)]
    page = chromium.new_page()
    page.add_script_tag(content=f"{(WEB / 'numbers.js').read_text()}\nglobalThis.number = number;", type="module")
    page.wait_for_function("globalThis.number")
    found = page.evaluate("(cases) => cases.map(([v, d]) => number(v, d))", [list(case) for case in cases])
    assert found == [typeset(np.dtype(dtype).type(value)) for value, dtype in cases]
    assert page.evaluate("() => ['NaN', '-Infinity', 'Infinity'].map((v) => number(v))") == ["nan", "−inf", "inf"]
    page.close()


IN_SIGHT = """() => {
  const [room, svg] = ["#canvas", "#canvas svg"].map((where) => document.querySelector(where).getBoundingClientRect());
  return svg.left >= room.left && svg.right <= room.right && svg.top >= room.top && svg.bottom <= room.bottom;
}"""
"""Whether no part of the graph is out of sight."""
PAGES = ["apple", "apple-orange", "chain-rule", "sum-of-products", "two-layer-net"]


class TestLayout:
    @pytest.mark.parametrize("name", PAGES)
    @pytest.mark.parametrize("language", ["en", "ja"])
    def test_no_text_of_the_graph_overlaps_or_is_cut_off(self, opened, name, language):
        page = opened(GRAPHS[name](), locale=language)
        page.click("#last")
        assert page.evaluate(SQUEEZED) == []
        assert page.evaluate(OVERLAPS) == []
        if page.get_attribute("#shallower", "aria-disabled") == "false":
            page.click("#shallower")
            assert page.evaluate(OVERLAPS) == []

    @pytest.mark.parametrize("viewport", [DESK, PHONE, {"width": 800, "height": 500}], ids=["desk", "phone", "tablet"])
    @pytest.mark.parametrize("language", ["en", "ja"])
    def test_no_control_overlaps_or_is_cut_off(self, opened, viewport, language):
        page = opened(apple_orange(), viewport, locale=language)
        for _ in range(steps(page) + 1):
            assert page.evaluate(CROWDED) == []
            assert page.evaluate("() => document.documentElement.scrollWidth") <= viewport["width"]
            page.keyboard.press("ArrowRight")

    @pytest.mark.parametrize("width", [PHONE["width"], 320])
    def test_on_a_phone_the_controls_are_two_rows(self, opened, width):
        page = opened(GRAPHS["multi-layer-net"](), {"width": width, "height": 640})
        page.click("#last")
        assert page.locator("#transport").bounding_box()["height"] < 110

    def test_on_a_narrow_one_no_word_is_broken(self, opened):
        page = opened(apple_orange(), {"width": 320, "height": 640})
        assert page.locator("#whatif th", has_text="difference").bounding_box()["height"] < 40

    def test_on_a_phone_the_step_is_in_sight(self, opened):
        page = opened(apple_orange(), PHONE)
        for _ in range(steps(page)):
            page.keyboard.press("ArrowRight")
            inside = page.evaluate(
                """() => { const now = document.querySelector("#canvas .now"); if (!now) return true;
                const a = now.getBoundingClientRect(), b = document.querySelector("#canvas").getBoundingClientRect();
                return a.left >= b.left && a.right <= b.right && a.top >= b.top && a.bottom <= b.bottom; }"""
            )
            assert inside

    @pytest.mark.parametrize(
        ("name", "viewport"),
        [
            ("two-layer-net", DESK),
            ("two-layer-net", {"width": 1280, "height": 400}),
            ("apple-orange", PHONE),
            ("resnet", PHONE),
        ],
    )
    def test_the_graph_can_be_read_at_the_start_and_is_whole_by_fit(self, opened, name, viewport):
        page = opened(GRAPHS[name](), viewport)
        height = "() => document.querySelector('#canvas text.label').getScreenCTM().a * 14"
        assert page.evaluate(height) > 11.8
        first = page.evaluate("() => document.querySelector('#canvas .op, #canvas .group').dataset.box")
        box, room = (page.locator(where).first.bounding_box() for where in (f"[data-box={first}]", "#canvas"))
        assert room["x"] <= box["x"] <= room["x"] + room["width"] - box["width"]
        assert room["y"] <= box["y"] <= room["y"] + room["height"] - box["height"]
        page.click("#fit")
        assert page.evaluate(IN_SIGHT)
        while page.evaluate(IN_SIGHT):
            page.click("#larger")
        page.click("#fit")
        assert page.evaluate(IN_SIGHT)
        page.click("#smaller")
        assert page.evaluate(IN_SIGHT)

    @pytest.mark.parametrize("viewport", [DESK, PHONE], ids=["desk", "phone"])
    def test_what_was_found_stands_under_the_search_box(self, opened, viewport):
        page = opened(apple_orange(), viewport)
        page.fill("#search", "number of oranges")
        box, found = page.locator("#search").bounding_box(), page.locator("#found").bounding_box()
        assert 0 < found["y"] - (box["y"] + box["height"]) < 10
        assert found["x"] <= box["x"]
        assert box["x"] + box["width"] <= found["x"] + found["width"] < viewport["width"]

    @pytest.mark.parametrize("theme", ["light", "dark"])
    def test_light_and_dark(self, opened, theme):
        page = opened(apple_orange(), color_scheme=theme)

        def brightness():
            rgb = page.evaluate("() => getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)")
            return sum(rgb[:3])

        assert (brightness() > 380) == (theme == "light")
        other = "dark" if theme == "light" else "light"
        page.select_option("#theme", other)
        assert (brightness() > 380) == (other == "light")

    @pytest.mark.parametrize("theme", ["light", "dark"])
    def test_texts_can_be_read(self, opened, theme):
        """Their contrast to what is behind them is at least 4.5; that of lines and edges 3."""
        page = opened(apple_orange(), color_scheme=theme)
        page.fill("#scrub", "8")

        def luminance(where, what):
            colour = page.evaluate(f"(where) => getComputedStyle(document.querySelector(where)).{what}", where)
            light = [int(v) / 255 for v in re.findall(r"\d+", colour)[:3]]
            red, green, blue = (v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in light)
            return 0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05

        paper = luminance("#panel", "backgroundColor")
        inks = [luminance(where, "color") for where in ("#step .remark", "#step b.gradient", "#step h2")]
        inks += [luminance(f"svg .number.{kind}", "fill") for kind in ("value", "gradient")]
        assert min(max(ink, paper) / min(ink, paper) for ink in inks) >= 4.5
        page.click("#first")
        edges = [luminance(where, "stroke") for where in ("svg .outline", "svg .path.ahead")]
        edges += [luminance(where, "borderTopColor") for where in ("#search", "#next", "#leaf")]
        assert min(max(edge, paper) / min(edge, paper) for edge in edges) >= 3

    def test_on_paper_it_is_light_and_whole(self, opened):
        page = opened(GRAPHS["two-layer-net"](), color_scheme="dark")
        page.select_option("#theme", "dark")
        page.click("#larger")
        page.click("#larger")
        page.emulate_media(media="print", color_scheme="dark")
        page.set_viewport_size({"width": 700, "height": 1000})
        assert page.evaluate("() => getComputedStyle(document.querySelector('#panel')).backgroundColor") == (
            "rgb(255, 255, 255)"
        )
        assert page.evaluate(IN_SIGHT)
        assert page.evaluate("() => document.documentElement.scrollWidth") <= 700

    def test_enlarged_twice_the_controls_cover_nothing(self, opened):
        page = opened(apple_orange(), {"width": 640, "height": 360})
        places = [page.locator(where).bounding_box()["y"] for where in ("#stage", "#transport", "#panel")]
        assert places == sorted(places)
        page.evaluate("() => document.querySelector('#panel').scrollIntoView()")
        assert page.locator("#transport").bounding_box()["y"] < 0

    def test_without_javascript(self, opened):
        page = opened(apple_orange(), java_script_enabled=False)
        assert page.inner_text("body").startswith("This page needs JavaScript.")
        assert page.is_hidden("main")
        assert page.title() == "total – autograd_dl"

    def test_the_language_switch(self, opened):
        page = opened(apple_orange())
        page.select_option("#language", "ja")
        assert page.get_attribute("html", "lang") == "ja"
        assert page.inner_text("h1") == "支払金額"
        assert "リンゴの値段" in page.text_content("#canvas svg")
        page.click("#last")
        assert "勾配" in page.inner_text("#step")
        assert not re.search(r"undefined|\bnull\b", page.inner_text("body"))
        page.select_option("#language", "en")
        assert "apple price" in page.text_content("#canvas svg")


class TestHostileNames:
    def test_they_are_text_and_nothing_else(self, opened):
        output = leaf(1, "x")
        for i, name in enumerate(HOSTILE):
            with scope(HOSTILE[i // 10 * 10]):
                output = output + leaf(1, name)
        output.name = "</title><script>alert(1)</script>"
        page = opened(output)
        assert page.title().startswith("</title><script>alert(1)</script>")
        assert page.inner_text("h1") == "</title><script>alert(1)</script>"
        page.click("#last")
        page.fill("#search", "<")
        assert page.locator("#found button").count() > 5
        for kind in ("img", "iframe", "a", "foreignObject", "use", "script"):
            assert page.locator(f"main {kind}, #found {kind}").count() == 0
        assert page.evaluate("() => document.querySelectorAll('script').length") == 2
        shown = page.evaluate(
            "() => [...document.querySelectorAll('#leaf option')].map((option) => option.textContent)"
        )
        assert "<img src=x onerror=alert(1)>" in shown
        assert "<b>bold</b>" in shown

    @pytest.mark.parametrize(
        "name", ["<svg onload=alert(1)>", "x" * 10_000, "\n" * 500, "税" * 5_000, "\u202egnp.exe", "__proto__"]
    )
    def test_one_alone(self, opened, name):
        page = opened(leaf(2, name) * 3, PHONE)
        assert page.evaluate(OVERLAPS) == []
        page.click("#last")
        assert page.evaluate("() => document.documentElement.scrollWidth") <= PHONE["width"]
