"""`rsclip-lab app` in real Chromium: what a visitor does, and that the page does nothing else."""

import http.client
import io
import json
import os
import re
import shutil
import signal
import socket
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import real_browser
import screenshots
from PIL import Image
from real_browser import Visit, free_port, served

import rsclip_lab as lab
from rsclip_lab.data.writers import write_csv
from rsclip_lab.show.widgets.pieces import MOST_BYTES

PROMPTS = ["several ships in a harbour", "a coral reef", "green trees"]
FEW = {"train": 3, "val": 1, "test": 2}  # pictures of each kind
TABS = ["Predict", "Search", "Data", "Train"]
LOST = "This page is no longer connected: start rsclip-lab app again if it has ended, and reload."
# The command, with an eye on it: its process is noted, what it says in the terminal is kept, and a kernel ends soon
# whose page has gone without a word.
WATCHED = """
import os, sys
from rsclip_lab.cli import main
from rsclip_lab.show.app import handlers
print(os.getpid(), file=open("process", "w"))
os.dup2(os.open("said", os.O_CREAT | os.O_WRONLY), 2)
handlers.LEFT_SECONDS = 10
sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture(scope="module")
def chromium():
    with real_browser.chromium_or_skip() as browser:
        yield browser


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where the app is called, with a few pictures of each coastal kind and a model that is not quite `tiny`."""
    folder = tmp_path_factory.mktemp("app")
    coast = lab.sample("coast")
    images = coast.drop_duplicates("image_id")
    few = [images[images["split"] == split].groupby("label").head(count) for split, count in FEW.items()]
    few = coast[coast["image_id"].isin(pd.concat(few)["image_id"])].copy()
    (folder / "set" / "images").mkdir(parents=True)
    few["image"] = [shutil.copy(image, folder / "set" / "images") for image in few["image"]]
    write_csv(few, folder / "set" / "caption.csv", folder / "set" / "images")
    other_model().save(folder / "other")
    return folder


def other_model():
    """`tiny` with its words turned a little, so that it answers otherwise."""
    import torch

    model = lab.load_model("tiny", "cpu").copy()
    model.description["name"] = "other"
    with torch.no_grad():
        weights = model.net.ln_final.weight
        weights += 0.3 * torch.randn(weights.shape, generator=torch.Generator().manual_seed(0))
    return model


@pytest.fixture(scope="module")
def app(chromium, folder):
    port = free_port()
    command = [sys.executable, "-m", "rsclip_lab.cli", "app", "other", "--base", "tiny", "--pictures", "set"]
    command += ["--port", port, "--no-browser", "--device", "cpu"]
    with served(command, f"http://127.0.0.1:{port}/", folder) as url:
        yield url


@pytest.fixture(scope="module")
def shared(chromium, app):
    """One visit for all tests: each goes to its tab, and leaves no message behind that the next would read."""
    visit = Visit(chromium, app)
    visit.page.get_by_role("tab", name="Predict").wait_for(timeout=60_000)
    visit.page.locator(".percent").first.wait_for()
    yield visit
    visit.close()


@pytest.fixture
def page(shared):
    yield shared.page
    assert not shared.complaints


@pytest.fixture
def picture(tmp_path):
    """Somebody's own file: a test picture of a land kind, which no panel offers."""
    land = lab.sample("land", "test")
    path = tmp_path / "mine.png"
    Image.open(land["image"].iloc[0]).convert("RGB").resize((200, 150)).save(path)
    return path


@pytest.fixture(scope="module")
def models(folder):
    return {"before": lab.load_model("tiny", "cpu"), "after": lab.load_model(folder / "other", "cpu")}


@pytest.fixture(scope="module")
def index(folder, models):
    return lab.SearchIndex.build(models["after"], folder / "set" / "images")


def open_tab(page, name):
    page.get_by_role("tab", name=name).click()
    panel = page.locator(".rsclip-panel:visible")
    panel.wait_for()
    return panel


