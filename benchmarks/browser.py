"""How soon does the web page answer, in real Chromium?

    python benchmarks/browser.py --json browser.json        # about three minutes; needs Chromium, Playwright, Voilà

`rsclip-lab app MODEL --base BASE` as a visitor meets it, on this machine:

    load     from the start of the navigation until the bars of the first picture stand on the page. "ready": a kernel
             was waiting (the rule); "cold": right after another visitor took it
    typing   from the last key of a new prompt until its bar is drawn; the two models have not seen the text before
    search   from the last key of a new query until its results are drawn

The ratios are what is allowed over what was needed: 300 ms for the median of typing, 5 s for the median of ready
loads. Above 1 is within the limit.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "browser"))
from real_browser import Visit, chromium, free_port, served  # noqa: E402

TYPING_MS, USABLE_S = 300, 5
WORDS = "ships roads ponds trees boats fields houses rivers bridges stadiums mountains harbours".split()
# Gives the page's clock when the element's text holds the words.
WHEN = """([selector, words]) => new Promise((done, failed) => {
  setTimeout(() => failed(new Error("not answered in 20 s: " + words)), 20000);
  const look = () => [...document.querySelectorAll(selector)].some(e => e.textContent.includes(words));
  const finish = () => requestAnimationFrame(() => setTimeout(() => done(performance.now())));
  if (look()) return finish();
  const watch = new MutationObserver(() => { if (look()) { watch.disconnect(); finish(); } });
  watch.observe(document.body, {subtree: true, childList: true, characterData: true, attributes: true});
})"""
BAR, ASKED = ".rsclip-row .prompt", "[role=status]"
OTHERS = "cargo ship\nreef\nbeach\nforest\nairport\n"  # prompts that stand there already


def load(browser, url: str) -> tuple[Visit, float]:
    """A visit, and the seconds until it can be used."""
    visit = Visit(browser, url)
    visit.page.locator(".percent").first.wait_for(timeout=120_000)
    return visit, visit.page.evaluate("performance.now()") / 1000


def typing(page, field, selector: str, words: list[str], answer: str, before: str = "") -> list[float]:
    """ms from the last key to the answer, for each of the words typed into the field in place of the last ones.

    answer: what the page then says, with {} for the words. before: what stands in the field already."""
    page.evaluate("addEventListener('keydown', () => { window.lastKey = performance.now(); }, true)")
    spent = []
    for word in words:
        field.fill(before)
        field.press("Control+End")
        page.wait_for_timeout(400)  # what stands there has been answered
        field.press_sequentially(word, delay=60)  # about as fast as people type
        spent.append(page.evaluate(WHEN, [selector, answer.format(word)]) - page.evaluate("window.lastKey"))
    return spent


def measure(browser, url: str, loads: int, rest: float) -> dict[str, float]:
    ready, cold = [], []
    for _ in range(loads):
        visit, seconds = load(browser, url)
        ready.append(seconds)
        second, seconds = load(browser, url)
        cold.append(seconds)
        second.close()
        visit.page.wait_for_timeout(1000 * rest)  # until another kernel waits
        visit.close()
    visit, seconds = load(browser, url)
    page = visit.page
    page.wait_for_timeout(1000 * rest)
    prompts = page.get_by_label("Prompts, one a line")
    typed = typing(page, prompts, BAR, [f"many {word} by the sea" for word in WORDS], "{}", OTHERS)
    page.get_by_role("tab", name="Search").click()
    field = page.locator(".rsclip-panel:visible").get_by_label("Look for")
    searched = typing(page, field, ASKED, [f"a view of {word}" for word in WORDS], "“{}”")
    visit.close()
    if visit.complaints:
        raise RuntimeError("\n".join(visit.complaints))
    figures = {
        "load ready, median_s": statistics.median([*ready, seconds]),
        "load ready, worst_s": max(*ready, seconds),
    }
    figures["load cold, median_s"] = statistics.median(cold)
    for name, spent in (("typing", typed), ("search", searched)):
        figures |= {f"{name}, median_ms": statistics.median(spent), f"{name}, worst_ms": max(spent)}
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="tiny")
    parser.add_argument("--base", default="tiny", help="shown beside the model, as after fine-tuning")
    parser.add_argument("--loads", type=int, default=3, help="pairs of visits, each the first of a kernel")
    parser.add_argument("--rest", type=float, default=20, help="seconds that a new kernel gets to be ready")
    parser.add_argument("--json", type=Path, help="write figures and ratios there")
    chosen = parser.parse_args()
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}", flush=True)
    model = os.path.abspath(chosen.model) if os.path.exists(chosen.model) else chosen.model
    port = free_port()
    command = [sys.executable, "-m", "rsclip_lab.cli", "app", model, "--base", chosen.base, "--port", port]
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        with served([*command, "--no-browser"], f"http://127.0.0.1:{port}/voila/static/voila.js", Path(folder)):
            visit, _ = load(browser, f"http://127.0.0.1:{port}/")
            visit.page.wait_for_timeout(1000 * chosen.rest)
            visit.close()
            figures = measure(browser, f"http://127.0.0.1:{port}/", chosen.loads, chosen.rest)
    ratios = {
        "typing_limit_vs_needed": TYPING_MS / figures["typing, median_ms"],
        "load_limit_vs_needed": USABLE_S / figures["load ready, median_s"],
    }
    for name, figure in (figures | ratios).items():
        print(f"{name:30}{figure:10.2f}")
    if chosen.json:
        chosen.json.write_text(json.dumps({"figures": figures, "ratios": ratios}, indent=2) + "\n")


if __name__ == "__main__":
    main()
