"""The report of a run as an object: a dict that a notebook shows as tables."""

import json
from html import escape
from pathlib import Path
from typing import Any, Self

from spikegate.cosim.results.tables import tables
from spikegate.models.errors import InputError

__all__ = ["Report"]

COLORS = {"FAILED": "#fdecea", "WARNING": "#fff6df"}


class Report(dict[str, Any]):
    """What ``report.json`` holds, by its keys."""

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read the report that `spikegate sim` left.

        Raises
        ------
        InputError
            If it is absent, or no report.
        """
        try:
            found = json.loads(Path(path).read_text(encoding="utf-8"))
            if not isinstance(found, dict) or not {"network", "checks", "quantisation", "provenance", "ok"} <= found.keys():
                raise ValueError("it has not the keys of one")
        except (OSError, ValueError) as error:
            raise InputError(f"Report {path} cannot be read ({error}); give the report.json of a run") from None
        return cls(found)

    def _repr_html_(self) -> str:
        parts = [f"<p><b>{'ok' if self['ok'] else 'FAILED'}</b></p>", *(f"<p>WARNING: {escape(line)}</p>" for line in self["warnings"])]
        for title, headers, rows in tables(self):
            head = "".join(f"<th>{escape(header)}</th>" for header in headers)
            body = "".join(f"<tr{self._look(row)}>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows)
            parts.append(f"<table><caption><b>{escape(title)}</b></caption><tr>{head}</tr>{body}</table>")
        return "".join(parts)

    def _look(self, row: list[str]) -> str:
        color = next((color for word, color in COLORS.items() if word in row), None)
        return f" style='background: {color}'" if color else ""