def wait_for_bars(page, prompts):
    """Until there is a bar for each of these prompts, and no other."""
    page.wait_for_function(
        "wanted => [...document.querySelectorAll('.rsclip-row:not(.heads) .prompt')]"
        ".map(one => one.textContent).join('\\n') === wanted",
        arg="\n".join(prompts),
    )


def bars(page, name):
    """{prompt: probability} of the column "before" or "after", as they are drawn."""
    rows = page.locator(".rsclip-row:not(.heads)")
    return {
        row.locator(".prompt").inner_text(): float(
            row.locator(f".answer.{name} .percent").get_attribute("data-probability")
        )
        for row in rows.all()
    }


def upload_picture(shared, page, path):
    """In the prediction panel; returns when it is shown."""
    shared.upload(open_tab(page, "Predict").get_by_role("button", name="Your own picture"), path)
    page.get_by_text(path.name).first.wait_for()


def wait_for_answers(page, model, picture, name="after", several=False):
    """Until the bars of a column are what `predict` gives, {prompt: probability}: they come one after another."""
    expected = lab.predict(model, [picture], list(bars(page, name)), several=several).iloc[0].to_dict()
    for _ in range(200):
        if bars(page, name) == pytest.approx(expected, abs=1e-6):
            return expected
        page.wait_for_timeout(100)
    raise AssertionError(f"the bars are {bars(page, name)}, and predict gives {expected}")


def message(panel, role="alert"):
    return panel.get_by_role(role).filter(has_text=re.compile(".")).first


def test_the_page_says_what_it_is_and_hides_its_code(page, shared):
    assert page.title() == "rsclip-lab: CLIP on remote-sensing images"
    assert page.locator("html").get_attribute("lang") == "en"
    assert [one.inner_text() for one in page.get_by_role("heading", level=1).all()] == [page.title()]
    assert [tab.inner_text() for tab in page.get_by_role("tab").all()] == TABS
    assert "show_page" not in page.content() and "import" not in page.inner_text("body")
    assert "Model: other, beside tiny" in page.inner_text("main")
    assert page.get_by_role("main").count() == 1


def test_an_uploaded_picture_and_typed_prompts_give_what_predict_gives(page, shared, picture, models):
    upload_picture(shared, page, picture)
    before = bars(page, "after")
    page.get_by_label("Prompts, one a line").fill("")
    page.get_by_label("Prompts, one a line").press_sequentially("\n".join(PROMPTS), delay=5)
    wait_for_bars(page, PROMPTS)
    assert bars(page, "after") != before
    for name, model in models.items():
        assert list(wait_for_answers(page, model, picture, name)) == PROMPTS
    assert bars(page, "before") != pytest.approx(bars(page, "after"), abs=0.01)
    page.get_by_label("Each by itself (sigmoid)").check()
    page.wait_for_selector(".track.half")
    wait_for_answers(page, models["after"], picture, several=True)
    page.get_by_label("One of them (softmax)").check()
    page.wait_for_selector(".track.half", state="detached")


def test_a_prompt_is_looked_for_in_the_picture(page, shared, picture):
    upload_picture(shared, page, picture)
    plain = page.locator(".rsclip-picture img")
    source = plain.get_attribute("src")
    page.locator(".rsclip-panel button:visible", has_text="Where is it?").first.click()
    page.get_by_role("img", name=re.compile("heatmap over the picture")).wait_for()
    page.get_by_role("button", name="Back to the picture").filter(visible=True).first.click()
    page.wait_for_function("source => document.querySelector('.rsclip-picture img').src === source", arg=source)


