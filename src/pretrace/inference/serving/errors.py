"""Errors in the form that OpenAI's clients read."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError
from starlette.responses import JSONResponse

from pretrace.common.validation import readable_error


class ApiError(Exception):
    """A refusal.

    Args:
        status: of HTTP: 400, 403, 404, 405, 408, 413, 415, 429, 500, 503.
        message: one line.
        param: key of the body.
        code: name for programs, such as `context_length_exceeded`.
        retry_after: seconds.
    """

    def __init__(
        self,
        status: int,
        message: str,
        param: str | None = None,
        code: str | None = None,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.message, self.param, self.code, self.retry_after = status, message, param, code, retry_after

    @property
    def body(self) -> dict[str, Any]:
        kinds = {404: "not_found_error", 403: "permission_error", 429: "rate_limit_error"}
        kind = "server_error" if self.status >= 500 else kinds.get(self.status, "invalid_request_error")
        return {"error": {"message": self.message, "type": kind, "param": self.param, "code": self.code}}

    def response(self) -> JSONResponse:
        """Return the response."""
        headers = {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}
        return JSONResponse(self.body, self.status, headers)


def invalid(error: ValidationError) -> ApiError:
    """Return the refusal of a body of another form: its first fault."""
    first = error.errors()[0]
    places = [str(part) for part in first["loc"] if isinstance(part, str) and part.isidentifier()]
    return ApiError(
        400,
        str(readable_error(error, "body", "", "is not known", "is missing")),
        places[0] if places else None,
        "invalid_value",
    )
