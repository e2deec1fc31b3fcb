"""What the reports of all tasks are made with: one look, one way to write numbers and texts."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from clintune.evaluation.wording import number, span_of

# A page stays below 2 MB whatever the corpus; the plots folder has every row.
MOST_LABELS = 200
MOST_ATTRIBUTES = 10
MOST_VALUES = 30
MOST_SHOWN = 100

# Control characters have no place in HTML: their pictures do, one for one, so that positions still hold.
PICTURES = {code: 0x2400 + code for code in range(32) if chr(code) not in "\t\n"} | {0x7F: 0x2421}


def fill(template: Path, *, filters: Mapping[str, Callable[..., str]], **values: Any) -> str:
    """The page that a template makes of values; `filters` are its own, beside those of every page."""
    environment = Environment(
        loader=FileSystemLoader([template.parent, Path(__file__).parent]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "number": number, "interval": span_of, "count": lambda value: f"{value:,.0f}", "clip": clip,
        "visible": visible, "of": of, **filters,
    }  # fmt: skip
    return environment.get_template(template.name).render(style="report.css", shared="shared.html", **values)


def of(count: int, thing: str) -> str:
    """A number of things."""
    return f"{count:,} {thing}" + ("" if count == 1 else "s")


def visible(text: str) -> str:
    """Text with pictures in place of control characters, character for character."""
    return text.translate(PICTURES)


def clip(text: str, longest: int = 60) -> str:
    """At most `longest` characters, all visible."""
    return visible(text if len(text) <= longest else text[: longest - 1] + "…")