def test_a_broken_upload_says_what_is_wrong_and_the_former_picture_stays(page, shared, models, picture, tmp_path):
    upload_picture(shared, page, picture)
    shown, broken = wait_for_answers(page, models["after"], picture), tmp_path / "broken.png"
    broken.write_bytes(picture.read_bytes()[:300])
    shared.upload(open_tab(page, "Predict").get_by_role("button", name="Your own picture"), broken)
    said = message(open_tab(page, "Predict"))
    said.wait_for()
    assert "Not possible" in said.inner_text() and "broken.png" in said.inner_text()
    assert bars(page, "after") == pytest.approx(shown, abs=1e-6)


def noisy_picture(path, size):
    """A picture whose file has at least so many bytes: noise cannot be made smaller."""
    side = int((size / 3) ** 0.5) + 1
    noise = np.random.default_rng(0).integers(0, 256, (side, side, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(noise).save(buffer, "PNG", compress_level=0)
    path.write_bytes(buffer.getvalue())
    return path


def test_a_file_as_large_as_allowed_is_taken_and_a_larger_one_refused_in_words(page, shared, tmp_path):
    allowed = noisy_picture(tmp_path / "allowed.png", MOST_BYTES - 20_000)
    assert 0.98 * MOST_BYTES < allowed.stat().st_size <= MOST_BYTES
    upload_picture(shared, page, allowed)
    larger = noisy_picture(tmp_path / "larger.png", 3 * MOST_BYTES)
    shared.upload(open_tab(page, "Predict").get_by_role("button", name="Your own picture"), larger)
    said = message(open_tab(page, "Predict"))
    said.wait_for()
    assert re.search(r"larger\.png has 15\.\d MB, and an upload takes 5", said.inner_text())
    page.get_by_label("Prompts, one a line").fill("water\nsand")  # the kernel still answers
    wait_for_bars(page, ["water", "sand"])


def test_a_file_that_would_end_the_connection_is_refused_by_the_page(page, shared, tmp_path):
    open_tab(page, "Predict")
    huge = tmp_path / "huge.tif"
    with huge.open("wb") as file:
        file.truncate(61_000_000)
    shared.upload(open_tab(page, "Predict").get_by_role("button", name="Your own picture"), huge)
    page.get_by_text("huge.tif has 61.0 MB, and this page takes up to 60").wait_for()
    page.get_by_label("Prompts, one a line").fill("a road\na field")
    wait_for_bars(page, ["a road", "a field"])
    assert "huge.tif" not in page.locator(".rsclip-panel:visible").inner_text()


def results(panel):
    """[(file name, cosine as shown)] of the results, best first; each with the picture's alt text."""
    found, texts = [], panel.locator("p:visible").filter(has_text="cosine")
    texts.nth(7).wait_for()
    for text in texts.all():
        words = text.inner_text()
        name = words.split("\n")[-1]
        assert name in text.locator("xpath=..").locator("img").get_attribute("alt")
        found.append((name, float(re.search(r"cosine (-?\d\.\d\d)", words)[1])))
    return found


def expected(found):
    return [(image.rsplit("/", 1)[-1], pytest.approx(cosine, abs=0.006)) for image, cosine in found]


def test_a_search_finds_what_the_index_finds_and_goes_on_from_a_result(page, index):
    panel = open_tab(page, "Search")
    panel.get_by_label("Look for").press_sequentially("a sandy beach by the sea", delay=5)
    panel.get_by_text("nearest to “a sandy beach by the sea”").wait_for()
    found = index.search_text("a sandy beach by the sea", 8)
    assert results(panel) == expected(found)
    third = found.images[2]
    panel.get_by_role("button", name="more like this").nth(2).click()
    panel.get_by_text(re.compile("most like")).wait_for()
    assert results(panel) == expected(index.search_image(third, 8, itself=False))
    panel.get_by_role("button", name=re.compile("^back to", re.I)).click()
    panel.get_by_text("nearest to “a sandy beach by the sea”").wait_for()
    assert results(panel) == expected(found)


def test_a_search_by_an_uploaded_picture(page, shared, index, picture):
    panel = open_tab(page, "Search")
    shared.upload(panel.get_by_role("button", name="Your own picture"), picture)
    panel.get_by_text(re.compile("most like .*mine.png")).wait_for()
    assert results(panel) == expected(index.search_image(Image.open(picture), 8))


def test_a_caption_is_corrected_in_a_copy(page, folder):
    original = (folder / "set" / "caption.csv").read_bytes()
    panel = open_tab(page, "Data")
    panel.get_by_role("button", name="next").click()
    panel.get_by_text(re.compile("picture 2 of")).wait_for()
    panel.get_by_label("Caption 1").fill("A sentence written in the browser.")
    panel.get_by_label("Caption 1").press("Tab")
    panel.get_by_text("1 caption edited, not saved yet").wait_for()
    panel.get_by_role("button", name="save a copy").click()
    panel.get_by_text("1 caption edited, saved").wait_for()
    saved = pd.read_csv(folder / "captions_edited.csv")
    assert (saved["caption"] == "A sentence written in the browser.").sum() == 1
    assert (folder / "set" / "caption.csv").read_bytes() == original


def test_a_run_is_started_watched_and_stopped(page):
    panel = start_a_long_run(page)
    panel.get_by_role("button", name="Stop").click()
    panel.get_by_text(re.compile(r"Stopped after step \d+ of \d+")).wait_for()
    panel.get_by_role("button", name="Again", disabled=False).wait_for()


def test_the_keyboard_alone_reaches_and_works_the_panels(page, index):
    page.get_by_role("tab", name="Predict").click()
    page.evaluate("document.activeElement.blur(); window.scrollTo(0, 0)")
    page.locator("a.skip").focus()
    page.keyboard.press("Enter")  # past the heading
    focused = press_until(page, lambda one: one["role"] == "tab")
    assert focused["text"] == "Predict"
    press_until(page, lambda one: one["tag"] == "TEXTAREA")
    page.keyboard.press("Control+a")
    page.keyboard.type("a ship\nan airport")
    wait_for_bars(page, ["a ship", "an airport"])
    press_until(page, lambda one: one["text"] == "Where is it?")
    page.keyboard.press("Enter")
    page.get_by_role("img", name=re.compile("heatmap over the picture")).wait_for()
    press_until(page, lambda one: one["role"] == "tab", "Shift+Tab")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    assert page.get_by_role("tab", selected=True).inner_text() == "Search"
    press_until(page, lambda one: one["tag"] == "INPUT")
    page.keyboard.press("Control+a")
    page.keyboard.type("a reef in shallow water")
    panel = page.locator(".rsclip-panel:visible")
    panel.get_by_text("nearest to “a reef in shallow water”").wait_for()
    focused = press_until(page, lambda one: "more like this" in one["text"].lower())
    page.keyboard.press("Space")
    panel.get_by_text(re.compile("most like")).wait_for()
    assert results(panel) == expected(
        index.search_image(index.search_text("a reef in shallow water", 1).images[0], 8, itself=False)
    )


def press_until(page, wanted, key="Tab", most=60):
    """Press the key until what has the focus is wanted; each stop must be seen to have it."""
    for _ in range(most):
        page.keyboard.press(key)
        one = page.evaluate(
            "() => { const e = document.activeElement, s = getComputedStyle(e), b = e.getBoundingClientRect();"
            "return {tag: e.tagName, role: e.getAttribute('role'), text: e.textContent.trim(), "
            "seen: b.width > 0 && b.height > 0, "
            "ring: s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 2 || s.boxShadow !== 'none'} }"
        )
        if one["tag"] not in ("BODY", "HTML"):
            assert one["seen"], one
        if wanted(one):
            assert one["ring"], f"nothing shows that this has the focus: {one}"
            return one
    raise AssertionError(f"not reached by {most} times {key}")


@pytest.mark.parametrize("name", TABS)
def test_pictures_fields_and_letters_can_be_read_by_all(page, name):
    panel = open_tab(page, name)
    for image in panel.locator("img:visible").all():
        assert image.get_attribute("alt")
    nameless = panel.locator("input:visible, textarea:visible, select:visible, button:visible").evaluate_all(
        "all => all.filter(e => !(e.labels && [...e.labels].some(l => l.textContent.trim())) &&"
        " !(e.getAttribute('aria-label') || e.title || e.textContent.trim() || e.getAttribute('aria-labelledby')))"
        ".map(e => e.outerHTML.slice(0, 200))"
    )
    assert not nameless
    assert not page.evaluate(FAINT)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), "wider than the window"


# Texts in sight with a contrast below WCAG's 4.5 (3 for large ones), as "contrast: text". Disabled fields are exempt.
FAINT = """() => {
  const parts = c => c.match(/[\\d.]+/g).map(Number);
  const light = c => c.slice(0, 3).map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = e => { for (; e; e = e.parentElement) {
    const c = parts(getComputedStyle(e).backgroundColor); if (c.length < 4 || c[3] > 0.99) return c; }
    return [255, 255, 255]; };
  const faint = [], walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const e = walker.currentNode.parentElement, text = walker.currentNode.textContent.trim();
    if (!text || !e.checkVisibility() || !e.getClientRects().length) continue;
    if (e.closest(':disabled, style, script')) continue;
    const s = getComputedStyle(e), [a, b] = [light(parts(s.color)), light(ground(e))].sort((x, y) => y - x);
    const size = parseFloat(s.fontSize), large = size >= 24 || size >= 18.66 && s.fontWeight >= 700;
    const contrast = (a + 0.05) / (b + 0.05);
    if (contrast < (large ? 3 : 4.5)) faint.push(contrast.toFixed(1) + ': ' + text);
  }
  return faint; }"""


def test_screenshots_for_the_readme_are_small(page, tmp_path):
    for path in screenshots.take(page, tmp_path):
        with Image.open(path) as picture:
            assert picture.width == screenshots.WIDTH and picture.convert("L").entropy() > 2
        assert path.stat().st_size < screenshots.MOST_BYTES


def status(url, data=None, **headers):
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data, headers), timeout=20) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


