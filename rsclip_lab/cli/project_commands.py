"""`badges`: what somebody does who teaches from a fork."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import arg

from rsclip_lab.cli.arguments import optional


@dataclass(frozen=True, kw_only=True)
class Badges:
    """Let every badge, set-up cell and link of a checkout lead to your fork, as pyproject.toml then says."""

    repo: Annotated[str, arg(metavar="OWNER/NAME")]  # the fork on GitHub
    ref: Annotated[str | None, optional("REF")] = None  # branch, tag or commit; as it is, if not given
    checkout: Annotated[Path, arg(metavar="FOLDER")] = Path(".")  # of the fork

    def run(self) -> int:
        from rsclip_lab.cli.badges import Home

        home = Home(self.repo, self.ref or Home.of(self.checkout).ref)
        changed = home.retarget(self.checkout)
        print(
            *(f"changed: {file.relative_to(self.checkout)}" for file in changed), sep="\n", end="\n" * bool(changed)
        )
        print(f"{len(changed)} files now lead to {home.repository} at {home.ref}; commit them")
        return 0
