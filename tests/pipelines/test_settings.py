"""Plugins find their settings in variables whose names they know."""

from pipelines.plan import SecretReference
from pipelines.settings import plugin_variables


def test_plugin_variables_are_upper_case_with_underscores() -> None:
    assert plugin_variables({"dry-run": "true", "a.b": "1", "key": SecretReference("k")}) == {
        "PLUGIN_DRY_RUN": "true",
        "PLUGIN_A_B": "1",
        "PLUGIN_KEY": SecretReference("k"),
    }
