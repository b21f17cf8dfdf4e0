"""Build errors of the hub as whole sentences for people; exit code 6: unavailable, 3: refused."""

from pathlib import Path

from workers.contracts.errors import BackendMissing, InputRefused, WorkerError
from workers.contracts.process.disk import DiskFull

TRY_LATER = "Try again in a while; what has come so far is kept."
CHECK_NETWORK = (
    "Check the network connection and the proxy settings, then try again. Models on this computer still open."
)


def shown(text: object, limit: int = 120) -> str:
    """Return untrusted text in one line, with invisible characters replaced, cut at `limit`."""
    line = "".join(c if c.isprintable() else "�" for c in str(text))
    return line if len(line) <= limit else line[: limit - 1] + "…"


def unreachable(endpoint: str, reason: str) -> WorkerError:
    """Build the error for no connection: no network, no such host, no server."""
    detail = f"{endpoint} could not be reached ({shown(reason)})."
    return BackendMissing("hub_unreachable", "The hub cannot be reached", detail, CHECK_NETWORK)


def broken_off(endpoint: str, attempts: int) -> WorkerError:
    """Build the error for a connection that failed repeatedly or delivered nothing for too long."""
    detail = f"The connection to {endpoint} broke off or stood still {attempts} times in a row."
    return BackendMissing("hub_broke_off", "The hub broke the connection off", detail, CHECK_NETWORK)


def bad_certificate(endpoint: str, reason: str) -> WorkerError:
    """Build the error for an untrusted certificate; another server may be responding."""
    detail = f"The certificate of {endpoint} is not trusted ({shown(reason)}), so nothing was sent."
    hint = "If your company's proxy looks into connections, set SSL_CERT_FILE to its certificate."
    return BackendMissing("hub_certificate", "The hub cannot prove who it is", detail, hint)


def proxy_failed(reason: str) -> WorkerError:
    """Build the error for a proxy that refuses the connection."""
    detail = f"The proxy that HTTPS_PROXY or HTTP_PROXY names refused the connection ({shown(reason)})."
    hint = "Correct the proxy's address or password, or ask its administrator."
    return BackendMissing("hub_proxy", "The proxy does not let Fettle through", detail, hint)


def bad_card(repo: str, reason: str) -> WorkerError:
    """Build the error for a README.md header that the hub rejects."""
    detail = f"The hub refuses the header of README.md ({shown(reason, 300)}). Nothing was written to {repo}."
    return InputRefused("hub_bad_card", "The hub does not take the model card", detail, "Correct the license or name.")


def busy(wait_s: float | None) -> WorkerError:
    """Build the error for status 429 after all attempts, or with a wait that is too long."""
    wait = f" and asks to wait {wait_s:.0f} seconds" if wait_s else ""
    detail = f"The hub answers that it is asked too often{wait}."
    return BackendMissing(
        "hub_busy", "The hub is too busy", detail, "Try again later, or log in: known people may ask more often."
    )


def failed(status: int) -> WorkerError:
    """Build the error for status 5xx after all attempts."""
    detail = f"The hub answered with an error of its own ({status}) each time."
    return BackendMissing("hub_failed", "The hub has a problem", detail, TRY_LATER)


def garbage(endpoint: str, what: str) -> WorkerError:
    """Build the error for a response that is not the hub's: a captive portal, a wrong address, a broken mirror."""
    detail = f"{endpoint} answered with something that is not a hub's answer ({shown(what)})."
    hint = "Check that HF_ENDPOINT is a hub, and that the network does not ask you to log in first."
    return BackendMissing("hub_garbage", "The hub's answer makes no sense", detail, hint)


def gated(endpoint: str, repo: str, has_token: bool) -> WorkerError:
    """Build the error for a gated model, with three steps for the user."""
    third = (
        "3. Ask again here: your token is known to Fettle."
        if has_token
        else "3. Make a token there (Settings, Access tokens, read only) and give it to Fettle with “fettle hub login”."
    )
    detail = f"{shown(repo)} may be downloaded only by people who accepted its conditions."
    hint = (
        f"1. Open {endpoint}/{shown(repo)} in a browser and sign in. 2. Read and accept the conditions; some authors "
        f"answer by hand. {third}"
    )
    return InputRefused("hub_gated", "The author asks who uses this model", detail, hint)