@pytest.mark.parametrize(
    "path",
    [
        "voila/files/page.ipynb",
        "voila/files/prepared.pickle",
        "voila/files/set/images/reef.png",
        "page.ipynb",
        "voila/tree",
        "voila/render/page.ipynb",
        "voila/api/contents",
        "api/contents",
        "api/kernels",
        "api/terminals",
        "lab",
        "terminals/1",
        "voila/static/../../../../../etc/passwd",
    ],
)
def test_nothing_but_the_page_is_served(app, path):
    assert status(app + path) in (403, 404)


def test_other_sites_reach_nothing(app, page):
    port = app.rstrip("/").rsplit(":", 1)[1]
    assert status(app + "voila/static/voila.js") == 200
    assert status(app, Host=f"elsewhere.example:{port}") == 403  # a name that points here
    channels = f"/api/kernels/{kernel_of(page)}/channels"
    assert websocket_status(int(port), channels, app.rstrip("/")) == 101
    assert websocket_status(int(port), channels, "http://elsewhere.example") == 403


def websocket_status(port, path, origin):
    """Of a request that a page of `origin` makes."""
    asked = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Origin": origin}
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request("GET", path, headers=asked | {"Sec-WebSocket-Key": "x3JJHMbDL1EzLkh9GBhXDw=="})
    try:
        return connection.getresponse().status
    finally:
        connection.close()


