"""Pixels in a folder: whatever happens, what is there is right, and only what is missing is decoded."""

import json
import multiprocessing
import os
import resource
import signal
import tempfile
import time
from itertools import takewhile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import rsclip_lab.data.store as store_module
from rsclip_lab.data import CacheError, ImageError, PixelStore, open_image
from rsclip_lab.data.cache import PixelCache

SIZE = 16
processes = multiprocessing.get_context("fork")


@pytest.fixture
def images(tmp_path):
    (tmp_path / "images").mkdir()
    paths = []
    for number in range(12):
        pixels = np.random.default_rng(number).integers(0, 256, (20, 30, 3), dtype=np.uint8)
        paths.append(tmp_path / "images" / f"{number}.png")
        Image.fromarray(pixels).save(paths[-1])
    return paths


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "cache"


def right(images, store):
    return torch.equal(store.gather(range(len(images))), PixelStore.decode(images, SIZE).gather(range(len(images))))


def file_of(folder, name):
    return next(folder.glob(f"pixels-*/{name}"))


def test_what_is_there_is_not_decoded_again(images, folder, decoded):
    PixelStore.decode(images[:5], SIZE, folder=folder)
    PixelStore.decode(images[:5], SIZE, folder=folder)
    assert sorted(decoded) == sorted(image.name for image in images[:5])
    decoded.clear()
    store = PixelStore.decode(images, SIZE, folder=folder)
    assert sorted(decoded) == sorted(image.name for image in images[5:])
    assert right(images, store)
    assert len(PixelStore.decode([], SIZE, folder=folder)) == 0


def test_another_size_and_another_resize_are_another_cache(images, folder, decoded):
    counts = []
    for size, resize in [(16, None), (17, None), (16, lambda image: image.resize((16, 16))), (16, None)]:
        decoded.clear()
        PixelStore.decode(images, size, resize=resize, folder=folder)
        counts.append(len(decoded))
    assert counts == [12, 12, 12, 0]


def test_a_changed_picture_is_decoded_again_and_it_alone(images, folder, decoded):
    before = PixelStore.decode(images, SIZE, folder=folder).gather(range(12))
    Image.new("RGB", (30, 30), "red").save(images[3])
    decoded.clear()
    store = PixelStore.decode(images, SIZE, folder=folder)
    assert decoded == ["3.png"]
    assert store.gather([3])[0, :, 8, 8].tolist() == [255, 0, 0]
    others = [i for i in range(12) if i != 3]
    assert torch.equal(store.gather(others), before[others])
    assert len(store.pixels) == 12  # in its old place: the file does not grow


def test_an_unreadable_picture_costs_only_itself(images, folder, decoded):
    whole = images[3].read_bytes()
    images[3].write_bytes(whole[:300])
    with pytest.raises(ImageError, match="3.png"):
        PixelStore.decode(images, SIZE, folder=folder)
    images[3].write_bytes(whole)
    decoded.clear()
    assert right(images[3:4], PixelStore.decode(images[3:4], SIZE, folder=folder))
    decoded.clear()
    store = PixelStore.decode(images, SIZE, folder=folder)
    assert decoded == []
    assert right(images, store)


def test_pictures_without_a_file_are_known_by_their_pixels(images, folder):
    resized = []

    def resize(image):
        resized.append(image)
        return image.resize((SIZE, SIZE))

    pictures = [np.asarray(Image.open(image)) for image in images]
    first = PixelStore.decode(pictures, SIZE, resize, folder)
    resized.clear()
    again = PixelStore.decode([picture.copy() for picture in reversed(pictures)], SIZE, resize, folder)
    assert len(resized) == 2  # the two probes that tell one resize from another
    assert torch.equal(again.gather(range(12)), first.gather(range(11, -1, -1)))


