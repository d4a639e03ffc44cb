"""Pages to PDF, printed by a Chromium that is on this machine."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")
ROOT_USER = 0  # Chromium's sandbox refuses to start as root, as in most containers


def find_browser() -> tuple[str | None, str]:
    """The Chromium to print with, or None, and a line that says which, or why there is none."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        return None, 'no PDF: Playwright is not installed (pip install "rsclip-lab[dev]")'
    for name in BROWSERS:
        if found := shutil.which(name):
            return found, f"printed by {found}"
    with sync_playwright() as playwright:
        own = playwright.chromium.executable_path
    if Path(own).exists():
        return own, "printed by Playwright's Chromium"
    return (
        None,
        f"no PDF: none of {', '.join(BROWSERS)} is on this machine; `playwright install chromium` fetches one",
    )


def launch_options(browser: str) -> dict:
    """What Playwright needs to start that browser here."""
    as_root = hasattr(os, "getuid") and os.getuid() == ROOT_USER
    return {"executable_path": browser, "args": ["--no-sandbox"] if as_root else []}


def print_pages(pages: Mapping[Path, Path], browser: str) -> None:
    """Print {page: PDF}, a slide a sheet; each PDF is written beside and renamed when it is whole."""
    if not pages:
        return
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(**launch_options(browser))
        tab = chromium.new_page()
        for page, target in pages.items():
            tab.goto(page.resolve().as_uri())
            part = target.with_suffix(".part")
            tab.pdf(path=part, prefer_css_page_size=True, print_background=True, tagged=True, outline=True)
            os.replace(part, target)
        chromium.close()
