"""Real clients that nobody here wrote: made ready in a folder of their own, run as programs against a local Dataverse.

What is installed comes from the package indexes that pip and npm are set up with, when it is needed, into
`.conformance/` at the top of the checkout (which .gitignore names). The programs that drive the clients are in
tests/conformance/clients; each says of every operation what came of it, as one line of JSON.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from d365ext.emulator import Emulator, running
from support.tls import running_over_tls

TOP = Path(__file__).parents[2]
PROGRAMS = TOP / "tests" / "conformance" / "clients"
PLACE = TOP / ".conformance"
SDK = "PowerPlatform-Dataverse-Client[async]==1.1.0"
NPM = ("dynamics-web-api@2.5.0", "jsdom@26.1.0")  # jsdom plays the page that SPASample wants
NODE_MIN = 20
INSTALL_S, RUN_S = 600, 300


class NotAvailable(Exception):  # noqa: N818  it says what is missing, and is no error of ours
    """A client cannot be run here; the text says why."""


@dataclass(frozen=True)
class Row:
    """One row of the table: what came of an operation of a client."""

    client: str
    operation: str
    outcome: str  # works | refused | fails
    reason: str


@dataclass(frozen=True)
class Served:
    """One fresh local Dataverse, reachable both ways."""

    url: str
    tls_url: str
    authority: Path


@contextmanager
def served() -> Iterator[Served]:
    """Serve a fresh local Dataverse over http and over TLS until the block ends."""
    emulator = Emulator()
    try:
        with (
            tempfile.TemporaryDirectory() as folder,
            running(emulator) as plain,
            running_over_tls(emulator, Path(folder)) as tls,
        ):
            yield Served(plain.url, tls.url, tls.authority)
    finally:
        emulator.close()


def python_sdk(tree: str) -> list[Row]:
    """Run Microsoft's Python SDK: its tree "sync", which insists on https, over TLS; "async" over http."""
    python = _python_with_sdk()
    with served() as dataverse:
        url = dataverse.tls_url if tree == "sync" else dataverse.url
        command = [str(python), str(PROGRAMS / "python_sdk" / "run.py"), "--tree", tree, "--url", url]
        return _run(
            f"Python SDK 1.1.0, {tree} over {'TLS' if tree == 'sync' else 'http'}",
            [*command, "--admin", f"{dataverse.url}/_emulator"],
            {"REQUESTS_CA_BUNDLE": str(dataverse.authority), "PYTHONDONTWRITEBYTECODE": "1"},
        )


def dynamics_web_api() -> list[Row]:
    """Run npm dynamics-web-api over http."""
    modules = _npm_folder()
    with served() as dataverse:
        program = PROGRAMS / "javascript" / "dynamics_web_api.mjs"
        return _run("dynamics-web-api 2.5.0", ["node", str(program), str(modules), dataverse.url])


def spasample(checkout: Path) -> list[Row]:
    """Run Microsoft's SPASample programs from a checkout of PowerApps-Samples, or from the folder SPASample itself."""
    inside = checkout / "dataverse" / "webapi" / "JS" / "SPASample"
    source = (inside if inside.is_dir() else checkout) / "src"
    if not (source / "scripts" / "DataverseWebAPI.js").is_file():
        raise NotAvailable(f"there is no SPASample in {checkout}")
    modules = _npm_folder()
    program = PROGRAMS / "javascript" / "spasample.mjs"
    with tempfile.TemporaryDirectory() as folder, served() as dataverse:
        # Node takes the files for modules if a package says so; the checkout itself is not touched.
        copied = Path(shutil.copytree(source, Path(folder) / "src"))
        (Path(folder) / "package.json").write_text('{"type": "module"}', encoding="utf-8")
        return _run("SPASample", ["node", str(program), str(modules), str(copied), dataverse.url])


def _run(client: str, command: list[str], environment: dict[str, str] | None = None) -> list[Row]:
    done = subprocess.run(
        command,
        env=os.environ | (environment or {}),
        capture_output=True,
        text=True,
        timeout=RUN_S,
        check=False,
    )
    rows = [Row(client, **json.loads(line)) for line in done.stdout.splitlines()]
    if done.returncode != 0 or not rows:
        rows.append(Row(client, "(the program itself)", "fails", done.stderr.strip()[-2000:]))
    return rows


def _python_with_sdk() -> Path:
    """Give the interpreter of a virtual environment that has the SDK, made if there is none."""
    folder = PLACE / "python"
    python = folder / "bin" / "python"
    if not _is_ready(folder, SDK):
        shutil.rmtree(folder, ignore_errors=True)
        _install([sys.executable, "-m", "venv", "--without-pip", str(folder)], "a virtual environment")
        pip = [_python_with_pip(), "-m", "pip", "--python", str(python), "install", "--quiet"]
        _install([*pip, "--disable-pip-version-check", "--retries", "2", SDK], f"{SDK} from the package index")
        _mark_ready(folder, SDK)
    return python


def _python_with_pip() -> str:
    """Give an interpreter that has pip: this one, or the one that this environment was made from."""
    for python in (sys.executable, getattr(sys, "_base_executable", sys.executable)):
        if subprocess.run([python, "-m", "pip", "--version"], capture_output=True, check=False).returncode == 0:
            return str(python)
    raise NotAvailable("pip is not installed")


def _npm_folder() -> Path:
    """Give a folder whose node_modules has the npm packages, filled if it is not."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        raise NotAvailable(f"Node.js {NODE_MIN} or newer, with npm, is not installed")
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout
    if int(re.sub(r"\D.*", "", version.removeprefix("v"))) < NODE_MIN:
        raise NotAvailable(f"Node.js {NODE_MIN} or newer is wanted; this is {version.strip()}")
    folder = PLACE / "node"
    wanted = " ".join(NPM)
    if not _is_ready(folder, wanted):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        (folder / "package.json").write_text('{"private": true}', encoding="utf-8")
        options = ["--prefix", str(folder), "--no-package-lock", "--no-audit", "--no-fund", "--loglevel=error"]
        _install([npm, "install", *options, *NPM], f"{wanted} from the package index")
        _mark_ready(folder, wanted)
    return folder


def _install(command: list[str], what: str) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_S, check=False)
    except subprocess.TimeoutExpired as late:
        raise NotAvailable(f"{what} could not be installed in {INSTALL_S} s") from late
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip().splitlines() or ["no reason given"]
        raise NotAvailable(f"{what} could not be installed: {said[-1]}")


def _is_ready(folder: Path, what: str) -> bool:
    mark = folder / ".ready"
    return mark.is_file() and mark.read_text(encoding="utf-8") == what


def _mark_ready(folder: Path, what: str) -> None:
    (folder / ".ready").write_text(what, encoding="utf-8")