def log_in_needed(repo: str) -> WorkerError:
    """Build the error for status 401 without a token: private or missing; hubs do not say which."""
    detail = f"{shown(repo) if repo else 'What was asked for'} is not there, or only for people who are logged in."
    hint = "Check the spelling. If it is private, log in with “fettle hub login”."
    return InputRefused("hub_log_in", "The hub asks who you are", detail, hint)


def bad_token() -> WorkerError:
    """Build the error for status 401 with a token."""
    detail = "The token was refused: it was withdrawn, has expired, or belongs to another hub."
    hint = "Make a new one in the hub's settings, then “fettle hub login”, or correct HF_TOKEN."
    return InputRefused("hub_bad_token", "The hub does not know your token", detail, hint)


def forbidden(repo: str) -> WorkerError:
    """Build the error for status 403."""
    detail = f"The hub does not allow you to read {shown(repo) if repo else 'this'}."
    hint = "Ask its author for access, or use a token that may read it."
    return InputRefused("hub_forbidden", "You may not have this", detail, hint)


def not_found(repo: str, what: str) -> WorkerError:
    """Build the error for status 404; `what` is "repository", "revision" or "file"."""
    words = {
        "revision": ("hub_no_revision", "There is no such revision", f"{shown(repo)} has no such branch or commit."),
        "file": ("hub_no_file", "The file is not there", f"A file of {shown(repo)} is listed but not there."),
    }
    code, title, detail = words.get(
        what, ("hub_not_found", "There is no such model", f"The hub has no model {shown(repo)}.")
    )
    return InputRefused(code, title, detail, "Check the spelling, or search for it.")


def disabled(repo: str) -> WorkerError:
    """Build the error for a model that the hub has disabled."""
    detail = f"{shown(repo)} was disabled by the hub itself, often for a reason of safety."
    hint = "Choose another model."
    return InputRefused("hub_disabled", "The hub has closed this model", detail, hint)


def not_understood(status: int) -> WorkerError:
    """Build the error for any other status 4xx."""
    detail = f"The hub answered {status} to what was asked."
    hint = "Check the filters and the name; if they are right, the hub may be another version than Fettle knows."
    return InputRefused("hub_refused", "The hub refused the question", detail, hint)


def bad_redirect(target: str) -> WorkerError:
    """Build the error for a redirect to an address that is not allowed."""
    return InputRefused(
        "hub_redirect",
        "The hub sends Fettle to a place where it does not go",
        f"The hub's answer points to {shown(target)}, which is no address to download from. Nothing was read there.",
        "Do not use this model from this hub; tell its operator.",
    )


def bad_repo(repo: str) -> WorkerError:
    """Build the error for an invalid repository name; the hub was not contacted."""
    detail = f"{shown(repo)} is not of the form author/name."
    hint = "Write it as the hub's page does, such as Xenova/resnet-50, with @revision behind it where you want another."
    return InputRefused("hub_bad_name", "This is no name of a model on a hub", detail, hint)


def trick(repo: str, name: str, reason: str) -> WorkerError:
    """Build the error for a list of files that would write elsewhere."""
    detail = f"{shown(repo)} lists “{shown(name, 60)}”: {reason}. Nothing was downloaded."
    hint = "Do not use it; tell the operator of the hub."
    return InputRefused("hub_bad_names", "This model's list of files is not safe", detail, hint)


def wrong_length(name: str, said: int, told: int) -> WorkerError:
    """Build the error for a size that differs from the list."""
    detail = f"“{shown(name)}” should have {said:,} bytes, and the hub sends {told:,}. It was not kept."
    hint = "Try again later; if this persists, tell the author or the operator of the hub."
    return InputRefused("hub_wrong_length", "A file has another size than the hub said", detail, hint)


def wrong_hash(name: str) -> WorkerError:
    """Build the error for bytes without the digest that the hub stated."""
    detail = f"“{shown(name)}” does not have the digest that the hub told. It was not kept."
    hint = "Try again; if it stays so, somebody may change files on the way: use another network, and tell the author."
    return InputRefused("hub_wrong_hash", "A file came damaged or changed", detail, hint)


def disk_full(name: str, folder: Path, needed_bytes: int) -> WorkerError:
    """Build the error for a full disk; `needed_bytes` of the file are still missing."""
    return DiskFull(
        folder,
        needed_bytes=needed_bytes,
        safe=f"What had come of “{shown(name)}” is kept.",
        hint="Free disk space in the settings, then download again: it goes on with what has come.",
    )
