"""What else comes under the name of a weight file, and what to do about it."""

import io
import mmap
import pickle
import pickletools
import re
import zipfile
from collections import Counter, OrderedDict
from pathlib import Path
from typing import BinaryIO

import torch

from rsclip_lab.environment import first_line
from rsclip_lab.models.errors import ModelError

# First bytes, what it is, what to do.
MISTAKEN = (
    (rb"\s*<", "is a web page, not weights", "the page was saved: download the file itself (on the hub: its ↓ link)"),
    (rb"version https://git-lfs", "is a git-lfs pointer, not weights", "run `git lfs pull` where it was cloned"),
    (rb'\s*\{.*"weight_map"', "is the index of weights in several files", "join these files into one .safetensors"),
    (rb"\s*[\[{]", "is JSON text, not weights", "give the .safetensors or .pt file beside it"),
    (rb"\x93NUMPY|\x89HDF|GGUF", "holds arrays of another framework", "get it as .safetensors or a torch file"),
    (rb"\x1f\x8b|BZh|\xfd7zXZ|7z\xbc\xaf|Rar!|.{257}ustar", "is an archive", "unpack it and give the file inside"),
)

# The instructions in which torch writes; none of them reserves memory by a number that it carries.
INSTRUCTIONS = """
    PROTO STOP MARK TUPLE TUPLE1 TUPLE2 TUPLE3 EMPTY_TUPLE EMPTY_LIST EMPTY_DICT APPEND APPENDS SETITEM SETITEMS
    NONE NEWTRUE NEWFALSE BININT BININT1 BININT2 LONG1 BINFLOAT BINUNICODE SHORT_BINSTRING
    BINPUT LONG_BINPUT BINGET LONG_BINGET GLOBAL REDUCE BUILD BINPERSID
""".split()
# What an instruction GLOBAL may name, and what stands in for it in the trial reading. Bytes an element, for storages.
STORAGES = {"Double": 8, "Float": 4, "Half": 2, "BFloat16": 2, "Long": 8, "Int": 4, "Short": 2, "Char": 1, "Byte": 1}
STORAGES |= {"Bool": 1, "ComplexFloat": 8, "ComplexDouble": 16}
NAMES = {f"torch {name}Storage": width for name, width in STORAGES.items()} | {"torch.storage UntypedStorage": 1}
NAMES |= {f"torch {name}": value for name, value in vars(torch).items() if isinstance(value, torch.dtype)}
NAMES |= {"collections OrderedDict": OrderedDict, "collections Counter": Counter, "__builtin__ set": set}
NAMES |= {"torch Size": torch.Size, "torch device": torch.device}
TENSORS = {f"torch._utils {name}" for name in ("_rebuild_tensor", "_rebuild_tensor_v2", "_rebuild_tensor_v3")}
WITHOUT_MEMORY = {
    "torch._utils _rebuild_parameter",
    "torch._utils _rebuild_parameter_with_state",
    "torch._utils _rebuild_sparse_tensor",
    "torch._utils _rebuild_meta_tensor_no_storage",
    "torch.serialization _get_layout",
}
ALLOWED = NAMES.keys() | TENSORS | WITHOUT_MEMORY


def shown(text: str, longest: int = 80) -> str:
    """A name out of a file as a message may have it: on one line, what is not printable escaped, not too long."""
    line = repr(text[: longest + 1])[1:-1]
    return line if len(line) <= longest else line[: longest - 1] + "…"


def first_bytes(path: Path) -> bytes:
    """Up to 4096 of them; `ModelError` for a folder, for nothing, and for what may not be read."""
    if path.is_dir():
        raise ModelError(f"{path} is a folder; give the weight file in it, or load a saved folder with load_model")
    if not path.is_file():
        raise ModelError(f"{path} is no file; check the path")
    try:
        with open(path, "rb") as file:
            head = file.read(4096)
    except OSError as error:
        raise ModelError(f"{path} cannot be read ({error.strerror}); check who may read it") from None
    if not head:
        raise ModelError(f"{path} is empty; download or save it again")
    return head


def check_archive(path: Path) -> None:
    """Whether a zip file is one that torch.save wrote; `ModelError` otherwise."""
    with zipfile.ZipFile(path) as archive:
        records = archive.infolist()
    names = {record.filename.partition("/")[2] for record in records}
    if "constants.pkl" in names:
        raise ModelError(
            f"{path} is a TorchScript program, as OpenAI's own .pt files are, and was not opened, as that means to "
            'run it; load such a model by name ("ViT-B-32:openai"), or save torch.jit.load(file).state_dict() '
            "on a machine that may run it"
        )
    if "data.pkl" not in names:
        inside = ", ".join(shown(record.filename) for record in records[:3]) or "nothing"
        raise ModelError(f"{path} is an archive that torch did not write ({inside} …); give the weight file in it")
    unfolded = sum(record.file_size for record in records)
    if any(record.compress_type for record in records) or unfolded > path.stat().st_size:
        raise ModelError(f"{path} unfolds to {unfolded / 1e9:.1f} GB, and torch folds nothing; do not use it")


