"""Debian's packages for another processor, unpacked into a folder, and byte code for what is Python's among them."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

PYTHON = "3.11"  # of Debian bookworm, as on Raspberry Pi OS
_SUITE = "bookworm"
_NEVER_LOADED = (
    "/((tests?|sympy|mpmath|lxml|scipy|ufoLib2|pkg_resources|f2py|idlelib|lib2to3|pydoc_data)/"
    r"|lexers/(?!(__init__|_mapping|python|diff)\.py))"  # of Pygments, pytest loads those
)
_APT = """APT::Architecture "{arch}";
#clear APT::Architectures;
APT::Architectures {{ "{arch}"; }};
APT::Install-Recommends "false";
APT::Sandbox::User "root";
APT::Update::Error-Mode "any";
Acquire::Languages "none";
Acquire::Retries "3";
Dir::State "{state}/state";
Dir::State::status "{state}/status";
Dir::Cache "{state}/cache";
Dir::Log "{state}/log";
Dir::Etc::sourcelist "{state}/sources.list";
Dir::Etc::sourceparts "-";
#clear APT::Update::Post-Invoke-Success;
#clear DPkg::Post-Invoke;
"""


def unpack(architecture: str, packages: tuple[str, ...], folder: Path) -> Path:
    """The packages and what they need, downloaded by apt in a state of its own, as a folder inside `folder`."""
    state = folder / f"apt-{architecture}"
    for place in ("state/lists/partial", "cache/archives/partial", "log"):
        (state / place).mkdir(parents=True, exist_ok=True)
    (state / "status").write_text("")  # nothing is installed: apt downloads all that is needed
    (state / "sources.list").write_text(_sources())
    (state / "apt.conf").write_text(_APT.format(arch=architecture, state=state))
    environment = {**os.environ, "APT_CONFIG": str(state / "apt.conf")}
    do("apt-get", "update", "-qq", environment=environment)
    do("apt-get", "install", "-y", "-qq", "--download-only", *packages, environment=environment)
    unpacked = folder / f".sysroot-{architecture}"
    shutil.rmtree(unpacked, ignore_errors=True)
    for package in sorted((state / "cache/archives").glob("*.deb")):
        do("dpkg-deb", "-x", str(package), str(unpacked))
    for library in ("blas", "lapack"):  # what a maintainer script would have linked
        for found in unpacked.glob(f"usr/lib/*/{library}/lib{library}.so.3"):
            (found.parents[1] / found.name).symlink_to(f"{library}/{found.name}")
    shutil.rmtree(state)
    return unpacked


def compile_modules(folder: Path) -> None:
    """Write byte code beside the modules in `folder`, as boards read it: under emulation that takes ten times as long.

    Another Python's would not be read: the boards then write their own. What no Python can compile is left alone.
    """
    if f"{sys.version_info.major}.{sys.version_info.minor}" == PYTHON:
        on_all_processors = ("-qq", "-j", "0", "-r", "20", "-x", _NEVER_LOADED)
        subprocess.run([sys.executable, "-m", "compileall", *on_all_processors, str(folder)], check=False)


def do(*command: str, environment: dict[str, str] | None = None) -> None:
    """Run a command that may ask nothing.

    Raises:
        SystemExit: it failed; with what it said last.
    """
    done = subprocess.run(command, env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if done.returncode:
        raise SystemExit(f"{' '.join(command[:6])} … failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")


def _sources() -> str:
    """Where this machine's apt has the suite from, for every architecture."""
    folder = Path("/etc/apt")
    found = []
    for path in [folder / "sources.list", *sorted((folder / "sources.list.d").glob("*.list"))]:
        if path.is_file():
            found += [line for line in path.read_text().splitlines() if line.startswith("deb ")]
    for path in sorted((folder / "sources.list.d").glob("*.sources")):
        for paragraph in path.read_text().split("\n\n"):
            fields = dict(line.split(": ", 1) for line in paragraph.splitlines() if ": " in line)
            if fields.get("Types", "").startswith("deb") and _SUITE in fields.get("Suites", "").split():
                key = f" [signed-by={fields['Signed-By']}]" if "Signed-By" in fields else ""
                found += [f"deb{key} {place} {_SUITE} main" for place in fields["URIs"].split()]
    lines = [line for line in found if f" {_SUITE} " in line]
    if not lines:
        raise SystemExit(f"apt has no source of Debian {_SUITE} here, of which the boards are made")
    return "\n".join(lines) + "\n"
