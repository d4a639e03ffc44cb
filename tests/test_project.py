"""What stands twice agrees: requirements, badges, links; and a wheel is enough."""

import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
TEXTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "data").glob("*/README.md"))]
TEXTS += sorted(path for folder in ("slides", "notebooks") for path in (ROOT / folder).glob("*.md"))


def test_requirements_are_those_of_the_package_and_the_notebooks():
    lines = (ROOT / "requirements.txt").read_text("utf-8").splitlines()
    listed = [line for line in lines if line and not line.startswith("#")]
    extras = PROJECT["project"]["optional-dependencies"]
    assert listed == PROJECT["project"]["dependencies"] + extras["notebooks"]


def test_requirements_never_pin_or_cap_a_platforms_own_torch():
    for line in PROJECT["project"]["dependencies"]:
        assert re.fullmatch(r"[\w-]+>=[\d.]+", line), line


def test_the_badges_of_the_readme_are_those_of_the_setting():
    setting = PROJECT["tool"]["rsclip-lab"]
    prefix = f"https://colab.research.google.com/github/{setting['repository']}/blob/{setting['ref']}/"
    text = (ROOT / "README.md").read_text("utf-8")
    targets = re.findall(r"\]\((https://colab\.research\.google\.com/github/[^)]*)\)", text)
    assert all(target.startswith(prefix) for target in targets)
    notebooks = sorted(path.name for path in (ROOT / "notebooks").glob("*.ipynb"))
    assert [target.removeprefix(f"{prefix}notebooks/") for target in targets] == notebooks and len(notebooks) == 8


@pytest.mark.parametrize("text", TEXTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_to_files_lead_somewhere(text):
    for target in re.findall(r"\]\(([^)#\s]+)\)", text.read_text("utf-8")):
        if not target.startswith(("http", "figure:", "notebook:")):  # the last two are of slides, see their README
            assert (text.parent / target).exists(), f"{text.name}: {target}"


def test_links_between_the_notebooks_lead_somewhere():
    for source in (ROOT / "notebooks" / "source").glob("*.py"):
        for target in re.findall(r"\]\(([^)#\s]+\.ipynb)\)", source.read_text("utf-8")):
            assert (ROOT / "notebooks" / target).is_file(), f"{source.name}: {target}"


def test_a_wheel_alone_has_the_samples_and_the_base_model(tmp_path):
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    build = ["wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", tmp_path, ROOT]
    subprocess.run([*pip, *build], check=True)
    (wheel,) = tmp_path.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    code = (
        "import rsclip_lab as lab; coast, model = lab.sample('coast'), lab.load_model('tiny', 'cpu'); "
        "print(lab.__file__, len(coast), model.encode_images(coast['image'].iloc[0]).shape[1])"
    )
    environment = {"PYTHONPATH": str(tmp_path / "site"), "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    command = [sys.executable, "-c", code]
    said = subprocess.run(command, cwd=tmp_path, env=environment, check=True, capture_output=True, text=True)
    file, captions, dim = said.stdout.split()
    assert Path(file).is_relative_to(tmp_path / "site") and (captions, dim) == ("4200", "512")
