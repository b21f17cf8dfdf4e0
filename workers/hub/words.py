"""Build errors of the hub as whole sentences for people; exit code 6: unavailable, 3: refused."""

from workers.contracts.errors import BackendMissing, InputRefused, WorkerError
from workers.model_io.words import shown

CHECK_NETWORK = (
    "Check the network connection and the proxy settings, then try again. Models on this computer still open."
)
TRY_LATER = "Try again later. What was downloaded is kept."
CHECK_SPELLING = "Check the spelling, or search for it."
TELL_OPERATOR = "Do not use this model from this hub, and tell its operator."

UNAVAILABLE = {
    "hub_unreachable": ("The hub cannot be reached", "{endpoint} could not be reached ({reason}).", CHECK_NETWORK),
    "hub_broke_off": (
        "The connection to the hub broke off",
        "The connection to {endpoint} broke off or stood still {attempts} times in a row.",
        CHECK_NETWORK,
    ),
    "hub_certificate": (
        "The hub's certificate is not trusted",
        "The certificate of {endpoint} is not trusted ({reason}), so nothing was sent.",
        "If your company's proxy inspects connections, set SSL_CERT_FILE to its certificate.",
    ),
    "hub_proxy": (
        "The proxy does not let Fettle through",
        "The proxy in HTTPS_PROXY or HTTP_PROXY refused the connection ({reason}).",
        "Correct the proxy's address or password, or ask its administrator.",
    ),
    "hub_busy": (
        "The hub is too busy",
        "The hub receives too many requests{wait}.",
        "Try again later, or log in: the hub accepts more requests from users who are logged in.",
    ),
    "hub_failed": ("The hub has a problem", "The hub answered each request with its own error ({status}).", TRY_LATER),
    "hub_garbage": (
        "The hub's answer cannot be read",
        "{endpoint} answered with something that is not a hub's answer ({what}).",
        "Check that HF_ENDPOINT is a hub, and that the network does not ask you to log in first.",
    ),
}
"""Title, detail and hint of errors after which the same request may succeed later, by their code."""

REFUSED = {
    "hub_bad_card": (
        "The hub does not accept the model card",
        "The hub rejects the header of README.md ({reason}). Nothing was written to {repo}.",
        "Correct the license or name.",
    ),
    "hub_gated": (
        "The author asks who uses this model",
        "You may download {repo} only after you accept its conditions.",
        "1. Open {endpoint}/{repo} in a browser and sign in. 2. Read and accept the conditions. Some authors approve "
        "each request by hand. 3. {third}",
    ),
    "hub_log_in": (
        "The hub asks who you are",
        "{repo} does not exist, or only users who are logged in may see it.",
        "Check the spelling. If it is private, log in with “fettle hub login”.",
    ),
    "hub_bad_token": (
        "The hub does not know your token",
        "The token was refused: it was withdrawn, has expired, or belongs to another hub.",
        "Create a new one in the hub's settings, then run “fettle hub login”, or correct HF_TOKEN.",
    ),
    "hub_forbidden": (
        "You may not read this model",
        "{repo} may not be read with your access rights.",
        "Ask its author for access, or use a token that may read it.",
    ),
    "hub_not_found": ("There is no such model", "{repo} does not exist on this hub.", CHECK_SPELLING),
    "hub_no_revision": ("There is no such revision", "{repo} has no such branch or commit.", CHECK_SPELLING),
    "hub_no_file": ("The file does not exist", "A file of {repo} is listed but does not exist.", CHECK_SPELLING),
    "hub_disabled": (
        "The hub has closed this model",
        "The hub itself disabled {repo}, often for a reason of safety.",
        "Choose another model.",
    ),
    "hub_refused": (
        "The hub refused the request",
        "The hub answered the request with status {status}.",
        "Check the filters and the name. If they are right, the hub may be another version than Fettle knows.",
    ),
    "hub_redirect": (
        "The hub sends Fettle to an address that is not allowed",
        "The hub's answer points to {target}, which is no address to download from. Nothing was read there.",
        TELL_OPERATOR,
    ),
    "hub_bad_name": (
        "This is no name of a model on a hub",
        "{repo} is not of the form author/name.",
        "Write it as the hub's page does, such as Xenova/resnet-50. For another revision, add @revision.",
    ),
    "hub_bad_names": (
        "This model's list of files is not safe",
        "{repo} lists “{name}”: {reason}. Nothing was downloaded.",
        TELL_OPERATOR,
    ),
    "hub_wrong_length": (
        "A file has another size than the hub stated",
        "“{name}” should have {expected:,} bytes, and the hub sends {sent:,}. It was not kept.",
        "Try again later. If this persists, tell the author or the operator of the hub.",
    ),
    "hub_wrong_hash": (
        "A file is damaged or was changed",
        "“{name}” does not have the digest that the hub stated. It was not kept.",
        "Try again. If this persists, the file may be changed on the way: use another network, and tell the author.",
    ),
}
"""Title, detail and hint of errors that the user or the hub has to resolve, by their code."""


def hub_error(code: str, **facts: str | int) -> WorkerError:
    """Build the error `code`; facts that are texts are not trusted and become one short line each."""
    kind, texts = (BackendMissing, UNAVAILABLE) if code in UNAVAILABLE else (InputRefused, REFUSED)
    harmless = {name: shown(fact, 200) if isinstance(fact, str) else fact for name, fact in facts.items()}
    title, detail, hint = texts[code]
    return kind(code, title, detail.format(**harmless), hint.format(**harmless))
