"""Hostile archives: zip files to be unpacked, folders of fetched sets, and tar shards to be streamed."""

import io
import json
import struct
import tarfile
import warnings
import zipfile

import numpy as np
from cases import Case
from PIL import Image

from rsclip_lab.data.public import SETS, fetch_data
from rsclip_lab.data.public.archive import unpack
from rsclip_lab.data.shards import ShardStream

REMEDY = r"; .*(do not use|unpack it|delete|name|call again|leave it out|give a path|put the|correct)"


def _picture(kind="JPEG", size=(8, 8)):
    file = io.BytesIO()
    Image.new("RGB" if kind == "JPEG" else "1", size).save(file, kind)
    return file.getvalue()


def _zip(files, compression=zipfile.ZIP_DEFLATED):
    """files: (name or ZipInfo, bytes) pairs; what was given of an entry's name and kind is written as it is."""
    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a name twice
        with zipfile.ZipFile(file, "w", compression) as archive:
            for name, content in files:
                archive.writestr(name, content)
    return file.getvalue()


def _unpacking(content):
    """A case's `make` that unpacks this archive."""

    def make(folder):
        (folder / "set.zip").write_bytes(content)
        return lambda: unpack(folder / "set.zip", folder / "out")

    return make


def _zip_case(name, content, *words):
    return Case(f"zip_{name}", _unpacking(content), "error", (r"set\.zip", *words, REMEDY))


def _link(target):
    entry = zipfile.ZipInfo("a/link.jpg")
    entry.external_attr = 0o120777 << 16
    return _zip([(entry, target)])


def _lying_about_its_size():
    content = bytearray(_zip([("a/1.jpg", bytes(50_000))], zipfile.ZIP_STORED))
    for place in (22, content.index(b"PK\x01\x02") + 24):  # the size unpacked, in both of its headers
        content[place : place + 4] = struct.pack("<I", 10)
    return bytes(content)


def _encrypted():
    content = bytearray(_zip([("a/1.jpg", _picture())]))
    for place in (6, content.index(b"PK\x01\x02") + 8):
        content[place] |= 1
    return bytes(content)


def _with_a_flipped_bit():
    picture = _picture()
    content = bytearray(_zip([("a/1.jpg", picture)], zipfile.ZIP_STORED))
    content[content.index(picture) + 30] ^= 1
    return bytes(content)


def _fetched(files, words):
    """A case: `fetch_data("eurosat")`, without network, on a folder where someone has left these files."""

    def make(folder):
        for name, content in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
        return lambda: fetch_data("eurosat", folder / "eurosat")

    return make, (*words, REMEDY)


EUROSAT = SETS["eurosat"]
COUNTS = "captions: 27000\npictures: 27000\n"
RECORD = f"repository: {EUROSAT.repository}\nrevision: {EUROSAT.revision}\n{COUNTS}".encode()
OTHER = RECORD.replace(b"euro", b"")
CLASSES = {f"eurosat/{name}/1.jpg": _picture() for name in ("Forest", "River")}


def _fetched_case(name, files, *words):
    make, words = _fetched(files, words)
    return Case(f"fetched_{name}", make, "error", words)


def _member(name, content=b"", **facts):
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    for key, value in facts.items():
        setattr(entry, key, value)
    return entry, content


def _tar(*members, format=tarfile.USTAR_FORMAT):
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=format) as archive:
        for entry, content in members:
            archive.addfile(entry, io.BytesIO(content))
    return file.getvalue()


def _good(key):
    return _member(f"{key}.jpg", _picture()), _member(f"{key}.txt", f"caption of {key}".encode())


def _header_of(size):
    """A header for a file of that size, without the file, and the mark of the end."""
    entry = tarfile.TarInfo("large.jpg")
    entry.size = size
    return entry.tobuf(tarfile.GNU_FORMAT) + bytes(10_240)


