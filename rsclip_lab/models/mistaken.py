"""What else comes under the name of a weight file, and what to do about it."""

import re
import zipfile
from pathlib import Path

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
        inside = ", ".join(record.filename for record in records[:3]) or "nothing"
        raise ModelError(f"{path} is an archive that torch did not write ({inside} …); give the weight file in it")
    unfolded = sum(record.file_size for record in records)
    if any(record.compress_type for record in records) or unfolded > path.stat().st_size:
        raise ModelError(f"{path} unfolds to {unfolded / 1e9:.1f} GB, and torch folds nothing; do not use it")


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
    asked = re.search(r"GLOBAL (\S+)", str(error))
    if asked or "Unsupported operand" in str(error):
        wants = f"it calls for {asked[1]}" if asked else "an instruction beyond plain weights"
        return ModelError(
            f"{path} cannot be opened without running code that it carries ({wants}), so it was not; get the weights "
            "as .safetensors, or save net.state_dict() anew on a machine where that code may run"
        )
    size = path.stat().st_size
    return ModelError(
        f"{path} is cut short or damaged ({size:,} bytes; {first_line(error)}); download or save it again"
    )
