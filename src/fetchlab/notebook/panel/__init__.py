"""The control panel: a run started, steered and watched by hand."""

from __future__ import annotations

from fetchlab.notebook.panel.panel import Panel
from fetchlab.notebook.panel.settings import Settings

__all__ = ["Panel", "Settings"]
