"""What can go wrong with an endpoint.

EndpointError                the harness could not do what was asked
|-- NotFound                 the endpoint is not installed; the message says how to install it
|-- EndpointCrashed          it died: verdict `crash`
`-- EndpointTimeout          what was waited for did not come: verdict `timeout`
Thrown                       a call threw, or its promise was rejected; the endpoint is well
"""

from __future__ import annotations

from harness.script.trace import Failure
from harness.verdict import ConformanceFailure, Verdict

__all__ = ["EndpointCrashed", "EndpointError", "EndpointTimeout", "NotFound", "Thrown", "verdict_of_error"]


class EndpointError(Exception):
    """The harness could not do with an endpoint what it was asked to."""


class NotFound(EndpointError):
    """An endpoint that is not there. The message names the command that installs it."""


class EndpointCrashed(EndpointError):
    """The endpoint died. What it was asked to do then is lost."""


class EndpointTimeout(EndpointError):
    """A promise, an event or a state did not come in time. The message says what was seen instead."""


class Thrown(Exception):
    """What a call threw at the endpoint: `name` is a DOMException's name or the error's class, as a page would see
    it.
    """

    def __init__(self, failure: Failure) -> None:
        super().__init__(str(failure))
        self.failure = failure

    @property
    def name(self) -> str:
        return self.failure.name

    @property
    def message(self) -> str:
        return self.failure.message


def verdict_of_error(error: BaseException) -> Verdict:
    """The verdict of a case that ended with this exception."""
    if isinstance(error, ConformanceFailure):
        return error.judgement.verdict
    if isinstance(error, AssertionError | Thrown):
        return Verdict.FAIL
    if isinstance(error, EndpointCrashed):
        return Verdict.CRASH
    if isinstance(error, EndpointTimeout | TimeoutError):
        return Verdict.TIMEOUT
    return Verdict.ERROR