def test_only_this_machine_can_connect(app):
    port = int(app.rstrip("/").rsplit(":", 1)[1])
    others = {found[4][0] for found in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)}
    for address in others - {"127.0.0.1"}:
        if address.startswith("127."):
            continue
        with socket.socket() as probe:
            probe.settimeout(5)
            assert probe.connect_ex((address, port)) != 0


def test_the_browser_itself_keeps_to_this_machine(page, shared):
    refused = page.evaluate(
        "async () => { try { await fetch('http://127.0.0.1:9/'); return 'went out' } catch { return 'refused' } }"
    )
    said = [shared.complaints.pop() for _ in list(shared.complaints)]
    assert refused == "refused" and any("Content Security Policy" in one for one in said)


def open_page(chromium, app):
    """A visit of its own, when the page works, and its kernel."""
    visit = Visit(chromium, app)
    visit.page.locator(".percent").first.wait_for(timeout=60_000)
    return visit, kernel_of(visit.page)


def kernel_of(page):
    return json.loads(page.locator("#jupyter-config-data").text_content())["kernelId"]


def wait_for_end(app, kernel, seconds):
    """Until the server has no such kernel."""
    end = time.monotonic() + seconds
    while status(f"{app}api/kernels/{kernel}") == 200:
        assert time.monotonic() < end, f"the kernel still runs after {seconds} seconds"
        time.sleep(0.1)


