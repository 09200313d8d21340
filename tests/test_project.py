"""The files around the package agree with each other, and name nobody's machine."""

from __future__ import annotations

import json
import re
import subprocess
import tomllib
from functools import cache
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
ASKED_FOR = {"httpx", "jupyterlab", "nest-asyncio", "playwright", "polars", "papermill"}
TARGETS = {"demo", "test", "test-slow", "lab", "bench", "notebooks", "docs", "lint"}


@cache
def project():
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def requirements():
    extras = [text for group in project()["optional-dependencies"].values() for text in group]
    return [Requirement(text) for text in [*project()["dependencies"], *extras]]


@cache
def locked():
    """Name → (version, hashes) of requirements.lock."""
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8").replace("\\\n", " ")
    pinned = {}
    for line in text.splitlines():
        words = line.split()
        if words and not line.startswith("#"):
            name, _, version = words[0].partition("==")
            pinned[canonicalize_name(name)] = (
                version,
                [word for word in words if word.startswith("--hash=")],
            )
    return pinned


@cache
def tracked():
    """The files that are, or would be, in the repository."""
    done = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files", "--cached", "--others", "--exclude-standard"],
        capture_output=True,
        text=True,
        check=True,
    )
    return [ROOT / name for name in done.stdout.splitlines() if (ROOT / name).is_file()]


@pytest.mark.parametrize("wanted", requirements(), ids=str)
def test_every_dependency_is_pinned_within_its_bounds(wanted):
    """A lock that does not hold what the project asks for installs something else than was tested."""
    if wanted.marker is not None and not wanted.marker.evaluate():
        pytest.skip("not for this platform")
    version, _ = locked()[canonicalize_name(wanted.name)]
    assert wanted.specifier.contains(version, prereleases=True)


def test_everything_in_the_lock_has_a_version_and_a_hash():
    """One package without a hash makes pip refuse all of them, or take whatever it is given."""
    assert len(locked()) > 50
    for name, (version, hashes) in locked().items():
        assert re.fullmatch(r"[0-9][0-9a-zA-Z.+!]*", version), name
        assert hashes, name
        assert all(re.fullmatch(r"--hash=sha256:[0-9a-f]{64}", text) for text in hashes), name


def test_the_lock_names_no_server():
    """Where packages come from is the user's own setting; one machine's mirror helps nobody else."""
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert "http" not in re.sub(r"^(aiohttp|httpx|httpcore|httptools)\S*==", "", text, flags=re.MULTILINE)
    assert "--index" not in text
    assert "--find-links" not in text
    assert not (ROOT / "uv.lock").exists()


def test_conda_sees_what_pip_sees():
    """Two lists of dependencies are two truths unless one points to the other."""
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    (through_pip,) = (part["pip"] for part in environment["dependencies"] if isinstance(part, dict))
    assert through_pip == ["-e .[dev]"]
    bounds = [part for part in environment["dependencies"] if str(part).startswith("python")]
    assert [SpecifierSet(part.removeprefix("python")) for part in bounds] == [
        SpecifierSet(project()["requires-python"])
    ]
    assert environment["name"] == project()["name"]


def test_the_packages_that_were_asked_for_are_direct_dependencies():
    """A package that comes along by chance is gone with the next release of another."""
    direct = {canonicalize_name(Requirement(text).name) for text in project()["dependencies"]}
    assert direct >= ASKED_FOR
    assert "python" not in direct
    assert not project()["requires-python"].count("<"), "an upper bound makes every resolver backtrack"


def test_the_makefile_has_the_promised_targets():
    """The README, the CI and people's fingers know these words."""
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    rules = dict(re.findall(r"^([a-z][a-z-]*):.*?## (.+)$", text, flags=re.MULTILINE))
    assert set(rules) >= TARGETS
    phony = set(re.search(r"^\.PHONY: (.+)$", text, flags=re.MULTILINE)[1].split())
    assert set(rules) <= phony


def test_ci_runs_make_test_and_nothing_else():
    """A check that only CI knows is one nobody can run before pushing."""
    lines = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    commands = [line for line in lines if line and not line.startswith(("#", "set ", "cd "))]
    assert commands == ["exec make test"]
    assert (ROOT / ".ci" / "run").stat().st_mode & 0o111


@pytest.mark.parametrize(
    "name", ["LICENSE", "README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "data/README.md"]
)
def test_the_documents_exist(name):
    """They are linked from each other and from the package's page."""
    assert len((ROOT / name).read_text(encoding="utf-8")) > 200


@pytest.mark.parametrize("name", ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "data/README.md"])
def test_links_between_documents_lead_somewhere(name):
    """A dead link on the first page is the first impression."""
    page = ROOT / name
    for target in re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8")):
        if "://" not in target and not target.startswith("mailto:"):
            assert (page.parent / target).exists(), target


def test_no_file_names_a_home_folder():
    """A path of one person's machine is of no use to anybody else, and tells who it was."""
    home = re.compile(rb"(?<![\w.])/(?:home|Users|root)/[.a-z]\w*|[A-Z]:\\\\?Users\\", re.IGNORECASE)
    own = str(Path.home()).encode()
    for path in tracked():
        content = path.read_bytes()
        if b"\0" in content or path == Path(__file__):
            continue
        found = home.search(content)
        assert found is None, f"{path.relative_to(ROOT)}: {found}"
        assert own == b"/" or own + b"/" not in content, path.relative_to(ROOT)


def test_no_large_and_no_produced_file_is_tracked():
    """What a run produces is produced again; in the history it stays for ever."""
    for path in tracked():
        name = path.relative_to(ROOT).as_posix()
        assert path.stat().st_size < 1_000_000, name
        assert not name.startswith(("data/runs/", "data/cache/")), name
        assert path.suffix not in (".pyc", ".db", ".parquet", ".part") or name.startswith("data/bench/"), name


def test_committed_tables_are_small_and_of_known_benches():
    """`make bench` measures every one of them: it must know how, and a clone must not carry their weight."""
    from fetchlab.bench.repeat import planned

    folder = ROOT / "data" / "bench"
    assert {path.suffix for path in folder.iterdir()} == {".parquet"}
    found = planned(folder=folder)
    assert {"cache", "catalogue", "fairness", "journal", "latency"} <= {one.bench.name for one in found}
    for one in found:
        assert (folder / f"{one.bench.name}.parquet").stat().st_size < 50_000
        assert one.table.rows["error"].null_count() == one.table.rows.height
        assert one.bench.tables(one.table.rows, **one.table.settings)
        assert "/" not in json.dumps({**one.table.about, "cpu": ""}), "a path of one machine"


def test_versions_agree():
    """The package, its metadata and the changelog must mean the same release."""
    import fetchlab

    assert project()["dynamic"] == ["version"]
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    latest = re.search(r"^## \[?([0-9][^\]\s]*|Unreleased)", changes, flags=re.MULTILINE | re.IGNORECASE)
    assert latest is not None
    assert latest[1].lower() in (fetchlab.__version__, "unreleased")
