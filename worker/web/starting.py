"""Starting by hand, on pages: the form for a run, made of what workflow files ask for, and that for a deployment."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Query
from starlette.responses import HTMLResponse, RedirectResponse, Response

from pipelines.details import Parameter
from worker.access.guard import Caller
from worker.api.numbers import Number
from worker.api.starts import deployed, started
from worker.context import Serving, repository_path, run_path
from worker.starting import Start
from worker.store import repositories
from worker.store.declared import DeclaredParameter, declared_parameters
from worker.web.forms import Form, lines_of_params
from worker.web.pages import render

PREFIX = "param."
"""What a field's name begins with that is a parameter's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldView:
    """The field of a parameter. `options` are what it chooses from; without any it takes text, or a number."""

    name: str
    label: str
    options: tuple[str, ...]
    default: str
    is_number: bool
    is_required: bool
    workflows: str


def show_start(
    owner: str, name: str, caller: Caller, context: Serving, branch: Annotated[str, Query(max_length=200)] = ""
) -> HTMLResponse:
    """The form by which a run of a branch is started."""
    with context.database.read() as connection:
        repository = repositories.named(connection, owner, name)
        wanted = branch or repository.default_branch
        fields = [field_view(each) for each in declared_parameters(connection, repository.id, wanted)]
    return render(
        "start.html",
        caller=caller,
        repository=repository.full_name,
        repository_path=repository_path(repository.full_name),
        branch=wanted,
        fields=fields,
        prefix=PREFIX,
    )


def start(owner: str, name: str, form: Form, caller: Caller, context: Serving) -> Response:
    """Start the run, and show it."""
    given = {key.removeprefix(PREFIX): value for key, value in form.items() if key.startswith(PREFIX) and value}
    wanted = Start(
        branch=form.get("branch", ""),
        tag=form.get("tag", ""),
        sha=form.get("sha", "").strip(),
        params={**lines_of_params(form.get("others", "")), **given},
        workflows=form.get("workflows", "").split(),
    )
    run = started(context, owner, name, wanted, by=caller.name)
    return RedirectResponse(run_path(f"{owner}/{name}", run.number), status_code=303)


def deploy(owner: str, name: str, number: Number, form: Form, caller: Caller, context: Serving) -> Response:
    """Deploy what a run was of, and show the run that does."""
    run = deployed(
        context,
        (owner, name, number),
        target=form.get("environment", ""),
        task=form.get("task", ""),
        params=lines_of_params(form.get("others", "")),
        by=caller.name,
    )
    return RedirectResponse(run_path(f"{owner}/{name}", run.number), status_code=303)


def field_view(declared: DeclaredParameter) -> FieldView:
    """The field that a parameter is asked for by."""
    parameter = declared.parameter
    return FieldView(
        name=declared.name,
        label=parameter.description or declared.name,
        options=_options(parameter),
        default=parameter.default or "",
        is_number=parameter.type == "number",
        is_required=parameter.required and parameter.default is None,
        workflows=", ".join(declared.workflows),
    )


def _options(parameter: Parameter) -> tuple[str, ...]:
    """A choice of nothing comes first where nothing is chosen yet."""
    options = ("true", "false") if parameter.type == "bool" else parameter.options
    return options if not options or parameter.default is not None else ("", *options)
