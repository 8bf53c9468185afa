"""The shapes of the API's answers. Their docstrings and descriptions are its reference, shown at /api/docs."""

from worker.api.models.account import Account, Accounts, AddedAccount, Link, NewAccount
from worker.api.models.artifact import Artifact, Artifacts
from worker.api.models.control import Cancellation, Decision
from worker.api.models.delivery import (
    AcceptedDelivery,
    AcceptedRun,
    Deliveries,
    Delivery,
    DeliverySummary,
    IgnoredDelivery,
)
from worker.api.models.event import Event, Included, PullRequest
from worker.api.models.log import LogLine, LogPage
from worker.api.models.problem import Problem
from worker.api.models.registry import Login, Logins, NewLogin
from worker.api.models.repository import (
    Credential,
    Credentials,
    Hook,
    NewCredential,
    NewRepository,
    Repositories,
    Repository,
    RepositorySettings,
)
from worker.api.models.retention import Kept, NewRetention, Removals, Removed, Retention, ServerRetention
from worker.api.models.run import Attempt, Command, FileProblem, Job, Run, Runs, RunsOfAll, RunSummary, Step
from worker.api.models.schedule import LastRun, NewSchedule, Schedule, ScheduleChange, Schedules
from worker.api.models.secret import NewSecret, Secret, Secrets, StoredSecret
from worker.api.models.start import Again, DeclaredParameters, NewDeployment, NewRun, Parameter, Start
from worker.api.models.token import LONGEST_DAYS, AddedToken, NewToken, Token, Tokens
from worker.api.models.worker import Worker, Workers

__all__ = [
    "LONGEST_DAYS",
    "AcceptedDelivery",
    "AcceptedRun",
    "Account",
    "Accounts",
    "AddedAccount",
    "AddedToken",
    "Again",
    "Artifact",
    "Artifacts",
    "Attempt",
    "Cancellation",
    "Command",
    "Credential",
    "Credentials",
    "Decision",
    "DeclaredParameters",
    "Deliveries",
    "Delivery",
    "DeliverySummary",
    "Event",
    "FileProblem",
    "Hook",
    "IgnoredDelivery",
    "Included",
    "Job",
    "Kept",
    "LastRun",
    "Link",
    "LogLine",
    "LogPage",
    "Login",
    "Logins",
    "NewAccount",
    "NewCredential",
    "NewDeployment",
    "NewLogin",
    "NewRepository",
    "NewRetention",
    "NewRun",
    "NewSchedule",
    "NewSecret",
    "NewToken",
    "Parameter",
    "Problem",
    "PullRequest",
    "Removals",
    "Removed",
    "Repositories",
    "Repository",
    "RepositorySettings",
    "Retention",
    "Run",
    "RunSummary",
    "Runs",
    "RunsOfAll",
    "Schedule",
    "ScheduleChange",
    "Schedules",
    "Secret",
    "Secrets",
    "ServerRetention",
    "Start",
    "Step",
    "StoredSecret",
    "Token",
    "Tokens",
    "Worker",
    "Workers",
]
