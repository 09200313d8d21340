"""The API reference: every public name is in it, with its docstring, and it needs nothing but itself."""

from __future__ import annotations

import html
import importlib
import importlib.util
import inspect
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PUBLIC = [
    "fetchlab",
    "fetchlab.bench",
    "fetchlab.errors",
    "fetchlab.notebook",
    "fetchlab.plot",
    "fetchlab.studies",
    "fetchlab.studies.catalogue",
    "fetchlab.studies.charts",
    "fetchlab.studies.library",
    "fetchlab.studies.storyboard",
    "fetchlab.studies.timeline",
    "fetchlab.testbed",
]
NAMES = [(module, name) for module in PUBLIC for name in importlib.import_module(module).__all__]
LOADED = re.compile(r"""(?:\bsrc=|<link[^>]+href=|@import\s+(?:url\()?|\burl\()["']?(https?:|//)[^"')\s]*""")


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The folder of a whole build, in which a warning is an error as in every test."""
    out = tmp_path_factory.mktemp("docs")
    spec = importlib.util.spec_from_file_location("build", ROOT / "docs" / "build.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    script.build(out)
    return out


@pytest.fixture(scope="module")
def pages(built):
    return {path.relative_to(built).as_posix(): path.read_text("utf-8") for path in built.rglob("*.html")}


def page_of(module):
    return f"reference/{module.replace('.', '/')}.html"


def words(text):
    """What is read of a docstring or of a page, without marks and spaces."""
    return re.sub(r"[^A-Za-z0-9]", "", html.unescape(re.sub(r"<[^>]*>", "", text)))


@pytest.mark.parametrize(("module", "name"), NAMES, ids=lambda part: part.removeprefix("fetchlab."))
def test_every_public_name_is_there_with_its_docstring(pages, module, name):
    """A name that nobody explains is looked up in the source, or not used."""
    value = getattr(importlib.import_module(module), name)
    if inspect.ismodule(value):
        assert words(value.__doc__.partition("\n")[0]) in words(pages[page_of(value.__name__)])
        return
    page = pages[page_of(module)]
    section = page.partition(f'<section id="{name}">')[2].partition("</section>")[0]
    assert section, f"{module} does not show {name}"
    if inspect.isclass(value) or callable(value):
        said = inspect.getdoc(value).partition("\n")[0]
        assert len(said) > 10
        assert not said.startswith(f"{name}("), "a dataclass's made-up docstring"
        assert words(re.sub(r":\w+:`~?(?:[\w.]+\.)?(\w+)`", r"\1", said)) in words(section)


def test_nothing_is_loaded_from_a_network(pages, built):
    """Documentation that is blank on a train is missing when it is needed."""
    assert len(pages) > 20
    assert {name: LOADED.search(text)[0] for name, text in pages.items() if LOADED.search(text)} == {}
    assert (built / "reference" / "search.js").stat().st_size > 100_000


def test_the_guides_links_lead_somewhere(pages, built):
    """The pages are moved when they are built, and their links with them."""
    from_docs = ROOT / "docs" / "_build"
    for name, text in pages.items():
        if "/" in name:
            continue
        for target in re.findall(r'href="([^"#:]+)(?:#[^"]*)?"', text):
            there = built / target
            if target.startswith("../"):  # beside the folder in which `make docs` builds
                there = (from_docs / target).resolve()
            assert there.exists(), f"{name}: {target}"
        assert ".md" not in "".join(re.findall(r'href="([^"]+)"', text))


def test_the_first_page_leads_to_all_of_the_reference(pages):
    """What pdoc's own menu leaves out, the tables that calls return, is found from here."""
    first = pages["index.html"]
    below = [name for name in pages if name.startswith("reference/") and name != "reference/index.html"]
    assert [name for name in below if f'href="{name}"' not in first] == []


def test_no_mark_of_another_format_is_left(pages):
    """`:class:` in the middle of a sentence says that nobody has looked at the page."""
    for name, text in pages.items():
        shown = re.sub(r"<pre.*?</pre>", "", text, flags=re.DOTALL)
        assert not re.search(r":(?:class|func|meth|mod|data|attr):`|``\w", shown), name