@pytest.mark.parametrize("stop", [signal.SIGKILL, signal.SIGINT])
def test_an_interrupted_build_goes_on_where_it_was(images, folder, decoded, stop, monkeypatch):
    if stop == signal.SIGKILL:  # nothing can be saved any more when it comes
        monkeypatch.setattr("rsclip_lab.data.cache.SAVE_SECONDS", 0.0)

    def decode_slowly():
        signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where the tests run in the background

        def slow(image, **options):
            time.sleep(2 if os.path.basename(image) in ("7.png", "8.png") else 0)
            return open_image(image)

        store_module.open_image = slow
        PixelStore.decode(images, SIZE, folder=folder)

    process = processes.Process(target=decode_slowly)
    process.start()
    wait_until(lambda: rows_written(folder) == 7)
    time.sleep(0.3)  # the manifest follows the pixels
    os.kill(process.pid, stop)
    process.join(30)
    assert process.exitcode != 0
    decoded.clear()
    store = PixelStore.decode(images, SIZE, folder=folder)
    assert sorted(decoded) == sorted(image.name for image in images[7:])
    assert right(images, store)


def rows_written(folder):
    return sum(os.path.getsize(file) for file in folder.glob("pixels-*/pixels.u8")) // (3 * SIZE * SIZE)


def wait_until(condition):
    limit = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < limit
        time.sleep(0.02)


def test_two_processes_share_the_work_of_one_folder(images, folder, tmp_path):
    def decode(number):
        opened = []
        store_module.open_image = lambda image, **_: time.sleep(0.02) or opened.append(image) or open_image(image)
        store = PixelStore.decode(images[number:] + images[:number], SIZE, folder=folder)
        np.save(tmp_path / f"{number}.npy", store.gather(np.roll(range(12), number)).numpy())
        (tmp_path / f"{number}.txt").write_text(str(len(opened)))

    workers = [processes.Process(target=decode, args=(number,)) for number in (0, 5, 9)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    expected = PixelStore.decode(images, SIZE).gather(range(12)).numpy()
    assert all(np.array_equal(np.load(tmp_path / f"{n}.npy"), expected) for n in (0, 5, 9))
    assert sum(int((tmp_path / f"{n}.txt").read_text()) for n in (0, 5, 9)) == 12  # nothing twice


def test_a_full_disk_is_a_clear_error_and_leaves_what_was_there(images, folder, tmp_path, decoded):
    PixelStore.decode(images[:4], SIZE, folder=folder)

    def decode_with_little_room():
        room = 9 * 3 * SIZE * SIZE + 100  # the tenth picture does not fit
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))
        try:
            PixelStore.decode(images, SIZE, folder=folder)
        except CacheError as error:
            os.write(said, str(error).encode())

    said = os.open(tmp_path / "said.txt", os.O_CREAT | os.O_WRONLY)
    process = processes.Process(target=decode_with_little_room)
    process.start()
    process.join(60)
    message = (tmp_path / "said.txt").read_text()
    assert str(folder) in message and "what was decoded before stays" in message and "name a folder" in message
    decoded.clear()
    assert right(images[:4], PixelStore.decode(images[:4], SIZE, folder=folder))
    assert decoded == [image.name for image in images[:4]]  # by `right`, which has no folder
    assert right(images, PixelStore.decode(images, SIZE, folder=folder))


def test_too_little_space_is_said_before_anything_is_decoded(images, folder, decoded, monkeypatch):
    usage = type("usage", (), {"free": 1000})
    monkeypatch.setattr("shutil.disk_usage", lambda path: usage)
    with pytest.raises(CacheError, match="12 pictures of 16 pixels need 0 MB and the disk has 0 MB left; free some"):
        PixelStore.decode(images, SIZE, folder=folder)
    assert decoded == []


