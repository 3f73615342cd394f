"""The page in a browser: what moves, what fits, and that nothing is asked for."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

sync_api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium")


@pytest.fixture
def browser() -> Iterator[sync_api.Browser]:
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed: install it, or name it in CHROMIUM")
    with sync_api.sync_playwright() as playwright:
        # It starts as root in containers, where it has no sandbox.
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


def test_a_page_plays_draws_and_fits_without_asking_anyone(
    browser: sync_api.Browser, points: Path
) -> None:
    complaints: list[str] = []
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: requests.append(request.url))
    requests: list[str] = []
    page.goto((points / "report.html").as_uri())

    # The slider shows another picture.
    shown = page.locator(".frames img.on")
    newest = shown.get_attribute("src")
    assert shown.get_attribute("data-step") == "step 12"
    page.get_by_label("Step of the samples").fill("1")
    assert shown.count() == 1
    assert shown.get_attribute("src") != newest
    assert page.locator("output").inner_text() == "step 4"

    # Playing goes on to the end, and stops there.
    page.get_by_role("button", name="Play").click()
    page.get_by_role("button", name="Pause").wait_for()
    page.get_by_role("button", name="Play").wait_for(timeout=5000)
    assert page.locator("output").inner_text() == "step 12"

    # A chart is drawn, and has the values under the pointer.
    chart = page.locator(".plot").first
    legend = chart.locator(".u-value").first
    assert legend.inner_text() == "12"
    over = chart.locator(".u-over")
    over.hover(position={"x": 2, "y": 50})
    assert legend.inner_text() == "3"
    pixels = (
        "canvas => canvas.getContext('2d')"
        ".getImageData(0, 0, canvas.width, canvas.height).data.some(each => each)"
    )
    assert chart.locator("canvas").evaluate(pixels)

    # Colours follow the system, also those of the charts.
    stroke = "() => getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(stroke)
    page.emulate_media(color_scheme="dark")
    assert page.evaluate(stroke) != light

    # Nothing is wider than a phone.
    page.set_viewport_size({"width": 390, "height": 844})
    sync_api.expect(chart.locator(".uplot")).to_have_css("width", "350px")
    assert page.evaluate("document.documentElement.scrollWidth") == 390

    assert complaints == []
    assert [url for url in requests if not url.startswith(("file:", "data:"))] == []