def check_pickles(path: Path, archive: bool) -> None:
    """Whether torch can read the pickles of its file without running code, and in the memory of the file's size.

    torch's own reading with weights_only=True runs no code, and makes whatever a number asks for: a bytearray, an
    empty tensor, a storage that grows. So all is read once before, with stand-ins that hold nothing.
    """
    if archive:  # through torch's reader: another one might find another record under the same name
        _try(path, io.BytesIO(torch._C.PyTorchFileReader(str(path)).get_record("data.pkl")), 1)
    else:  # magic number, version, system, content, keys
        with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            _try(path, content, 5)


def _try(path: Path, stream: BinaryIO | mmap.mmap, count: int) -> None:
    for _ in range(count):
        start = stream.tell()
        _check_instructions(path, stream)
        end = stream.tell()
        stream.seek(start)
        _TrialReading(path, stream).load()
        stream.seek(end)


def _check_instructions(path: Path, stream: BinaryIO | mmap.mmap) -> None:
    for number, (instruction, argument, _) in enumerate(pickletools.genops(stream)):
        if instruction.name == "GLOBAL" and argument not in ALLOWED:
            raise _carries_code(path, f"it calls for {shown('.'.join(argument.split()))}")
        far = instruction.name == "LONG_BINPUT" and argument > number  # Python fills all places up to there
        if far or instruction.name not in INSTRUCTIONS:
            raise _carries_code(path, "an instruction beyond plain weights")


class _StandIn:
    """A tensor in the trial reading: nothing that could be called or set."""

    def __setstate__(self, state: object) -> None:
        raise pickle.UnpicklingError("a tensor with a state of its own")


class _Storage(_StandIn):
    def __init__(self, width: int, count: int):
        self.width, self.nbytes = width, width * count


class _TrialReading(pickle.Unpickler):
    def __init__(self, path: Path, stream: BinaryIO | mmap.mmap):
        super().__init__(stream, encoding="utf-8")
        self.path, self.size, self.stored, self.total = path, path.stat().st_size, set(), 0

    def find_class(self, module: str, name: str) -> object:
        name = f"{module} {name}"
        if name in TENSORS:
            return self.tensor
        return NAMES[name] if name in NAMES else lambda *parts: _StandIn()

    def persistent_load(self, place: tuple) -> _Storage:
        _, width, key, _, count, *view = place
        storage = _Storage(width, _counts(count))
        if (key, storage.nbytes) not in self.stored:
            self.stored.add((key, storage.nbytes))
            self.total += storage.nbytes
        if self.total > self.size:
            raise pickle.UnpicklingError(f"{self.total:,} bytes of tensors are declared")
        if not any(view):
            return storage
        _, start, length = view[0]  # as torch wrote what shared memory before version 0.4
        self.require(_counts(start) + _counts(length) <= count)
        return _Storage(width, length)

    def tensor(self, storage: _Storage, offset: int, size: tuple, stride: tuple, *others: object) -> _StandIn:
        width = others[2].itemsize if len(others) > 2 and isinstance(others[2], torch.dtype) else storage.width
        steps = [(_counts(length) - 1) * _counts(step) for length, step in zip(size, stride, strict=True)]
        last = _counts(offset) + sum(steps)
        self.require(0 in size or (last + 1) * width <= storage.nbytes)
        return _StandIn()

    def require(self, fits: bool) -> None:
        if not fits:
            raise larger_than_file(self.path)


def _counts(number: int) -> int:
    if type(number) is not int or number < 0:
        raise pickle.UnpicklingError("a size that is no number")
    return number


def larger_than_file(path: Path) -> ModelError:
    return ModelError(f"{path} declares tensors larger than the file; do not use it")


def _carries_code(path: Path, what: str) -> ModelError:
    return ModelError(
        f"{path} cannot be opened without running code that it carries ({what}), so it was not; get the weights "
        "as .safetensors, or save net.state_dict() anew on a machine where that code may run"
    )


def mistaken(path: Path, head: bytes) -> ModelError:
    """The error for a file that begins in none of the ways of weights."""
    head = head.removeprefix(b"\xef\xbb\xbf")  # the mark some editors put before UTF-8
    for start, what, remedy in MISTAKEN:
        if re.match(start, head, re.DOTALL):
            return ModelError(f"{path} {what}; {remedy}")
    line = head.splitlines()[0][:80]
    if line.isascii() and line.decode().isprintable():
        return ModelError(f"{path} is a text that begins {line.decode()!r}, not weights; download it again")
    return ModelError(f"{path} is neither a safetensors nor a torch file; get the weights as one of these")


def unreadable(path: Path, error: Exception) -> ModelError:
    """The error for a file that begins as weights do and then cannot be read as such."""
    size = path.stat().st_size
    return ModelError(
        f"{path} is cut short or damaged ({size:,} bytes; {shown(first_line(error), 160)}); download or save it again"
    )
