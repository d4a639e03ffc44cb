"""Tar shards as a stream: what is in them, in a repeatable order, and broken ones without harm."""

import gc
import io
import sys
import tarfile
import threading
import time
import warnings
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
import torch
import webdataset
from PIL import Image

from rsclip_lab.data import CaptionError, open_image, resize_and_crop
from rsclip_lab.data.shards import ShardStream
from rsclip_lab.data.shards import members as members_module
from rsclip_lab.data.shards import samples as samples_module

SIZE = 16


def picture(number, kind="JPEG"):
    pixels = np.random.default_rng(number).integers(0, 256, (20 + number % 5, 24, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind)
    return file.getvalue()


def write_shard(path, samples):
    """samples: dictionaries as webdataset's own writer takes them."""
    with webdataset.TarWriter(str(path)) as writer:
        for sample in samples:
            writer.write(sample)
    return path


def numbered(start, stop):
    return [
        {"__key__": f"{i:04d}", "jpg": picture(i), "txt": f"picture {i}"} for i in range(start, stop)
    ]


@pytest.fixture
def shards(tmp_path):
    """Four shards of ten samples, "picture 0" to "picture 39"."""
    return [write_shard(tmp_path / f"s-{i:04d}.tar", numbered(10 * i, 10 * i + 10)) for i in range(4)]


def captions_of(stream):
    return [caption for _, captions in stream for caption in captions]


def stream_of(samples, tmp_path, **options):
    return ShardStream(write_shard(tmp_path / "one.tar", samples), SIZE, shuffle=0, **options)


def test_a_pass_gives_every_picture_as_the_evaluation_transform_makes_it_with_its_own_caption(shards):
    batches = list(ShardStream(shards, SIZE, batch_size=16))
    assert [len(captions) for _, captions in batches] == [16, 16, 8]
    for pixels, captions in batches:
        assert pixels.dtype == torch.uint8 and pixels.is_contiguous()
        assert pixels.shape == (len(captions), 3, SIZE, SIZE)
        for shown, caption in zip(pixels, captions, strict=True):
            image = open_image(Image.open(io.BytesIO(picture(int(caption.split()[1])))))
            expected = torch.from_numpy(np.array(resize_and_crop(image, SIZE))).permute(2, 0, 1)
            assert torch.equal(shown, expected)
    assert sorted(caption for _, captions in batches for caption in captions) == sorted(
        f"picture {i}" for i in range(40)
    )


def test_a_pass_is_repeated_by_seed_and_epoch_and_differs_from_the_next(shards):
    def order(seed, epoch, threads):
        stream = ShardStream(shards, SIZE, batch_size=7, shuffle=8, seed=seed, threads=threads)
        stream.set_epoch(epoch)
        return captions_of(stream)

    first = order(0, 0, 1)
    assert order(0, 0, 4) == first
    others = [order(0, 1, 4), order(1, 0, 4), [f"picture {i}" for i in range(40)]]
    assert all(sorted(other) == sorted(first) and other != first for other in others)


def test_the_buffer_mixes_samples_of_several_shards_and_without_it_their_order_stays(shards):
    assert captions_of(ShardStream(shards, SIZE, shuffle=0)) == [f"picture {i}" for i in range(40)]
    first = [int(caption.split()[1]) // 10 for caption in captions_of(ShardStream(shards, SIZE, shuffle=40))[:10]]
    assert len(set(first)) > 1


def test_the_buffer_is_limited_in_bytes_too(shards, monkeypatch):
    monkeypatch.setattr(samples_module, "BUFFER_BYTES", 3000)  # two or three pictures
    held = []

    def watched(buffer, generator):
        held.append(len(buffer))
        return buffer.pop()

    monkeypatch.setattr(samples_module, "_drawn", watched)
    assert len(captions_of(ShardStream(shards, SIZE, shuffle=1000))) == 40
    assert max(held) <= 3


def test_processes_share_the_shards_out_in_every_epoch(shards):
    for epoch in (0, 1):
        parts = []
        for rank in range(2):
            stream = ShardStream(shards, SIZE, rank=rank, world_size=2)
            stream.set_epoch(epoch)
            parts.append(captions_of(stream))
        assert len(parts[0]) == len(parts[1]) == 20
        assert sorted(parts[0] + parts[1]) == sorted(f"picture {i}" for i in range(40))
    with pytest.raises(CaptionError, match="4 shards cannot be divided among 5 processes; "):
        ShardStream(shards, SIZE, world_size=5)


def test_a_pattern_a_folder_and_a_list_mean_the_same_shards(shards, tmp_path):
    for source in (f"{tmp_path}/s-{{0000..0003}}.tar", tmp_path, str(tmp_path), [str(shard) for shard in shards]):
        assert ShardStream(source, SIZE).shards == [str(shard) for shard in shards]
    two = ShardStream([f"{tmp_path}/s-{{0000,0003}}.tar"], SIZE)
    assert two.shards == [str(shards[0]), str(shards[3])]


def test_rs5m_and_the_other_usual_members_are_understood(tmp_path):
    samples = [
        {"__key__": "a/one", "img_content": picture(1), "img_name": b"one.jpg", "caption": "as in RS5M"},
        {"__key__": "two", "png": picture(2, "PNG"), "json": {"caption": "in json", "url": "x"}},
        {"__key__": "three", "webp": picture(3, "WEBP"), "json": {"captions": ["only one", "", None]}},
        {"__key__": "four", "tif": picture(4, "TIFF"), "txt": "grün\n".encode("latin-1")},
        {"__key__": "five", "jpeg": picture(5), "json": {"caption": "the second"}, "txt": "\ufefftext before json"},
        {"__key__": "six", "front.jpg": picture(6), "front.txt": "a name with two ends", "npy": np.zeros(3)},
    ]
    expected = ["as in RS5M", "in json", "only one", "grün", "text before json", "a name with two ends"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert captions_of(stream_of(samples, tmp_path)) == expected


def test_one_of_several_captions_is_drawn_anew_in_each_epoch(tmp_path):
    choices = [f"caption {i}" for i in range(5)]
    samples = [{"__key__": str(i), "jpg": picture(i), "json": {"caption": choices}} for i in range(30)]
    stream = stream_of(samples, tmp_path)
    first, again = captions_of(stream), captions_of(stream)
    stream.set_epoch(1)
    second = captions_of(stream)
    assert first == again and first != second
    assert set(first) == set(second) == set(choices)


def test_what_cannot_be_used_is_skipped_counted_and_named(tmp_path):
    samples = [
        *numbered(0, 3),
        {"__key__": "broken", "jpg": picture(1)[:200], "txt": "cut short"},
        {"__key__": "text", "jpg": b"not a picture", "txt": "no picture at all"},
        {"__key__": "silent", "jpg": picture(1), "txt": "  "},
        {"__key__": "alone", "txt": "no picture"},
        {"__key__": "list", "jpg": picture(1), "json": b"[" * 100_000},
        {"__key__": "number", "jpg": picture(1), "json": b'{"caption": 7}'},
        *numbered(3, 5),
    ]
    stream = stream_of(samples, tmp_path, batch_size=4)
    with pytest.warns(UserWarning, match="6 of 11 samples were skipped"):
        batches = list(stream)
    assert [len(captions) for _, captions in batches] == [4, 1]  # full in spite of what is missing
    assert stream.skipped == 6 and stream.used == 5
    assert list(stream.problems["key"]) == ["broken", "text", "silent", "alone", "list", "number"]
    assert set(stream.problems["shard"]) == {str(tmp_path / "one.tar")}
    causes = ["picture", "picture", "no caption", "no picture", "no caption", "no caption"]
    for cause, expected in zip(stream.problems["cause"], causes, strict=True):
        assert expected in cause
    with pytest.warns(UserWarning):
        list(stream)
    assert stream.skipped == 6  # counted anew


def test_shards_without_anything_to_use_are_an_error_soon(tmp_path):
    with pytest.raises(CaptionError, match="one.tar, 0000: no caption, and no usable sample among 100; put the"):
        list(stream_of([{"__key__": f"{i:04d}", "jpg": picture(0)} for i in range(300)], tmp_path))
    with pytest.raises(CaptionError, match="one.tar, any name: no sample"):
        list(stream_of([], tmp_path))


def test_a_member_too_large_is_skipped_without_being_read(tmp_path, monkeypatch):
    monkeypatch.setattr(members_module, "MAX_MEMBER_BYTES", 100_000)
    monkeypatch.setattr(members_module, "CHUNK", 10_240)
    samples = [
        {"__key__": "a", "jpg": bytes(300_000), "txt": "large"},
        *numbered(0, 2),
        {"__key__": "b", "npy": bytes(500_000)},
        *numbered(2, 4),
    ]
    stream = stream_of(samples, tmp_path)
    with pytest.warns(UserWarning, match="1 of 5"):
        assert captions_of(stream) == [f"picture {i}" for i in range(4)]
    assert stream.problems["cause"].tolist() == ["a.jpg is too large"]


def test_a_header_that_claims_gigabytes_is_not_believed(tmp_path, monkeypatch):
    monkeypatch.setattr(members_module, "MAX_MEMBER_BYTES", 100_000)
    monkeypatch.setattr(members_module, "CHUNK", 10_240)
    path = tmp_path / "long.tar"
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as archive:
        entry = tarfile.TarInfo("a.txt")
        entry.pax_headers = {"comment": "x" * 1_000_000}
        archive.addfile(entry)
    with pytest.raises(CaptionError, match="long.tar: cannot be read as a tar file .a header larger than"):
        list(ShardStream(path, SIZE))


def test_a_shard_that_is_missing_or_cut_short_is_an_error_before_anything_is_read(shards, tmp_path):
    whole = shards[2].read_bytes()
    shards[2].write_bytes(whole[: len(whole) // 2])
    with pytest.raises(CaptionError, match="s-0002.tar: damaged or cut short, .*; download"):
        ShardStream(shards, SIZE)
    shards[2].unlink()
    with pytest.raises(CaptionError, match="s-0002.tar: cannot be opened .No such file or directory.; correct"):
        ShardStream(f"{tmp_path}/s-{{0000..0003}}.tar", SIZE)
    (tmp_path / "empty.tar").write_bytes(b"")
    with pytest.raises(CaptionError, match="empty.tar: damaged or cut short"):
        ShardStream(tmp_path / "empty.tar", SIZE)


def test_a_header_damaged_in_the_middle_is_an_error_and_not_the_end(shards):
    with tarfile.open(shards[1]) as archive:
        offset = archive.getmembers()[6].offset
    damaged = bytearray(shards[1].read_bytes())
    damaged[offset : offset + 20] = b"\xff" * 20
    shards[1].write_bytes(damaged)
    with pytest.raises(CaptionError, match="s-0001.tar: damaged or cut short"):
        list(ShardStream(shards, SIZE))


@pytest.mark.parametrize(
    "source", ["pipe:cat {here}/s-0000.tar", "PIPE:touch {here}/made", "gs://bucket/s.tar", "file:{here}/s-0000.tar"]
)
def test_what_could_run_a_command_is_refused(shards, tmp_path, source):
    with pytest.raises(CaptionError, match="may run a command; give a path or an http"):
        ShardStream(source.format(here=tmp_path), SIZE)
    assert not (tmp_path / "made").exists()


def test_a_slip_in_the_braces_is_an_error(tmp_path):
    with pytest.raises(CaptionError, match="more than 1000000 shards"):
        ShardStream("s-{0000..99999999}.tar", SIZE)
    for pattern in ("s-{9999999..0}.tar", "s-{0..1999}-{0..1999}.tar"):
        with pytest.raises(CaptionError, match="more than 1000000 shards; correct the numbers"):
            ShardStream(pattern, SIZE)
    with pytest.raises(CaptionError, match="nbalanced.*; write a range of shards as {0000..0031}"):
        ShardStream("s-{0000..0003.tar", SIZE)
    with pytest.raises(CaptionError, match="no shards; name .tar files"):
        ShardStream(tmp_path, SIZE)


class Served(SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


def test_shards_are_streamed_from_a_server_and_one_cut_off_there_is_an_error(shards, tmp_path):
    whole = shards[0].read_bytes()
    (tmp_path / "cut.tar").write_bytes(whole[: len(whole) // 2])
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Served, directory=tmp_path)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}"
        served = captions_of(ShardStream(f"{address}/s-{{0000..0003}}.tar", SIZE, seed=3))
        with pytest.raises(CaptionError, match="cut.tar: "):
            list(ShardStream(f"{address}/cut.tar", SIZE))
        with pytest.raises(CaptionError, match="other.tar: cannot be read as a tar file .HTTP Error 404.*; download"):
            list(ShardStream(f"{address}/other.tar", SIZE))
        server.shutdown()
    assert served == captions_of(ShardStream(shards, SIZE, seed=3))


def test_a_pass_may_be_left_early(shards):
    before = threading.active_count()
    for _ in ShardStream(shards, SIZE, batch_size=2):
        break
    gc.collect()
    deadline = time.monotonic() + 5
    while threading.active_count() > before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert threading.active_count() <= before


def test_batches_are_made_while_the_last_one_is_used(shards, monkeypatch):
    made = []
    usual = ShardStream._batches

    def counted(self):
        for batch in usual(self):
            made.append(len(batch[1]))
            yield batch

    monkeypatch.setattr(ShardStream, "_batches", counted)
    batches = iter(ShardStream(shards, SIZE, batch_size=5))
    next(batches)
    deadline = time.monotonic() + 5
    while len(made) < 3 and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.1)
    assert len(made) == 3  # the one in use and two ahead, no more
    batches.close()


def test_a_missing_webdataset_is_named_with_the_command(shards, monkeypatch):
    monkeypatch.setitem(sys.modules, "webdataset.tariterators", None)
    with pytest.raises(CaptionError, match=r'webdataset is missing; pip install "rsclip-lab\[shards\]"'):
        ShardStream(shards, SIZE)


def tar_of(path, names):
    """A tar file with a picture or its own name as text under each of the names, in their order."""
    with tarfile.open(path, "w") as archive:
        for name in names:
            content = picture(1) if name.endswith(("jpg", "png", "jfif")) else name.encode()
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return path


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["t_12.1.jpg", "t_12.1.txt", "t_12.5.jpg", "t_12.5.txt"], ["t_12.1.txt", "t_12.5.txt"]),
        (["v1.0/t.1.jpg", "v1.0/t.1.txt", "v1.0/t.jfif", "v1.0/t.txt"], ["v1.0/t.1.txt", "v1.0/t.txt"]),
        (["t.jpg", "t.txt", "t.1.jpg", "t.1.txt"], ["t.txt", "t.1.txt"]),
    ],
)
def test_names_with_dots_are_samples_of_their_own(tmp_path, names, expected):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        captions = captions_of(ShardStream(tar_of(tmp_path / "x.tar", names), SIZE, shuffle=0))
    assert sorted(captions) == sorted(expected)


@pytest.mark.parametrize(
    ("names", "problems"),
    [
        (["a.jpg", "a.mask.png", "a.txt"], {"a.mask": "no caption"}),
        (["a.jpg", "a.left.jpg", "a.right.jpg", "a.txt"], {"a.left": "no caption", "a.right": "no caption"}),
        (["a.jpg", "a.png", "a.txt"], {"a": "a.png is one image too many; the first of the name is used"}),
        (["a.jpg", "a.txt", "a.jpg"], {"a": "a.jpg is one image too many; the first of the name is used"}),
    ],
)
def test_what_stands_beside_a_sample_is_counted_and_does_not_part_it(tmp_path, names, problems):
    stream = ShardStream(tar_of(tmp_path / "x.tar", names), SIZE, shuffle=0)
    with pytest.warns(UserWarning, match=f"{len(problems)} of {len(problems) + 1} samples"):
        assert captions_of(stream) == ["a.txt"]
    assert dict(zip(stream.problems["key"], stream.problems["cause"], strict=True)) == problems


@pytest.mark.parametrize(
    "pattern",
    ["s-{0000..0031}", "{3..1}{a,b}", "{a{1..3},b{1..9..3}}{x,y}", "{a..e}-{x}", "a,b", "{{1..3},{1..4}}{1..2}"],
)
def test_names_are_counted_as_they_are_expanded(pattern):
    _, expand = members_module.webdataset_names()
    assert members_module._number_of(pattern) == len(list(expand(pattern)))
