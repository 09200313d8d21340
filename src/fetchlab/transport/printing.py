"""A page on paper: HTML as PDF, by the browser that is there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fetchlab import loop
from fetchlab.transport import chromium

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["print_pdf", "the_browser"]

MILLISECONDS = 60_000
MARGIN = {"top": "16mm", "bottom": "18mm", "left": "16mm", "right": "16mm"}
NUMBERS = (
    '<div style="width:100%;font:8px sans-serif;color:#777;text-align:center">'
    '<span class="pageNumber"></span> / <span class="totalPages"></span></div>'
)


def the_browser() -> Path:
    """Return the browser that prints.

    Raises:
        ConfigError: there is none.
    """
    return chromium.executable("pdf")


def print_pdf(html: str, to: Path) -> None:
    """Write a page that needs nothing from outside as an A4 PDF, its pages numbered.

    The page has no address while it is printed, so that links within the file system do not become
    absolute ones.

    Args:
        html: the whole page.
        to: the file.

    Raises:
        ConfigError: there is no browser.
    """
    loop.submit(_printed(html, to, the_browser())).result()


async def _printed(html: str, to: Path, executable: Path) -> None:
    driver = await chromium.start_driver()
    try:
        one = await chromium.Chromium.start(driver, executable, headless=True)
        try:
            context = await one.browser.new_context(offline=True, java_script_enabled=False)
            page = await context.new_page()
            await page.set_content(html, timeout=MILLISECONDS)
            await page.pdf(
                path=to,
                format="A4",
                margin=MARGIN,  # type: ignore[arg-type]  # a TypedDict of the same keys
                print_background=True,
                display_header_footer=True,
                header_template="<span></span>",
                footer_template=NUMBERS,
                outline=True,
                tagged=True,
            )
        finally:
            await one.close()
    finally:
        await chromium.stop_driver(driver)
