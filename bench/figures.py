"""Figures: how a bench shows what it has measured."""

import json
from collections.abc import Mapping


def show(figures: Mapping[str, float], *, as_json: bool) -> None:
    """Print figures by name, one a line, or all as JSON."""
    if as_json:
        print(json.dumps(figures))
        return
    for name, figure in figures.items():
        print(f"{figure:>10.1f}  {name}")
