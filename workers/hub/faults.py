"""Decide which failures may pass and how long to wait, and build errors of the hub as sentences for people.

Exit code 6: the hub is unavailable; 3: the hub or Fettle refuses.
"""

import random
import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, NamedTuple

from workers.contracts.errors import BackendMissing, InputRefused, JobCancelled, WorkerError
from workers.contracts.hub import HubAccess
from workers.contracts.translation import _, joined, mark
from workers.model_io.words import shown

if TYPE_CHECKING:
    import httpx2

CHECK_NETWORK = mark(
    "Check the network connection and the proxy settings, then try again. Models on this computer still open."
)
TRY_LATER = mark("Try again later. What was downloaded is kept.")
CHECK_SPELLING = mark("Check the spelling, or search for it.")
TELL_OPERATOR = mark("Do not use this model from this hub, and tell its operator.")


class _Words(NamedTuple):
    """The sentences of an error."""

    code: str
    title: str
    detail: str
    hint: str


def _by_code(*rows: _Words) -> dict[str, _Words]:
    return {row.code: row for row in rows}


UNAVAILABLE = _by_code(
    _Words(
        "hub_unreachable", "The hub cannot be reached", "{endpoint} could not be reached ({reason}).", CHECK_NETWORK
    ),
    _Words(
        "hub_broke_off",
        "The connection to the hub broke off",
        "The connection to {endpoint} broke off or stood still {attempts} times in a row.",
        CHECK_NETWORK,
    ),
    _Words(
        "hub_certificate",
        "The hub's certificate is not trusted",
        "The certificate of {endpoint} is not trusted ({reason}), so nothing was sent.",
        "If your company's proxy inspects connections, set SSL_CERT_FILE to its certificate.",
    ),
    _Words(
        "hub_proxy",
        "The proxy does not let Fettle through",
        "The proxy in HTTPS_PROXY or HTTP_PROXY refused the connection ({reason}).",
        "Correct the proxy's address or password, or ask its administrator.",
    ),
    _Words(
        "hub_busy",
        "The hub is too busy",
        "The hub receives too many requests.",
        "Try again later, or log in: the hub accepts more requests from users who are logged in.",
    ),
    _Words(
        "hub_failed", "The hub has a problem", "The hub answered each request with its own error ({status}).", TRY_LATER
    ),
    _Words(
        "hub_garbage",
        "The hub's answer cannot be read",
        "{endpoint} answered with something that is not a hub's answer ({what}).",
        "Check that HF_ENDPOINT is a hub, and that the network does not ask you to log in first.",
    ),
)
"""Errors after which the same request may succeed later."""

REFUSED = _by_code(
    _Words(
        "hub_bad_card",
        "The hub does not accept the model card",
        "The hub rejects the header of README.md ({reason}). Nothing was written to {repo}.",
        "Correct the license or name.",
    ),
    _Words(
        "hub_gated",
        "The author asks who uses this model",
        "You may download {repo} only after you accept its conditions.",
        "1. Open {endpoint}/{repo} in a browser and sign in. 2. Read and accept the conditions. Some authors approve "
        "each request by hand. 3. {third}",
    ),
    _Words(
        "hub_log_in",
        "The hub asks who you are",
        "{repo} does not exist, or only users who are logged in may see it.",
        "Check the spelling. If it is private, log in with “fettle hub login”.",
    ),
    _Words(
        "hub_bad_token",
        "The hub does not know your token",
        "The token was refused: it was withdrawn, has expired, or belongs to another hub.",
        "Create a new one in the hub's settings, then run “fettle hub login”, or correct HF_TOKEN.",
    ),
    _Words(
        "hub_forbidden",
        "You may not read this model",
        "{repo} may not be read with your access rights.",
        "Ask its author for access, or use a token that may read it.",
    ),
    _Words("hub_not_found", "There is no such model", "{repo} does not exist on this hub.", CHECK_SPELLING),
    _Words("hub_no_revision", "There is no such revision", "{repo} has no such branch or commit.", CHECK_SPELLING),
    _Words("hub_no_file", "The file does not exist", "A file of {repo} is listed but does not exist.", CHECK_SPELLING),
    _Words(
        "hub_disabled",
        "The hub has closed this model",
        "The hub itself disabled {repo}, often for a reason of safety.",
        "Choose another model.",
    ),
    _Words(
        "hub_refused",
        "The hub refused the request",
        "The hub answered the request with status {status}.",
        "Check the filters and the name. If they are right, the hub may be another version than Fettle knows.",
    ),
    _Words(
        "hub_redirect",
        "The hub sends Fettle to an address that is not allowed",
        "The hub's answer points to {target}, which is no address to download from. Nothing was read there.",
        TELL_OPERATOR,
    ),
    _Words(
        "hub_bad_name",
        "This is no name of a model on a hub",
        "{repo} is not of the form author/name.",
        "Write it as the hub's page does, such as Xenova/resnet-50. For another revision, add @revision.",
    ),
    _Words(
        "hub_bad_names",
        "This model's list of files is not safe",
        "{repo} lists “{name}”: {reason}. Nothing was downloaded.",
        TELL_OPERATOR,
    ),
    _Words(
        "hub_wrong_length",
        "A file has another size than the hub stated",
        "“{name}” should have {expected:,} bytes, and the hub sends {sent:,}. It was not kept.",
        "Try again later. If this persists, tell the author or the operator of the hub.",
    ),
    _Words(
        "hub_wrong_hash",
        "A file is damaged or was changed",
        "“{name}” does not have the digest that the hub stated. It was not kept.",
        "Try again. If this persists, the file may be changed on the way: use another network, and tell the author.",
    ),
)
"""Errors that the user or the hub has to resolve."""