def start_a_long_run(page):
    panel = open_tab(page, "Train")
    panel.get_by_label("Epochs").fill("500")
    panel.get_by_label("Epochs").press("Tab")
    panel.get_by_role("button", name="Start").click()
    panel.get_by_text(re.compile(r"Step \d+ of \d+, epoch")).wait_for()
    return panel


def test_a_kernel_ends_with_its_page_even_at_work(chromium, app):
    visit, first = open_page(chromium, app)
    start_a_long_run(visit.page)
    visit.page.wait_for_timeout(5000)
    assert status(f"{app}api/kernels/{first}") == 200 and not visit.page.locator("#lost").inner_text()
    visit.page.reload(wait_until="commit")
    wait_for_end(app, first, 8)
    visit.page.locator(".percent").first.wait_for(timeout=60_000)
    second = kernel_of(visit.page)
    assert second != first and status(f"{app}api/kernels/{second}") == 200
    visit.page.close(run_before_unload=True)
    wait_for_end(app, second, 8)
    assert not visit.complaints
    visit.close()


def test_other_sites_end_no_kernel(chromium, app):
    visit, kernel = open_page(chromium, app)
    (cookie,) = [one for one in visit.context.cookies() if one["name"] == "_xsrf"]
    assert cookie["sameSite"] == "Strict"
    own, sent = {"Cookie": f"_xsrf={cookie['value']}"}, {"X-XSRFToken": cookie["value"]}
    for headers in ({}, own, sent, own | sent | {"Origin": "http://elsewhere.example"}):
        assert status(f"{app}voila/api/shutdown/{kernel}", data=b"", **headers) in (403, 404), headers
    assert status(f"{app}api/kernels/{kernel}") == 200
    assert status(f"{app}voila/api/shutdown/{kernel}", data=b"", **own, **sent) == 204
    wait_for_end(app, kernel, 8)
    lost = visit.page.get_by_role("alert").filter(has_text=LOST)
    lost.wait_for()
    assert lost.bounding_box()["y"] < 900
    visit.close()


@pytest.mark.parametrize("width", [320, 400])
def test_every_tab_is_seen_in_a_narrow_window(page, width):
    page.set_viewport_size({"width": width, "height": 700})
    try:
        for name in TABS:
            tab = page.get_by_role("tab", name=name)
            box = tab.bounding_box()
            assert box["x"] >= 0 and box["x"] + box["width"] <= width, f"{name}: {box}"
            place = [box["x"] + box["width"] - 4, box["y"] + box["height"] / 2]
            page.mouse.click(*place)
            assert page.get_by_role("tab", selected=True).inner_text() == name
    finally:
        page.set_viewport_size(real_browser.WINDOW)


