"""Health: whether the server takes what comes, and whether it gives out what there is to do."""

from starlette.responses import JSONResponse

from worker.context import Context, Serving


def show_health(context: Serving) -> JSONResponse:
    """200 while deliveries can be kept: they are taken, and nothing is lost. Else 503 with the reason."""
    return _answer("failing", context.pulse.trouble())


def show_readiness(context: Serving) -> JSONResponse:
    """200 while runs are given out as well, else 503 with the reason."""
    return _answer("waiting", trouble(context))


def trouble(context: Context) -> str:
    """Why the server is not ready, `""` if it is."""
    return context.pulse.trouble() or context.trouble()


def _answer(status: str, trouble: str) -> JSONResponse:
    if trouble:
        return JSONResponse({"status": status, "reason": trouble}, status_code=503)
    return JSONResponse({"status": "ok"})