def hub_error(code: str, more: str = "", **facts: str | int) -> WorkerError:
    """Build the error `code`, with one sentence `more`; facts that are texts are not trusted: one short line each."""
    kind, texts = (BackendMissing, UNAVAILABLE) if code in UNAVAILABLE else (InputRefused, REFUSED)
    harmless = {name: shown(fact, 200) if isinstance(fact, str) else fact for name, fact in facts.items()}
    words = texts[code]
    detail = joined([_(words.detail).format(**harmless), more])
    return kind(code, words.title, detail, _(words.hint).format(**harmless))


PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
MAX_ERROR_BYTES = 1 << 20
LOGGED_FROM_S = 2.0
"""Shortest wait in seconds that is logged."""

NEW_TOKEN = mark(
    "Create a token there (Settings, Access tokens, read only), and give it to Fettle with “fettle hub login”."
)


class Dropped(Exception):
    """A transfer ended early or failed for another reason that a new attempt may solve."""


class RetryPolicy:
    """A limited number of attempts with growing waits; `wait` returns False when retrying is useless."""

    def __init__(self, access: HubAccess, pause: Callable[[float], None], log: Callable[[str], None]) -> None:
        """Create a policy without attempts; `log` receives sentences about long waits."""
        self._access, self._pause, self._log = access, pause, log
        self.attempts = 0

    def reset(self) -> None:
        """Start counting again, because data arrived."""
        self.attempts = 0

    def wait(self, error: BaseException) -> bool:
        """Wait before the next attempt: as long as the hub requests, else longer each time."""
        self.attempts += 1
        if self.attempts > self._access.retries:
            return False
        asked_s = retry_after_s(error)
        if asked_s is not None and asked_s > self._access.max_wait_s:
            return False
        # spread the attempts of several clients
        wait_s = self._access.backoff_s * 2 ** (self.attempts - 1) * random.uniform(0.8, 1.2)
        wait_s = min(wait_s if asked_s is None else max(asked_s, 0.05), self._access.max_wait_s)
        if wait_s >= LOGGED_FROM_S:
            self._log(f"Fettle asks the hub again in {wait_s:.0f} seconds.")
        self._pause(wait_s)
        return True


def status_of(error: BaseException) -> int | None:
    """Return the HTTP status of an error response, or None."""
    response = getattr(error, "response", None)
    status = getattr(response, "status_code", None)
    return status if isinstance(status, int) else None


def is_passing(error: BaseException) -> bool:
    """Return whether the same request may succeed later."""
    import httpx2

    if isinstance(error, Dropped):
        return True
    if isinstance(error, httpx2.ConnectError) and "certificate" in str(error).lower():
        return False
    if isinstance(error, (httpx2.TimeoutException, httpx2.NetworkError, httpx2.RemoteProtocolError)):
        return True
    if isinstance(error, RuntimeError) and "closed" in str(error):
        return True  # another thread's failed connection made the library close the shared session
    return status_of(error) in PASSING


