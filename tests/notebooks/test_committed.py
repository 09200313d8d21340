"""The notebooks as they are committed: executed, small, readable, and of this machine nothing."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from statistics import median

import nbformat
import polars as pl
import pytest
from browsing import chromium, held, opens_complete, watched, widgets
from IPython.core.inputtransformer2 import TransformerManager
from polars.testing import assert_frame_equal

import fetchlab as fl
from fetchlab.notebook import execute, share

FOLDER = Path(__file__).parents[2] / "notebooks"
PATHS = sorted(FOLDER.glob("*.ipynb"))
TINY = {
    "00-start-here": {"latency": 0.0, "workers": 4, "max_pages": 12},
    "01-quickstart": {"page_counts": [10, 20], "rounds": 1, "sample": 20, "workers": 5, "latency": 0.0},
    "02-engine": {
        "items": 30,
        "worker_counts": [2, 4],
        "ablation_items": 30,
        "profile_items": {"knee": 60, "collapse": 60, "drift": 60, "rate-capped": 40},
        "sweep_counts": [4, 8],
        "sweep_items": 40,
        "fair_items": 40,
        "rounds": 2,  # one has no interval to draw
    },
    "03-cache-and-resume": {
        "items": 120,
        "workers": 4,
        "latency": 0.01,
        "replays": 1,
        "ttl": 1.0,
        "pause": 0.1,
        "visits": 2,
        "asks": 100,
        "pages": 30,
        "arm_items": 20,
        "rounds": 1,
    },
    "04-benchmark-lab": {
        "items": 8,
        "latency": 0.005,
        "rounds": 5,
        "worker_counts": [1, 2, 4],
        "sweep_items": 60,
        "sweep_rounds": 2,
        "sample_pages": 30,
        "pages": 60,
        "predict_counts": [2, 4],
        "page_counts": [10, 20],
        "questions": ["requests"],
        "question_items": 4,
        "question_rounds": 2,
        "sweep_seconds": 0.2,
        "six_latency": 0.01,
    },
    "05-charts": {
        "latency": 0.005,
        "apps": 5,
        "rounds": 2,
        "other_tables": [],
        "short": 0.002,
        "claim_rounds": 2,
        "list_counts": [2],
        "rpc_costs": [0.001],
        "held": 1000,
        "country_count": 2,
        "top": 10,
    },
    "06-library": {
        "small": 9,
        "others": [],
        "latency": 0.005,
        "rounds": 2,
        "few_rounds": 1,
        "corpus_names": 10,
        "weighed": 9,
    },
    "07-timeline": {
        "counts": [1],
        "more_rounds": 1,
        "leave_out": [
            *("delays 0.5–1.5 s", "threads off", "batch writes", "one browser kept", "2 users at a time"),
            *("all but threads off", "off", "a browser for each worker"),
            *("no quote navigation", "no video capture"),
        ],
        "dom_posts": 2,
        "network_posts": 20,
        "rounds": 1,
        "pace": 0.01,
        "whole": [6],
        "shown_posts": 20,
        "latency": 0.0,
    },
    "08-storyboard": {
        "scene_counts": [22],
        "video_counts": [5],
        "main": 12,
        "latency": 0.01,
        "short": 0.01,
        "content": 0.02,
        "scale": 0.005,
        "rounds": 1,
        "draws": 2,
    },
    "09-scale-out": {
        "latency": 0.005,
        "workers": 4,
        "pages": 12,
        "items": 120,
        "documents": 8,
        "document_latency": 0.0,
        "rounds": 2,
        "sweep_counts": [2, 4],
        "sweep_items": 60,
        "sweep_seconds": 0.2,
        "many": 200,
        "plan_items": 100_000,
        "plan_nodes": 5,
    },
}
TIMES = ["worker", "queued", "started", "first_byte", "finished", "wait", "elapsed", "cached"]
SECRETS = re.compile(
    r"/(home|Users|root)/|[A-Z]:\\\\|/tmp/|token=\w|api_key=\w|gh[pousr]_\w{20}|sk-\w{20}", re.IGNORECASE
)

every = pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)


def load(path):
    return nbformat.read(path, as_version=4)


def code_cells(book):
    return [cell for cell in book.cells if cell.cell_type == "code"]


def outputs(book):
    return [(cell, output) for cell in code_cells(book) for output in cell.outputs]


def lines(cell):
    return [line for line in cell.source.splitlines() if line.strip()]


def test_there_are_notebooks():
    """With none to look at, every other test here would pass."""
    assert FOLDER / "01-quickstart.ipynb" in PATHS


@pytest.fixture(scope="module", params=PATHS, ids=lambda path: path.stem)
def shared(request, tmp_path_factory):
    """Each notebook, shared out of a project of its own with tiny parameters: its path there, what was written."""
    path = request.param
    assert path.stem in TINY, f"say in TINY how {path.name} is executed in seconds"
    root = tmp_path_factory.mktemp(path.stem)
    (root / "data").mkdir()
    copy = root / "notebooks" / path.name
    copy.parent.mkdir()
    copy.write_bytes(path.read_bytes())
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("IPYTHONDIR", str(root / "ipython"))
        return copy, share(copy, root / "shared", TINY[path.stem])


def test_it_executes_with_tiny_parameters(shared):
    """A notebook that only ran on its author's machine is a picture of one."""
    path, done = shared
    executed = load(done.notebook)
    assert [cell.execution_count for cell in code_cells(executed)] == [
        *range(1, len(code_cells(executed)) + 1)
    ]
    assert not [output for _, output in outputs(executed) if output.output_type == "error"]
    written = [one.path for one in done.artefacts if one.written]
    assert [name for name in written if name.startswith("data/runs/") and name.endswith(".parquet")]
    if "offline" in parameters_of(path):
        replayed(path)


