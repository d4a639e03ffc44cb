"""What the numbers were made with: versions, the package's own commit, the device."""

import subprocess
from importlib.metadata import version
from pathlib import Path

import rsclip_lab
from rsclip_lab.environment import environment_report

# Of training, where everything here is float32; and of no consequence for a number.
LEFT_OUT = ("precision", "free disk here")
SECONDS = 10  # for git


def machine() -> dict[str, str]:
    """{item: value}; "commit" only where the package runs from a git checkout."""
    commit = checkout_commit(Path(rsclip_lab.__file__).parents[1])
    versions = {"rsclip-lab": rsclip_lab.__version__} | ({"commit": commit} if commit else {})
    versions |= {name: version(name) for name in ("huggingface_hub", "numpy")}
    report = environment_report().query("item not in @LEFT_OUT")
    return versions | dict(zip(report["item"], report["value"], strict=True))


def checkout_commit(folder: Path) -> str | None:
    """The commit, with "-dirty" where tracked files differ from it; None for no checkout, and where git fails."""
    if not (folder / ".git").exists():  # git itself would take a checkout around the environment
        return None
    git = ["git", "-C", str(folder), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        return subprocess.run(git, capture_output=True, text=True, check=True, timeout=SECONDS).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return None
