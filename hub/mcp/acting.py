"""Tools that do something: run a claim again, submit a review. Over HTTP they need the workspace's token."""

from __future__ import annotations

import hmac
from typing import Annotated

from mcp.server.mcpserver import Context
from mcp.types import CallToolResult, ToolAnnotations
from pydantic import BaseModel, Field

from evidentia.errors import BadInputError
from evidentia.hub.mcp.answers import Answer, Server, quoted
from evidentia.hub.mcp.reading import Package
from evidentia.hub.reading.located import package_dir
from evidentia.hub.reading.sandbox import SharedSandbox
from evidentia.hub.reviewing import Form, Name, Scores, Verdict, submit
from evidentia.workspace.home import Workspace

RUNS = ToolAnnotations(read_only_hint=False, destructive_hint=False, idempotent_hint=True, open_world_hint=False)
WRITES = ToolAnnotations(read_only_hint=False, destructive_hint=False, idempotent_hint=False, open_world_hint=False)


class Ran(BaseModel):
    """One experiment run again, and whether its rows are the recorded ones."""

    entry: str
    identical: bool
    rows: int
    detail: str
    seconds: float


class Rerun(Answer):
    """A claim as stated and as it came out now. `confirmed`: the same verdict, the value within the tolerance."""

    package: str
    claim: str
    confirmed: bool
    detail: str
    stated_status: str
    stated_value: float | None
    status: str
    value: float | None
    ci: tuple[float, float] | None
    unit: str
    runs: list[Ran]
    sandbox: str


class Submitted(Answer):
    """A review that is in the ledger: its event, and the signed file beside the package."""

    package: str
    event: int
    file: str


class Permit:
    """Whether a call may do something: always over standard input, over HTTP with the token as Bearer."""

    def __init__(self, token: str | None) -> None:
        self.token = token

    def check(self, context: Context) -> None:
        """Raise BadInputError for a call without the token."""
        if self.token is None:
            return
        given = (context.headers or {}).get("authorization", "")
        if not hmac.compare_digest(given.encode(), f"Bearer {self.token}".encode()):
            raise BadInputError(
                "this tool needs the token that `evidentia mcp --http` printed, sent as “Authorization: Bearer TOKEN”"
            )


def add_acting(server: Server, workspace: Workspace, sandbox: SharedSandbox, permit: Permit) -> None:
    """Add the tools that do something."""

    @server.tool(annotations=RUNS)
    def rerun_claim(
        package: Package,
        claim: Annotated[str, Field(max_length=40, description="A claim's id, as in C01.")],
        ctx: Context,
    ) -> Annotated[CallToolResult, Rerun]:
        """Run the experiments behind a claim again in the sandbox, from the package alone, and compare rows and value.

        Takes seconds to minutes. Writes nothing.
        """
        from evidentia.hub.reading.rerun import rerun_claim as again

        permit.check(ctx)
        path = package_dir(workspace, package)
        found = again(workspace, path, claim, sandbox.get())
        return quoted(
            Rerun(
                package=path.parent.name,
                claim=found.claim.id,
                confirmed=found.confirmed,
                detail=found.detail,
                stated_status=found.claim.status,
                stated_value=found.claim.value,
                status=found.again.status,
                value=found.again.value,
                ci=found.again.ci,
                unit=found.claim.unit,
                runs=[Ran(**vars(run)) for run in found.runs],
                sandbox=found.sandbox,
            )
        )

    @server.tool(annotations=WRITES)
    def submit_review(
        package: Package,
        reviewer: Name,
        claims: Annotated[list[Verdict], Field(max_length=500)],
        scores: Scores,
        overall: Annotated[str, Field(pattern="^(accept|revise|reject)$")],
        confidence: Annotated[int, Field(ge=1, le=5, description="1 a guess, 5 certain.")],
        ctx: Context,
        summary: Annotated[str, Field(max_length=2000)] = "",
        would_change_my_mind: Annotated[str, Field(max_length=2000)] = "",
    ) -> Annotated[CallToolResult, Submitted]:
        """Submit a review as an agent: a verdict for each claim with the line that decided it, and four scores, 1 to 4.

        It is signed, laid beside the package and written to the ledger; reviews by agents are shown, never counted as
        a person's.
        """
        permit.check(ctx)
        path = package_dir(workspace, package)
        told = {"reviewer": reviewer, "claims": claims, "scores": scores, "overall": overall}
        more = {"confidence": confidence, "summary": summary, "would_change_my_mind": would_change_my_mind}
        done = submit(workspace, path, Form.model_validate({**told, **more, "kind": "agent"}).review())
        return quoted(Submitted(package=path.parent.name, event=done.event.seq, file=done.path.name))
