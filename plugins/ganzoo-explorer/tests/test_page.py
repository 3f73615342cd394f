"""The page in a real browser; skipped where there is none."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ganzoo_explorer.server import Server
from PIL import Image

import ganzoo

sync_api = pytest.importorskip("playwright.sync_api")

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Headless Chromium."""
    sandbox = [] if os.getuid() else ["--no-sandbox"]  # it has none for root
    with sync_api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=sandbox)
        yield opened
        opened.close()


@pytest.fixture
def page(browser: Any, served: Server) -> Iterator[Any]:
    """The page, drawn and measured; it must neither complain nor ask any other host."""
    faults: list[str] = []
    opened = browser.new_page(viewport={"width": 390, "height": 844})
    opened.set_default_timeout(20_000)
    opened.on("console", lambda message: faults.append(message.text))
    opened.on("pageerror", lambda error: faults.append(str(error)))
    opened.on("request", lambda request: check(request.url))

    def check(url: str) -> None:
        if not url.startswith((served.url, "data:", f"blob:{served.url}")):
            faults.append(f"asked for {url}")

    opened.goto(served.url)
    opened.get_by_text("Those that change images most come first").wait_for()
    yield opened
    opened.close()
    assert not faults


def picture(page: Any, changed_from: str = "") -> str:
    """Return the chosen sample's image, once it is another one than before."""
    image = page.locator(f'#image:not([src="{changed_from}"])')
    image.wait_for()
    source: str = image.get_attribute("src")
    assert source.startswith("data:image/png")
    return source


def numbers(page: Any) -> list[float]:
    return [float(each) for each in page.input_value("#latent").split(",")]


def test_a_slider_changes_the_image_and_the_order_is_that_of_effects(page: Any) -> None:
    before, latent = picture(page), numbers(page)
    row = page.locator("#sliders li").first
    index = int(row.get_by_role("button").inner_text()[2:-1])
    row.get_by_role("slider").fill("4")
    after = picture(page, before)
    assert after != before
    changed = numbers(page)
    assert changed[index] == 4
    assert changed[:index] + changed[index + 1 :] == latent[:index] + latent[index + 1 :]
    assert page.locator("#samples img").first.get_attribute("src") == after
    row.get_by_role("spinbutton").fill("114514")
    picture(page, after)
    page.get_by_role("button", name="Reset").click()
    assert picture(page, after) == before
    assert page.locator("#traversal img").count() == 9
    assert page.evaluate("document.documentElement.scrollWidth") == 390


def test_latents_are_typed_and_downloaded(page: Any, finished: Path, tmp_path: Path) -> None:
    before = picture(page)
    page.fill("#latent", "1, 2, 3")
    page.click("#use-latent")
    page.get_by_text("latent: needs 8 numbers, not 3").wait_for()
    page.fill("#latent", "0.5, -1, 2, 0, 0, 1, -2, 3")
    page.click("#use-latent")
    typed = picture(page, before)
    page.select_option("#class", label="7")
    picture(page, typed)
    with page.expect_download() as file:
        page.click("#download-latent")
    data = json.loads(Path(file.value.path()).read_text())
    assert file.value.suggested_filename == "small-1-latent.json"
    assert data["latent"] == [0.5, -1, 2, 0, 0, 1, -2, 3]
    assert data["class"] == "7"
    with page.expect_download() as file:
        page.click("#download-image")
    with Image.open(file.value.path()) as image:
        found = image.copy()
    expected = ganzoo.open_run(finished).sample(latents=[data["latent"]], labels="7").numpy()
    assert abs(found.getpixel((14, 14)) / 127.5 - 1 - expected[0, 0, 14, 14]) < 0.01


def test_directions_animations_and_pictures(page: Any, tmp_path: Path) -> None:
    before = picture(page)
    page.get_by_role("button", name="Directions (SeFa)").click()
    page.get_by_role("slider", name="sefa[0]", exact=True).fill("3")
    moved = picture(page, before)
    page.get_by_role("button", name="Sample 3").click()
    page.get_by_role("button", name="Next seed").click()
    picture(page, moved)
    page.click("#play")
    page.locator('#animation[src^="data:image/png"]').wait_for()
    page.click("#play")
    Image.new("L", (50, 50), 90).save(tmp_path / "mine.png")
    page.set_input_files("#picture", tmp_path / "mine.png")
    page.get_by_text("Sample 3 is now this latent").wait_for()
    assert page.locator("#inverted img").count() == 2
