"""What every test may use, and what none may: a tiny random network, a picture folder, and no network."""

import ipaddress
import os
import signal
import socket
import sys
from pathlib import Path

# Before any library reads them: no window for figures, no download by a forgotten line.
os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import numpy as np  # noqa: E402
import pytest  # noqa: E402
from hypothesis import settings  # noqa: E402
from PIL import Image  # noqa: E402

from rsclip_lab.environment import usable_cores  # noqa: E402

sys.path.append(str(Path(__file__).with_name("hub")))  # hub_server, for tests in every folder

# The same examples in every run, so that a failure is the change's; HYPOTHESIS_PROFILE=default seeks new ones.
settings.register_profile("steady", derandomize=True, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "steady"))

TINY_ARCHITECTURE = {
    "embed_dim": 32,
    "quick_gelu": True,
    "vision_cfg": {"image_size": 32, "layers": 2, "width": 64, "head_width": 32, "patch_size": 8},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 64, "heads": 2, "layers": 2},
}


ONE_BY_ONE = "test_colab.py"  # its tests are as long as files


def pytest_configure(config):
    """`pytest -n 2`: cores for each process, as with more threads than cores torch is several times slower.

    A shell ignores Ctrl-C in what it starts in the background, and so would all that the tests start and interrupt.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if processes := config.getoption("numprocesses", None):
        os.environ.setdefault("OMP_NUM_THREADS", str(max(1, usable_cores() // processes)))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """The tests of a file go to one process, for what they share is made once in each."""
    from xdist.scheduler import LoadScopeScheduling

    class ByFile(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            path = nodeid.split("::")[0]
            return nodeid if path.endswith(ONE_BY_ONE) else path

    return ByFile(config, log)


class NetworkBlocked(RuntimeError):
    """A test tried to leave this machine. Not an OSError, so that code for "no network" cannot swallow it."""


def _is_local(host) -> bool:
    if host in (None, "", "localhost", socket.gethostname()):
        return True
    try:
        return ipaddress.ip_address(str(host).partition("%")[0]).is_loopback or str(host) in ("0.0.0.0", "::")
    except ValueError:
        return False


def _blocked(name: str, host_of):
    real = getattr(*name)

    def guarded(*args, **kwargs):
        host = host_of(*args)
        if not _is_local(host):
            raise NetworkBlocked(f"tests may not reach {host}")
        return real(*args, **kwargs)

    return guarded


def _host_of_connect(self, address):
    return address[0] if self.family in (socket.AF_INET, socket.AF_INET6) else None


@pytest.fixture(scope="session", autouse=True)
def no_network():
    """Only this machine can be reached: connections and name look-ups to anywhere else raise."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("connect", "connect_ex"):
            patch.setattr(socket.socket, name, _blocked((socket.socket, name), _host_of_connect))
        patch.setattr(socket, "getaddrinfo", _blocked((socket, "getaddrinfo"), lambda host, *rest: host))
        yield


@pytest.fixture(scope="session")
def hub_server():
    from hub_server import HubServer

    server = HubServer({})
    yield server
    server.close()


@pytest.fixture
def hub(hub_server):
    """A Hugging Face hub on this machine, which has been asked nothing yet; repositories are as tests left them."""
    hub_server.forget()
    return hub_server


@pytest.fixture(scope="session")
def hub_clients(hub_server, tmp_path_factory):
    """Processes to call functions in, whose huggingface_hub knows that hub: {name: HubClient}, begun on first use.

    "online"; "tester", with that user's token; "offline", all three on one cache; "dead", to whom nobody answers.
    """
    from hub_server import TOKEN, HubClient

    home, other = tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("other")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{probe.getsockname()[1]}"
    clients = {
        "online": HubClient(home, HF_ENDPOINT=hub_server.address),
        "tester": HubClient(home, HF_ENDPOINT=hub_server.address, HF_TOKEN=TOKEN),
        "offline": HubClient(home, HF_ENDPOINT=hub_server.address, HF_HUB_OFFLINE="1"),
        "dead": HubClient(other, HF_ENDPOINT=nobody),
    }
    yield clients
    for client in clients.values():
        client.close()


@pytest.fixture(scope="session")
def _untouched_clip():
    from rsclip_lab.models import new_clip

    return new_clip(TINY_ARCHITECTURE, seed=0, name="random")


@pytest.fixture
def random_clip(_untouched_clip):
    """A tiny random ViT: image size 32, context 77, 32 dimensions. A copy for each test."""
    return _untouched_clip.copy()


@pytest.fixture
def one_thread():
    """One thread of torch: sums come out the same bit by bit, and small networks only wait for a second one."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def picture_folder(tmp_path):
    """A folder in the tutorial's layout: 12 random pictures of 3 labels, 2 captions each, in 3 splits."""
    folder = tmp_path / "pictures"
    (folder / "images").mkdir(parents=True)
    random = np.random.default_rng(0)
    lines = ["filename,caption,label,split"]
    for row in range(12):
        label = ("beach", "harbour", "forest")[row % 3]
        split = ("train", "val", "test")[0 if row < 6 else 1 if row < 9 else 2]
        pixels = random.integers(0, 256, (40 + row, 60 - row, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / "images" / f"{label}_{row}.png")
        lines.append(f"{label}_{row}.png,a satellite view of {label},{label},{split}")
        lines.append(f"{label}_{row}.png,picture {row} shows {label} from above,{label},{split}")
    (folder / "caption.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


@pytest.fixture
def write(tmp_path):
    """Writes a caption.csv (or another file) beside an images folder with a.png, b.png and c.png; gives its path."""
    (tmp_path / "images").mkdir()
    for name in "abc":
        Image.new("RGB", (4, 4), "green").save(tmp_path / "images" / f"{name}.png")

    def write_text(text, encoding="utf-8", name="caption.csv"):
        path = tmp_path / name
        path.write_bytes(text.encode(encoding))
        return path

    return write_text


@pytest.fixture
def decoded(monkeypatch):
    """The names of the pictures that `PixelStore.decode` opens, in order; whole pictures as they are."""
    from rsclip_lab.data import open_image, store

    names = []

    def noted(image, **options):
        names.append(os.path.basename(image) if isinstance(image, (str, os.PathLike)) else image)
        return open_image(image, **options)

    monkeypatch.setattr(store, "open_image", noted)
    return names


@pytest.fixture
def word_tokenizer(tmp_path):
    """A folder with a tokenizer of transformers, for a few English words."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    marks = {"<pad>": 1, "<s>": 0, "</s>": 2, "<unk>": 3}
    words = "a an boats sandy beach seen from above of the and with".split()
    tokenizer = Tokenizer(models.WordLevel(marks | {word: 4 + row for row, word in enumerate(words)}, "<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    ends = [("<s>", 0), ("</s>", 2)]
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A </s>", special_tokens=ends)
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", bos_token="<s>", eos_token="</s>", unk_token="<unk>"
    )
    fast.save_pretrained(tmp_path / "word_tokenizer")
    return tmp_path / "word_tokenizer"