def _claiming_a_long_header():
    entry = tarfile.TarInfo("long")
    entry.size, entry.type = 1 << 40, tarfile.XHDTYPE
    return entry.tobuf(tarfile.GNU_FORMAT) + bytes(1 << 20)


def _nested_headers(depth=20_000):
    entry = tarfile.TarInfo("long")
    entry.type = tarfile.XHDTYPE
    return entry.tobuf(tarfile.USTAR_FORMAT) * depth + _tar(*_good("a"))


def _damaged_in_the_middle():
    content = bytearray(_tar(*_good("a"), *_good("b"), *_good("c")))
    content[content.index(b"b.jpg") : content.index(b"b.jpg") + 200] = bytes([255]) * 200
    return bytes(content)


def _streaming(content, name="shard.tar"):
    def make(folder):
        (folder / name).write_bytes(content)
        return lambda: list(ShardStream(folder / name, 8, shuffle=0))

    return make


def _tar_case(name, content, *words):
    return Case(f"tar_{name}", _streaming(content), "error", (r"shard\.tar", *words, REMEDY))


def _usable(content, expected, problems=()):
    """A case's `make`: the shard gives these captions, and names these keys as skipped."""

    def make(folder):
        (folder / "shard.tar").write_bytes(content)

        def run():
            stream = ShardStream(folder / "shard.tar", 8, shuffle=0)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                given = [caption for _, captions in stream for caption in captions]
            written = [path.name for path in folder.rglob("*")]
            return (given, stream.problems["key"].tolist(), written) == (expected, list(problems), ["shard.tar"])

        return run

    return make


def _tar_used(name, content, expected, problems=()):
    return Case(f"tar_{name}", _usable(content, expected, problems), "repaired")


def _braces(pattern):
    """A case's `make`: a pattern of which nothing is there, in the folder."""
    return lambda folder: lambda: ShardStream(f"{folder}/{pattern}", 8)


def _pipe(folder):
    return lambda: ShardStream(f"pipe:cp {folder}/../beside/secret.txt {folder}/planted.tar", 8)


