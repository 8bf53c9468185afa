"""Health: whether the server takes what comes, and whether it gives out what there is to do."""

from starlette.responses import JSONResponse

from worker.context import Serving


def show_health(context: Serving) -> JSONResponse:
    """200 while the database answers: deliveries are taken, and nothing is lost. Else 503."""
    with context.database.read() as connection:
        connection.exec_driver_sql("SELECT 1")
    return JSONResponse({"status": "ok"})


def show_readiness(context: Serving) -> JSONResponse:
    """200 while runs are given out as well, else 503 with the reason. Deliveries are taken either way."""
    with context.database.read() as connection:
        connection.exec_driver_sql("SELECT 1")
    trouble = context.trouble()
    if trouble:
        return JSONResponse({"status": "waiting", "reason": trouble}, status_code=503)
    return JSONResponse({"status": "ok"})