def retry_after_s(error: BaseException) -> float | None:
    """Return the seconds that the hub requests: Retry-After as number or date, else the reset of its rate limit."""
    headers = getattr(getattr(error, "response", None), "headers", None)
    if headers is None:
        return None
    text = str(headers.get("retry-after", "")).strip()
    if text.isdecimal():
        return float(text)
    if text:
        try:
            moment = parsedate_to_datetime(text)
        except (ValueError, OverflowError):
            return None
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return max(0.0, (moment - datetime.fromtimestamp(time.time(), UTC)).total_seconds())
    from huggingface_hub.utils import parse_ratelimit_headers

    limit = parse_ratelimit_headers(headers) if status_of(error) == 429 else None
    return float(limit.reset_in_seconds) if limit is not None and limit.remaining == 0 else None


def translated(error: Exception, access: HubAccess, repo: str = "", attempts: int = 1) -> Exception:
    """Return the error for the user; errors that the hub did not cause stay unchanged."""
    import httpx2

    if isinstance(error, (WorkerError, JobCancelled)):
        return error
    if (status := status_of(error)) is not None:
        return _status_error(error, status, access, repo)
    reason, name = str(error) or type(error).__name__, type(error).__name__
    certificate = isinstance(error, httpx2.ConnectError) and "certificate" in reason.lower()
    kinds: tuple[tuple[str, tuple[type[Exception], ...]], ...] = (
        ("hub_certificate", (httpx2.ConnectError,) if certificate else ()),
        ("hub_proxy", (httpx2.ProxyError,)),
        ("hub_unreachable", (httpx2.ConnectError, httpx2.ConnectTimeout)),
        ("hub_broke_off", (Dropped, httpx2.TimeoutException, httpx2.NetworkError, httpx2.RemoteProtocolError)),
        ("hub_redirect", (httpx2.UnsupportedProtocol, httpx2.InvalidURL, httpx2.TooManyRedirects)),
        ("hub_garbage", (httpx2.HTTPError, ValueError, KeyError, TypeError, AttributeError, RecursionError)),
    )
    code = next((code for code, types in kinds if isinstance(error, types)), None)
    facts: dict[str, str | int] = {
        "endpoint": access.endpoint,
        "reason": reason,
        "target": reason,
        "what": name,
        "attempts": attempts,
    }
    return error if code is None else hub_error(code, "", **facts)


def _status_error(error: Exception, status: int, access: HubAccess, repo: str) -> WorkerError:
    from huggingface_hub.errors import DisabledRepoError, GatedRepoError

    headers = getattr(getattr(error, "response", None), "headers", {})
    code = headers.get("x-error-code", "")
    if isinstance(error, GatedRepoError) or code == "GatedRepo":
        third = _("Ask again here: Fettle knows your token.") if access.token else _(NEW_TOKEN)
        return hub_error("hub_gated", endpoint=access.endpoint, repo=repo, third=third)
    if status == 429:
        wait_s = retry_after_s(error)
        return hub_error("hub_busy", _("It asks you to wait {0:.0f} seconds.").format(wait_s) if wait_s else "")
    if isinstance(error, DisabledRepoError):
        code = "hub_disabled"
    elif status == 404:
        code = {"RevisionNotFound": "hub_no_revision", "EntryNotFound": "hub_no_file"}.get(code, "hub_not_found")
    else:
        unknown = "hub_failed" if status >= 500 or status == 408 else "hub_refused"
        code = {401: "hub_bad_token" if access.token else "hub_log_in", 403: "hub_forbidden"}.get(status, unknown)
    return hub_error(code, repo=repo or _("What you requested"), status=status)


def raise_for(answer: "httpx2.Response") -> None:
    """Raise the library's error for a response without content; its text is read only if it is short."""
    from huggingface_hub.utils import hf_raise_for_status

    length = answer.headers.get("content-length", "")
    if length.isdigit() and int(length) <= MAX_ERROR_BYTES:
        answer.read()
    hf_raise_for_status(answer)
    raise Dropped  # a redirect that leads nowhere, or a success without content