def replayed(path):
    """Who is sent the notebook with its cache can execute it without our server, and finds the same."""
    runs = path.parents[1] / "data" / "runs"
    execute(path, path.with_name("offline.ipynb"), TINY[path.stem] | {"offline": True, "out": "data/runs/offline"})
    movies = [pl.read_parquet(runs / out / "movies.parquet") for out in ("quickstart", "offline")]
    assert_frame_equal(*movies)
    ids = [fl.load(runs / out / "ids").table().drop(TIMES) for out in ("quickstart", "offline")]
    assert_frame_equal(*ids)
    assert fl.load(runs / "offline" / "ids").frame()["cached"].all()


def test_what_is_shared_is_small_and_valid_and_its_progress_has_ended(shared):
    """GitHub rejects a block of widgets without state, and shows no notebook of several megabytes."""
    _, done = shared
    book = load(done.notebook)
    nbformat.validate(book)
    assert done.notes == []
    assert done.findings == []
    assert max(done.notebook.stat().st_size, done.html.stat().st_size) < 1_000_000
    shown = widgets(book)
    assert shown
    for values in shown:
        assert [value for value in values if re.search(r"done ([\d,]+)/\1 100%", value)]


@pytest.mark.browser
def test_what_is_shared_opens_offline_with_all_its_figures_and_tables(shared):
    """Whoever is sent the page has neither the kernel nor a network."""
    _, done = shared
    figures, tables = held(load(done.notebook))
    with chromium() as browser, watched(browser, offline=True) as page:
        opens_complete(page, done.html, figures=figures, tables=tables)
        text = page.page.locator("body").inner_text()
    for one in done.artefacts:
        assert one.sha256 in text
    assert "100%" in text


def parameters_of(path):
    source = next(cell.source for cell in load(path).cells if "parameters" in cell.metadata.get("tags", []))
    return {node.targets[0].id for node in ast.parse(source).body}


@every
def test_it_was_executed_from_top_to_bottom(path):
    """Outputs of cells run in another order are those of a program nobody has."""
    cells = code_cells(load(path))
    assert [cell.execution_count for cell in cells] == [*range(1, len(cells) + 1)]


@every
def test_it_holds_no_error_and_no_noise(path):
    """A warning on a published page is a question the reader cannot answer."""
    for cell, output in outputs(load(path)):
        assert output.output_type != "error", cell.source
        assert output.get("name") != "stderr", output.get("text")


@every
def test_its_parameters_come_first(path):
    """What can be changed must be found at once, by people and by the headless runner."""
    book = load(path)
    assert code_cells(book)[0].metadata.get("tags") == ["parameters"]
    assert book.cells[0].cell_type == "markdown"
    assert book.cells[0].source.startswith("# ")
    assert not [cell for cell in book.cells if "injected-parameters" in cell.metadata.get("tags", [])]


@every
def test_it_is_prose_with_code_in_it(path):
    """At least four markdown cells to five of code, and cells that fit into one look."""
    book = load(path)
    cells = code_cells(book)
    assert len(book.cells) - len(cells) >= 0.8 * len(cells)
    sizes = [len(lines(cell)) for cell in cells]
    assert max(sizes) <= 30
    assert median(sizes) <= 3


@every
def test_its_functions_are_short(path):
    """A long function in a notebook is untested code: it belongs into the package."""
    plain = TransformerManager()
    for cell in code_cells(load(path)):
        tree = compile(
            plain.transform_cell(cell.source),
            path.name,
            "exec",
            ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT,
        )
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                assert node.end_lineno - node.lineno < 10, node.name


@every
def test_it_is_small(path):
    """GitHub shows no notebook of several megabytes, and git keeps every version."""
    assert path.stat().st_size < 1_000_000


@every
def test_it_names_no_place_person_or_secret(path):
    """What is committed is published."""
    found = SECRETS.search(path.read_text(encoding="utf-8"))
    assert found is None, found
    assert str(Path.home()) not in path.read_text(encoding="utf-8")


@every
def test_its_figures_and_tables_need_no_kernel_and_no_network(path):
    """GitHub and an offline page run no JavaScript: figures as SVG, tables as HTML."""
    figures = 0
    for _, output in outputs(load(path)):
        data = output.get("data", {})
        assert not [kind for kind in data if "vega" in kind or kind == "application/javascript"]
        assert not [kind for kind in data if kind.startswith("image/") and kind != "image/svg+xml"]
        figures += "image/svg+xml" in data
        if "image/svg+xml" in data:
            assert "".join(data["image/svg+xml"]).lstrip().startswith("<svg")
        if "shape: (" in "".join(data.get("text/plain", "")):
            assert "<table" in "".join(data["text/html"])
    assert figures >= 1


@every
def test_its_widgets_have_a_saved_state(path):
    """A progress line without its state is an empty box on every page but the author's."""
    for values in widgets(load(path)):
        assert not [value for value in values if "running" in value]


@every
def test_its_last_cell_says_where_the_numbers_come_from(path):
    """A figure without its machine, versions and files cannot be checked by anybody."""
    last = code_cells(load(path))[-1]
    text = "".join(str(output.get("data", output.get("text", ""))) for output in last.outputs)
    for word in ("python", "cpu", "cores", "polars", "data/runs"):
        assert word in text