def test_a_folder_that_cannot_be_written_is_named(images, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(CacheError, match="file/.*cannot be written .*name another folder"):
        PixelStore.decode(images, SIZE, folder=tmp_path / "file")


def test_damage_is_noticed_and_mended(images, folder):
    PixelStore.decode(images, SIZE, folder=folder)
    pixels, manifest = file_of(folder, "pixels.u8"), file_of(folder, "manifest.jsonl")
    os.truncate(pixels, 5 * 3 * SIZE * SIZE + 7)  # a copy that broke off
    assert right(images, PixelStore.decode(images, SIZE, folder=folder))
    lines = manifest.read_text().splitlines()
    lines[2:5] = ["not JSON", "[1, 2]", json.dumps([str(images[4]), [1], "row"])]
    manifest.write_text("\n".join(lines) + '\n["half a li')
    assert right(images, PixelStore.decode(images, SIZE, folder=folder))
    manifest.unlink()
    assert right(images, PixelStore.decode(images, SIZE, folder=folder))


def test_the_pixels_of_a_folder_are_mapped_not_read(images, folder):
    store = PixelStore.decode(images, SIZE, folder=folder)
    assert isinstance(store.pixels, np.memmap) and not store.pixels.flags.writeable


def test_a_finished_cache_can_be_used_where_nothing_can_be_written(images, folder, decoded):
    expected = PixelStore.decode(images, SIZE, folder=folder).gather(range(12))
    (lock,) = folder.glob("pixels-*/.lock")
    decoded.clear()

    def read_without_rights():
        os.setuid(65534)  # root may write anywhere
        store = PixelStore.decode(images, SIZE, folder=folder)
        os._exit(0 if torch.equal(store.gather(range(12)), expected) and decoded == [] else 1)

    for path in (lock, lock.parent / "pixels.u8", lock.parent / "manifest.jsonl"):
        path.chmod(0o444)
    lock.parent.chmod(0o555)
    for parent in takewhile(lambda path: path != Path(tempfile.gettempdir()), images[0].parents):
        parent.chmod(0o755)
    process = processes.Process(target=read_without_rights if os.getuid() == 0 else lambda: None)
    process.start()
    process.join(60)
    lock.parent.chmod(0o755)
    assert process.exitcode == 0


def test_pictures_in_memory_are_known_as_they_are_seen(folder, tmp_path):
    red, blue = (Image.new("P", (20, 20)) for _ in range(2))
    red.putpalette([255, 0, 0])
    blue.putpalette([0, 0, 255])
    upright, turned = Image.new("RGB", (20, 20), "white"), Image.new("RGB", (20, 20), "white")
    upright.paste((0, 0, 0), (0, 0, 20, 10))
    turned.paste((0, 0, 0), (0, 0, 20, 10))
    turned.getexif()[0x0112] = 6
    pictures = [red, blue, upright, turned]
    assert right(pictures, PixelStore.decode(pictures, SIZE, folder=folder))
    assert len(set(PixelStore.decode(pictures, SIZE, folder=folder).rows)) == 4


def test_a_first_line_that_was_cut_short_is_taken_out(images, folder):
    PixelStore.decode(images, SIZE, folder=folder)
    manifest = file_of(folder, "manifest.jsonl")
    manifest.write_text('["half')
    assert right(images, PixelStore.decode(images, SIZE, folder=folder))
    assert [json.loads(line)[2] for line in manifest.read_text().splitlines()] == list(range(12))


def test_a_stop_between_the_pixels_and_the_manifest_leaves_no_pixels_under_a_wrong_name(images, folder):
    PixelStore.decode(images, SIZE, folder=folder)
    original, facts = images[3].read_bytes(), os.stat(images[3])

    def decode_and_die():
        Image.new("RGB", (30, 30), "red").save(images[3])
        PixelCache._save = lambda *_: os._exit(7)  # the machine stops: the red pixels are written, no word of them
        PixelStore.decode(images, SIZE, folder=folder)

    process = processes.Process(target=decode_and_die)
    process.start()
    process.join(60)
    assert process.exitcode == 7
    images[3].write_bytes(original)
    os.utime(images[3], ns=(facts.st_atime_ns, facts.st_mtime_ns))
    assert right(images, PixelStore.decode(images, SIZE, folder=folder))
