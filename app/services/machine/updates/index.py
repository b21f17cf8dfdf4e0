"""Check the signed index of newer versions, which comes from a server that is not trusted."""

from datetime import UTC, datetime

from packaging.version import InvalidVersion, Version
from pydantic import AwareDatetime, Field, ValidationError

from app.services.flow.steps import Refused, Unavailable
from workers.contracts.base import Frozen
from workers.contracts.hub import HubFile
from workers.contracts.translation import _


class UpdateIndex(Frozen):
    """The newest version and its archives.

    `files` holds by platform and installed version the archive of changed files; "" is the archive of all files.
    """

    version: str = Field(pattern=r"^[0-9A-Za-z][0-9A-Za-z.+_-]{0,63}$")
    notes: str = Field(default="", max_length=4000)
    issued: AwareDatetime
    expires: AwareDatetime
    files: dict[str, dict[str, HubFile]]

    def archive(self, platform: str, installed: str) -> HubFile:
        """Return the smallest archive for an installed version.

        Raises:
            JobError: there is none for this platform.
        """
        files = self.files.get(platform, {})
        file = files.get(installed) or files.get("")
        if file is None or file.sha256 is None:
            detail = _("Version {0} is not offered for this kind of computer.").format(self.version)
            title, hint = _("There is no update for this computer"), _("Look again later.")
            raise Unavailable("update_platform", title, detail, hint)
        return file


def is_newer(version: str, installed: str) -> bool:
    """Return whether a version is newer than the installed one; raises InvalidVersion."""
    return Version(version) > Version(installed)


def checked_index(signed: str, signature: str, key: str, installed: str, seen: datetime | None) -> UpdateIndex:
    """Return the index if the publisher signed it and it is not an old one.

    Args:
        signed: The text of the index, as it was signed.
        signature: Its Ed25519 signature in hex.
        key: The public key in hex.
        installed: The installed version.
        seen: Date of the newest index that this program has seen.

    Raises:
        JobError: the index is refused.
    """
    if not _is_signed(signed, signature, key):
        raise _refusal("update_signature", _("It is not signed by the publisher of this program."))
    try:
        index = UpdateIndex.model_validate_json(signed)
        is_older = Version(index.version) < Version(installed)
    except (ValidationError, InvalidVersion) as error:
        raise _refusal("update_format", _("It is made for another version of this program.")) from error
    if index.expires < datetime.now(UTC):
        raise _refusal("update_expired", _("It is out of date, or the date of this computer is wrong."))
    if is_older or (seen is not None and index.issued < seen):
        raise _refusal("update_older", _("It is older than what this program has seen already."))
    return index


def _is_signed(signed: str, signature: str, key: str) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(key)).verify(bytes.fromhex(signature), signed.encode())
    except (InvalidSignature, ValueError):
        return False
    return True


def _refusal(code: str, detail: str) -> Refused:
    hint = _("Nothing was changed. Try another network, and tell the publisher if this persists.")
    return Refused(code, _("The list of newer versions is not used"), detail, hint)