BOTH = ["caption of a", "caption of b"]
CASES = [
    _zip_case("leads_out", _zip([("x/../../../beside/planted.jpg", _picture())]), "leads out of the folder"),
    _zip_case("absolute_name", _zip([("/beside/planted.jpg", _picture())]), "leads out of the folder"),
    _zip_case("backslashes_lead_out", _zip([("..\\..\\beside\\planted.jpg", b"")]), "leads out of the folder"),
    _zip_case("disk_letter", _zip([("C:/planted.jpg", _picture())]), "leads out of the folder"),
    _zip_case("link_to_a_secret", _link("../../../beside/secret.txt"), r"link\.jpg.*is a link"),
    _zip_case("name_twice", _zip([("a/1.jpg", b"one"), ("a/1.jpg", b"two")]), r"1\.jpg: this name comes twice"),
    _zip_case("file_and_folder_of_one_name", _zip([("a", b""), ("a/1.jpg", b"")]), "this name comes twice"),
    _zip_case("bomb", _zip([("a/1.jpg", bytes(30_000_000))]), r"30 MB from an archive of 0\.0 MB"),
    _zip_case("lies_about_its_size", _lying_about_its_size(), "damaged"),
    _zip_case("cut_short", _zip([(f"a/{i}.jpg", _picture()) for i in range(9)])[:-300], "damaged"),
    _zip_case("flipped_bit", _with_a_flipped_bit(), r"damaged .*1\.jpg"),
    _zip_case("encrypted", _encrypted(), r"1\.jpg.*is encrypted"),
    _zip_case("other_compression", _zip([("a/1.jpg", _picture())], zipfile.ZIP_LZMA), "unusual compression"),
    _zip_case("web_page", b"<html>Sign in to continue</html>", "damaged .File is not a zip file"),
    _fetched_case("folder_of_other_files", {"eurosat/thesis.docx": b"my own"}, "eurosat: holds something else"),
    _fetched_case("file_in_place_of_the_folder", {"eurosat": b"my own"}, "eurosat: holds something else"),
    _fetched_case("garbled_record", {**CLASSES, "eurosat/SOURCE.txt": b"\xff\xfe{"}, r"SOURCE\.txt: cannot be read"),
    _fetched_case("other_set", {**CLASSES, "eurosat/SOURCE.txt": OTHER}, "holds torchgeo/sat at"),
    _fetched_case("half_set", {**CLASSES, "eurosat/SOURCE.txt": RECORD}, "captions are there and 27000 were fetched"),
    _fetched_case(
        "other_archive_by_hand", {"eurosat.partial/EuroSAT.zip": _zip([])}, r"EuroSAT\.zip: not the expected file"
    ),
    _fetched_case("no_network", {}, r"EuroSAT\.zip: could not be fetched"),
    _tar_case("cut_short", _tar(*_good("a"), *_good("b"))[:1500], "cut short"),
    _tar_case("damaged_in_the_middle", _damaged_in_the_middle(), "damaged"),
    _tar_case("web_page", b"<html>Sign in to continue</html>", "damaged or cut short"),
    _tar_case("zeros_and_noise", np.random.default_rng(0).bytes(5000) + bytes(1024), "cannot be read as a tar file"),
    _tar_case("member_of_exabytes", _header_of(1 << 60), "shard"),
    _tar_case("header_of_a_terabyte", _claiming_a_long_header(), "shard"),
    _tar_case("headers_without_end", _nested_headers(), "cannot be read as a tar file"),
    _tar_case("only_captions", _tar(_member("a.txt", b"words")), "a: no picture, and no usable sample"),
    _tar_case("nothing_in_it", bytes(10_240), "no sample"),
    *(
        Case(f"tar_pattern_of_{name}", _braces(pattern), "error", ("more than 1000000 shards", REMEDY))
        for name, pattern in (
            ("falling_millions", "{9999999999..0}.tar"),
            ("two_ranges_multiplied", "{0..9999}-{0..9999}.tar"),
            ("ranges_in_alternatives", "{{0..9999}{0..9999}{0..9999},b}.tar"),
            ("letters", "{a..z}{a..z}{a..z}{a..z}{a..z}.tar"),
            ("many_pairs", "{a,b}" * 40 + ".tar"),
        )
    ),
    Case("tar_pipe_command", _pipe, "error", (r"pipe:cp", "may run a command", REMEDY)),
    _tar_used(
        "names_that_lead_out",
        _tar(*_good("../../beside/planted"), *_good("/beside/planted")),
        ["caption of ../../beside/planted", "caption of /beside/planted"],
    ),
    _tar_used(
        "links_to_a_secret",
        _tar(
            _member("s.jpg", type=tarfile.SYMTYPE, linkname="../beside/secret.txt"),
            _member("s.txt", type=tarfile.LNKTYPE, linkname="../beside/secret.txt"),
            *_good("a"),
        ),
        BOTH[:1],
    ),
    _tar_used("members_twice", _tar(*_good("a"), *_good("a"), *_good("b")), BOTH, ["a", "a"]),
    _tar_used(
        "picture_bomb",
        _tar(*_good("a"), _member("x.png", _picture("PNG", (20_000, 20_000))), _member("x.txt", b"x"), *_good("b")),
        BOTH,
        ["x"],
    ),
    _tar_used(
        "json_that_nests",
        _tar(*_good("a"), _member("x.jpg", _picture()), _member("x.json", b'{"caption":' * 50_000), *_good("b")),
        BOTH,
        ["x"],
    ),
    _tar_used(
        "captions_of_other_kinds",
        _tar(
            *_good("a"),
            _member("x.jpg", _picture()),
            _member("x.json", json.dumps({"caption": {"en": ["no"]}, "captions": 3}).encode()),
            *_good("b"),
        ),
        BOTH,
        ["x"],
    ),
]
