"""Graphs: a plan as Mermaid and DOT, whatever the author called things."""

import re

from pipelines.event import Event
from pipelines.plan import Plan, PlannedJob, PlannedStep
from runner.graphs import dot, mermaid

NASTY = 'a"b]\\n<script>#`end`&\n--> x'


def job(
    name: str, *steps: PlannedStep, workflow: str = "", depends_on: tuple[str, ...] = (), included: bool = True
) -> PlannedJob:
    return PlannedJob(
        name=name,
        workflow=workflow or name,
        file=f"{name}.yaml",
        steps=steps,
        depends_on=depends_on,
        included=included,
        workspace_base="/headrace",
        workspace="/headrace/src",
    )


def step(name: str, *depends_on: str, included: bool = True) -> PlannedStep:
    return PlannedStep(name=name, image="x", depends_on=depends_on, included=included)


PLAN = Plan(
    event=Event(),
    jobs=(
        job("build", step("a"), step("b", "a"), step("c", "a"), step("d", included=False)),
        job("deploy", step("go"), depends_on=("build",)),
        job("later", step("wait"), included=False),
    ),
)


def test_mermaid_has_a_box_a_job_and_an_arrow_a_need() -> None:
    assert mermaid(PLAN).splitlines() == [
        "flowchart LR",
        '  subgraph j0["build"]',
        "    direction LR",
        '    j0s0["a"]',
        '    j0s1["b"]',
        '    j0s2["c"]',
        '    j0s3["d"]',
        "    j0s0 --> j0s1",
        "    j0s0 --> j0s2",
        "  end",
        '  subgraph j1["deploy"]',
        "    direction LR",
        '    j1s0["go"]',
        "  end",
        '  subgraph j2["later"]',
        "    direction LR",
        '    j2s0["wait"]',
        "  end",
        "  j0 --> j1",
        "  classDef out stroke-dasharray: 4 4,color:#888",
        "  class j2,j0s3,j2s0 out",
    ]


def test_dot_has_a_cluster_a_job_and_an_arrow_a_need() -> None:
    assert dot(PLAN).splitlines() == [
        "digraph plan {",
        "  rankdir=LR; compound=true; node [shape=box, style=rounded];",
        "  subgraph cluster_j0 {",
        '    label="build";',
        '    j0s0 [label="a"];',
        '    j0s1 [label="b"];',
        '    j0s2 [label="c"];',
        '    j0s3 [label="d", style="rounded,dashed"];',
        "    j0s0 -> j0s1;",
        "    j0s0 -> j0s2;",
        "  }",
        "  subgraph cluster_j1 {",
        '    label="deploy";',
        '    j1s0 [label="go"];',
        "  }",
        "  subgraph cluster_j2 {",
        '    label="later"; style=dashed;',
        '    j2s0 [label="wait", style="rounded,dashed"];',
        "  }",
        "  j0s3 -> j1s0 [ltail=cluster_j0, lhead=cluster_j1];",
        "}",
    ]


def test_names_can_not_break_out_of_mermaid_text() -> None:
    (_, *labels) = [
        line for line in mermaid(Plan(event=Event(), jobs=(job(NASTY, step(NASTY)),))).splitlines() if '"' in line
    ]
    (label,) = labels
    assert re.fullmatch(r'    j0s0\["[^"<>`\\&]*"\]', label)


def test_names_can_not_break_out_of_dot_text() -> None:
    text = dot(Plan(event=Event(), jobs=(job(NASTY, step(NASTY)),)))
    (label,) = re.findall(r"j0s0 \[label=(.*)\];", text)
    assert re.fullmatch(r'"([^"\\]|\\.)*"', label)


def test_job_waits_for_every_cell_of_a_workflow() -> None:
    cells = (job("t (A=1)", step("x"), workflow="t"), job("t (A=2)", step("x"), workflow="t"))
    lines = mermaid(Plan(event=Event(), jobs=(*cells, job("u", step("x"), depends_on=("t",))))).splitlines()
    assert [line.strip() for line in lines if "-->" in line] == ["j0 --> j2", "j1 --> j2"]


def test_plan_without_jobs_is_an_empty_graph() -> None:
    empty = Plan(event=Event())
    assert mermaid(empty) == "flowchart LR\n"
    assert dot(empty).endswith("}\n")
