"""Where "Open in Colab" leads: badges and bootstrap cells of a checkout, for the project and for its forks."""

from __future__ import annotations

import json
import os
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

COLAB = "https://colab.research.google.com"
BOOTSTRAP = """\
# @title Set-up: in Colab this installs the package beside Colab's own torch
import importlib.metadata, importlib.util, pathlib, subprocess, sys, tempfile

PACKAGE = "rsclip-lab @ git+https://github.com/{repository}@{ref}"
if importlib.util.find_spec("rsclip_lab") is None:
    if "google.colab" not in sys.modules:
        raise ModuleNotFoundError(f'rsclip_lab is not here. Run once:  %pip install "{{PACKAGE}}" ipywidgets')
    versions = [f"{{name}}=={{importlib.metadata.version(name)}}" for name in ("torch", "torchvision", "numpy")]
    kept = pathlib.Path(tempfile.mkdtemp(), "kept.txt")
    kept.write_text("\\n".join(versions))
    pip = [sys.executable, "-m", "pip", "install", "-q", "-c", str(kept), PACKAGE]
    done = subprocess.run(pip, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"pip could not install {{PACKAGE}}:\\n{{done.stderr}}")
    importlib.invalidate_caches()"""
REPOSITORY = r"[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]+(?<!\.git)"
REF = r"(?!.*\.\.)(?!.*//)[A-Za-z0-9_][A-Za-z0-9._/+-]*"
# Whatever they lead to now: a fork of a fork, or one that was edited by hand, comes right as well.
IN_BADGES = re.compile(re.escape(COLAB) + r"/github/[^/\s\"]+/[^/\s\"]+/blob/[^\s\")]+?/notebooks/")
IN_BOOTSTRAP = re.compile(r"(?<=rsclip-lab @ )git\+https://github\.com/[^@\s\"]+@[^\s\"\\]+")
IN_LINKS = re.compile(r"https://github\.com/[^/\s\"]+/[^/\s\"]+/blob/[^\s\")]+?/(?=slides/|notebooks/)")
TEXTS = ("README.md", "notebooks/*.ipynb", "notebooks/source/*.py", "slides/*.md")


@dataclass(frozen=True)
class Home:
    """A repository of GitHub ("owner/name") and the branch, tag or commit that learners get."""

    repository: str
    ref: str = "main"

    def __post_init__(self) -> None:
        object.__setattr__(self, "repository", self.repository.removesuffix(".git"))  # as `git clone` has it
        if not re.fullmatch(REPOSITORY, self.repository):
            raise ValueError(f"repository {self.repository!r}: give owner/name, such as rsclip-lab/rsclip-lab")
        if not re.fullmatch(REF, self.ref):
            raise ValueError(f"ref {self.ref!r}: give a branch, a tag or a commit, such as main or v1.0")

    @classmethod
    def of(cls, checkout: Path) -> Home:
        """As pyproject.toml says. Raises ValueError where that is not this project's."""
        file = checkout / "pyproject.toml"
        try:
            values = tomllib.loads(file.read_text("utf-8"))["tool"]["rsclip-lab"]
            return cls(values["repository"], values["ref"])
        except (OSError, KeyError, tomllib.TOMLDecodeError) as error:
            raise ValueError(
                f"{file} has no [tool.rsclip-lab] with repository and ref ({error}): run this in a checkout of "
                "the course, or name its folder with --checkout"
            ) from None

    def page(self, name: str) -> str:
        """The notebook of that name in Colab."""
        return f"{COLAB}/github/{self.repository}/blob/{self.ref}/notebooks/{name}.ipynb"

    def badge(self, name: str) -> str:
        """Markdown: the badge that opens it."""
        return f"[![Open in Colab]({COLAB.replace('.com', '.com/assets')}/colab-badge.svg)]({self.page(name)})"

    def bootstrap(self) -> str:
        """The first code cell of a notebook."""
        return BOOTSTRAP.format(repository=self.repository, ref=self.ref)

    def link(self, path: str) -> str:
        """A file of the repository, for readers who have the notebook alone."""
        return f"https://github.com/{self.repository}/blob/{self.ref}/{path}"

    def retarget(self, checkout: Path) -> list[Path]:
        """Make every badge, bootstrap cell and link of the checkout lead here; the files that were changed.

        All are read and checked before the first is written. Outputs of notebooks stay as they are.
        """
        Home.of(checkout)
        changed = {}
        for file in [checkout / "pyproject.toml", *sorted(path for text in TEXTS for path in checkout.glob(text))]:
            before = file.read_text("utf-8")
            after = self._in_project(before) if file.name == "pyproject.toml" else self._in_text(before)
            if file.suffix == ".ipynb":
                json.loads(after)
            if after != before:
                changed[file] = after
        for file, text in changed.items():
            part = file.with_name(f".{file.name}-{os.getpid()}.part")
            part.write_text(text, "utf-8")
            os.replace(part, file)
        return list(changed)

    def _in_text(self, text: str) -> str:
        text = IN_BADGES.sub(f"{COLAB}/github/{self.repository}/blob/{self.ref}/notebooks/", text)
        text = IN_BOOTSTRAP.sub(f"git+https://github.com/{self.repository}@{self.ref}", text)
        return IN_LINKS.sub(self.link(""), text)

    def _in_project(self, text: str) -> str:
        head, table = text.split("[tool.rsclip-lab]", 1)
        for key, value in (("repository", self.repository), ("ref", self.ref)):
            table = re.sub(rf'^{key} = ".*"', f'{key} = "{value}"', table, count=1, flags=re.MULTILINE)
        return f"{head}[tool.rsclip-lab]{table}"
