"""Fresh virtual environments that wheels are installed in, without an index."""

from __future__ import annotations

import os
import subprocess
import sysconfig
import venv
from dataclasses import dataclass
from pathlib import Path

from wheelhouse import installer


@dataclass(frozen=True)
class Environment:
    """A virtual environment, used from a folder outside the repository."""

    folder: Path
    scripts: Path
    python: Path
    site_packages: Path

    @classmethod
    def create(cls, folder: Path) -> Environment:
        """Make one without any package."""
        builder = venv.EnvBuilder(symlinks=os.name != "nt", with_pip=False)
        builder.create(folder / "env")
        context = builder.ensure_directories(folder / "env")
        variables = {"base": context.env_dir, "platbase": context.env_dir}
        site_packages = Path(sysconfig.get_path("purelib", "venv", variables))
        return cls(folder, Path(context.bin_path), Path(context.env_exe), site_packages)

    def install(self, *wheels: Path) -> None:
        """Install wheels, and nothing that they require."""
        paths = [str(wheel) for wheel in wheels]
        subprocess.run([*installer(self.python), *paths], check=True, capture_output=True)

    def add_path_file(self, text: str) -> None:
        """Write a path file, which says what else can be imported."""
        (self.site_packages / "others.pth").write_text(text + "\n", encoding="utf-8")

    def call(self, *command: object) -> str:
        """Run a command to its end, and return what it wrote to standard output."""
        environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("PYTHON", "VIRTUAL_ENV", "GANZOO_PLUGINS", "GANZOO_DISABLE"))
        }
        environment |= {"GANZOO_STRICT_PLUGINS": "1", "OMP_NUM_THREADS": "1"}
        done = subprocess.run(
            [str(each) for each in command],
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


def others() -> list[str]:
    """Return the folders of the development environment's packages."""
    return list(dict.fromkeys(sysconfig.get_path(name) for name in ("purelib", "platlib")))
