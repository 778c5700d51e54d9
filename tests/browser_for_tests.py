"""A real Chromium without a window, driven by selenium, and axe-core from npm."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = shutil.which("chromium")
DRIVER = shutil.which("chromedriver")
AXE = Path(__file__).parent / "npm" / "node_modules" / "axe-core" / "axe.min.js"

needs_browser = pytest.mark.skipif(
    CHROMIUM is None or DRIVER is None,
    reason="no chromium or no chromedriver (Debian: chromium, chromium-driver)",
)
needs_axe = pytest.mark.skipif(not AXE.exists(), reason="no axe-core (npm ci in tests/npm)")

ARGUMENTS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage")

WIDE, PHONE = (1280, 900), (360, 740)

Browser = Any
"""selenium's WebDriver: imported only where it is used, since it is not needed to skip."""


@contextmanager
def browser(*, script: bool = True) -> Iterator[Browser]:
    """Chromium, with or without JavaScript in pages."""
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = str(CHROMIUM)
    for argument in ARGUMENTS:
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    if not script:
        settings = {"profile.managed_default_content_settings.javascript": 2}
        options.add_experimental_option("prefs", settings)
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(str(DRIVER)))
    try:
        yield driver
    finally:
        driver.quit()


def show(driver: Browser, page: Path, fragment: str = "", size: tuple[int, int] = WIDE) -> None:
    """Open the page anew, `size` CSS pixels wide and high."""
    width, height = size
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    driver.get("about:blank")
    driver.get(page.as_uri() + (f"#{fragment}" if fragment else ""))


def prefer(driver: Browser, scheme: str) -> None:
    """``light`` or ``dark``."""
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})


def shown(driver: Browser, selector: str) -> list[str]:
    """The texts of what matches and is visible, in order."""
    found: list[str] = driver.execute_script(
        """return [...document.querySelectorAll(arguments[0])]
          .filter((one) => one.checkVisibility({visibilityProperty: true}))
          .map((one) => one.innerText)""",
        selector,
    )
    return found


def serious(driver: Browser) -> list[str]:
    """What axe finds on the page that is serious or critical."""
    driver.execute_script(AXE.read_text(encoding="utf-8"))
    found = driver.execute_async_script(
        "const done = arguments[0]; axe.run().then((found) => done(found.violations))"
    )
    return [
        f"{one['id']}: {one['help']}: {one['nodes'][0]['html'][:200]}"
        for one in found
        if one["impact"] in {"serious", "critical"}
    ]
