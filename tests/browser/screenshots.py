"""The README's pictures of the web page, taken in real Chromium.

python tests/browser/screenshots.py outputs/tiny/replay --keep    # into slides/figures/; else into a new folder
"""

from __future__ import annotations

import argparse
import io
import re
import sys
import tempfile
from pathlib import Path

from PIL import Image
from real_browser import Visit, chromium, free_port, served

KEPT = Path(__file__).parents[2] / "slides" / "figures"
QUERY = "several ships in a harbour"
MOST_BYTES, WIDTH = 80_000, 840


def take(page, folder: Path) -> list[Path]:
    """app_predict.jpg, app_search.jpg, app_data.jpg in `folder`, each below 80 kB."""
    pictures = []
    for name, prepare in (("Predict", show_a_heatmap), ("Search", search), ("Data", name_a_copy)):
        page.get_by_role("tab", name=name).click()
        panel = page.locator(".rsclip-panel:visible")
        panel.wait_for()
        prepare(panel)
        page.evaluate("document.activeElement.blur(); window.scrollTo(0, 0)")
        page.wait_for_timeout(300)  # pictures are decoded
        pictures.append(shoot(page, folder / f"app_{name.lower()}.jpg"))
    return pictures


def show_a_heatmap(panel) -> None:
    panel.get_by_role("button", name="Where is it?").first.click()
    panel.get_by_role("img", name=re.compile("heatmap over the picture")).wait_for()


def search(panel) -> None:
    panel.get_by_label("Look for").fill(QUERY)
    panel.get_by_text(f"nearest to “{QUERY}”").wait_for()


def name_a_copy(panel) -> None:
    panel.get_by_label("Save to").fill("my_captions.csv")


def shoot(page, path: Path) -> Path:
    picture = Image.open(io.BytesIO(page.screenshot(full_page=True))).convert("RGB")
    picture = picture.resize((WIDTH, round(picture.height * WIDTH / picture.width)), Image.Resampling.LANCZOS)
    for quality in range(85, 35, -10):
        picture.save(path, "JPEG", quality=quality, optimize=True, progressive=True)
        if path.stat().st_size < MOST_BYTES:
            return path
    raise RuntimeError(f"{path}: {path.stat().st_size} bytes at quality {quality}, and {MOST_BYTES} are allowed")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="the run of lesson 04: outputs/tiny/replay")
    parser.add_argument("--base", default="tiny")
    parser.add_argument("--keep", action="store_true", help=f"write to {KEPT.parent.name}/{KEPT.name}")
    chosen = parser.parse_args()
    port, work = free_port(), Path(tempfile.mkdtemp(prefix="screenshots-"))
    command = [sys.executable, "-m", "rsclip_lab.cli", "app", Path(chosen.model).resolve(), "--base", chosen.base]
    command += ["--port", port, "--no-browser"]
    with chromium() as browser, served(command, f"http://127.0.0.1:{port}/voila/static/voila.js", work) as url:
        visit = Visit(browser, url.split("voila")[0])
        visit.page.locator(".percent").first.wait_for(timeout=120_000)
        print(*take(visit.page, KEPT if chosen.keep else work), sep="\n")
        visit.close()


if __name__ == "__main__":
    main()