def test_every_tab_is_said_to_have_its_panel(page):
    for name in TABS:
        shown = open_tab(page, name)
        panel = page.get_by_role("tabpanel", name=name)
        assert page.get_by_role("tabpanel").count() == panel.count() == 1
        assert page.get_by_role("tab", name=name).get_attribute("aria-controls") == panel.get_attribute("id")
        assert shown.get_attribute("role") == "tabpanel"


@pytest.fixture(scope="module")
def watched(chromium, folder):
    """Another server, which a test may end: (url, folder with the notes on it, what it says in the terminal)."""
    port, notes = free_port(), folder / "notes"
    notes.mkdir()
    command = [sys.executable, "-c", WATCHED, "app", "tiny", "--port", port, "--no-browser", "--device", "cpu"]
    with served(command + ["--pictures", "../set"], f"http://127.0.0.1:{port}/", notes) as url:
        before = (notes / "said").stat().st_size  # how the pictures are got ready
        yield url, notes, lambda: (notes / "said").read_bytes()[before:].decode()


@pytest.mark.parametrize(
    "path",
    [
        "voila/templates/rsclip-lab/static/..%2f..%2findex.html.j2",
        "voila/templates/rsclip-lab/static/..%2f..%2f..%2f..%2f..%2fkernels%2frsclip-lab%2fkernel.json",
        "voila/templates/rsclip-lab/static/%00",
        "voila/templates/rsclip-lab/static/",
        "voila/templates/rsclip-lab/conf.json",
        "voila/templates/rsclip-lab",
        "voila/templates/..%2f/static/index.css",
        "voila/templates/none/static/index.css",
        "voila/templates/",
        "voila/static/..%2f..%2findex.html.j2",
        "voila/labextensions/..%2f..%2fx",
        "voila/api/themes/..%2f..%2fx",
    ],
)
def test_a_path_that_leads_elsewhere_is_refused_quietly(watched, path):
    url, _, said = watched
    assert status(url + path) in ((404,) if "templates" in path else (403, 404))
    assert "Traceback" not in said() and "ping" not in said()


def test_a_kernel_ends_whose_page_goes_without_a_word(chromium, watched):
    url, _, said = watched
    html = urllib.request.urlopen(url, timeout=60).read().decode()
    never_connected = re.search(r'"kernelId": "(.*?)"', html)[1]
    visit, kernel = open_page(chromium, url)
    wait_for_end(url, never_connected, 20)
    assert status(f"{url}api/kernels/{kernel}") == 200
    start_a_long_run(visit.page)
    visit.close()  # Playwright's way does not tell the page
    wait_for_end(url, kernel, 20)
    assert "Traceback" not in said() and "ping" not in said()


def kernel_process(kernel):
    """Its id, by the name of the file it was started with."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if f"kernel-{kernel}.json".encode() in (process / "cmdline").read_bytes():
                return int(process.name)
        except OSError:
            pass
    raise LookupError(kernel)


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="processes are found by Linux's /proc")
def test_the_page_says_when_its_kernel_has_died(chromium, watched):
    visit, kernel = open_page(chromium, watched[0])
    os.kill(kernel_process(kernel), signal.SIGKILL)
    visit.page.get_by_role("alert").filter(has_text=LOST).wait_for()
    visit.page.wait_for_timeout(3000)  # there is another kernel then, without the panels
    assert visit.page.locator("#lost").inner_text() == LOST
    visit.close()


def test_the_page_says_when_the_server_has_ended(chromium, watched):
    url, notes, _ = watched
    visit, _ = open_page(chromium, url)
    assert not visit.page.locator("#lost").inner_text()
    os.kill(int((notes / "process").read_text()), signal.SIGINT)
    visit.page.get_by_label("Prompts, one a line").fill("a ship\na reef")
    lost = visit.page.get_by_role("alert").filter(has_text=LOST)
    lost.wait_for()
    assert 0 <= lost.bounding_box()["y"] < 100
    visit.close()
