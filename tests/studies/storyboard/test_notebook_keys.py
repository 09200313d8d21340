"""A notebook in which somebody writes a script with keys of their own, scanned as it is saved."""

from __future__ import annotations

import nbformat

from fetchlab.notebook import execute

SECRETS = ["oak-Zq81xLw0pTb7", "elm-Hy52vNc9rKd3"]
CELLS = """
import os, fetchlab as fl
keys = os.environ["STUDIO_KEYS"].split()
board = fl.studies.storyboard.Storyboard(os.environ["STUDIO_URL"], keys, "writer")
jobs = fl.studies.storyboard.VideoJobs(os.environ["STUDIO_URL"], keys)
board
---
panel = fl.Panel(lambda settings: board.script("A door", 192, journal="script.db"))
panel
---
run = panel.wait()
display(run, run.result(), run.notes, run.frame(), run.attempts(), run.errors(), panel.code)
---
films = jobs.render(run.result().drop_nulls("prompt").head(3), "films", journal="films.db")
display(jobs, films.wait(), films.result(), films.notes, films.attempts(), films.errors())
"""


def test_keys_are_in_no_cell_output_or_widget_of_a_notebook(bed, tmp_path, monkeypatch):
    """A notebook is what is sent to others; one key is refused, so that errors are shown, too."""
    bed.configure("openai", invalid_keys=(SECRETS[1],), error_rate={400: 0.1}, poll_after=0.02)
    monkeypatch.setenv("STUDIO_KEYS", " ".join(SECRETS))
    monkeypatch.setenv("STUDIO_URL", bed.urls["openai"])
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    cells = [nbformat.v4.new_code_cell(source.strip()) for source in CELLS.split("---")]
    path = tmp_path / "script.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    execute(path, tmp_path / "done.ipynb", {})
    text = (tmp_path / "done.ipynb").read_text(encoding="utf-8")
    assert "is not used any more" in text or "invalid_api_key" in text
    files = [one.read_bytes() for one in tmp_path.rglob("*") if one.is_file()]
    for secret in SECRETS:
        assert secret not in text
        assert not any(secret.encode() in content for content in files)
