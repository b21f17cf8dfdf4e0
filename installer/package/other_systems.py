"""Write the installer of Windows (NSIS) and the app bundle and disk image of macOS; each is built on its own system."""

import os
import plistlib
import shutil
import subprocess
from pathlib import Path

from steps.words import SetupError
from versions.root import read_payload

from package import deb

HERE = Path(__file__).parent
LONGEST = 180
"""Most characters of a path in the payload: with the folder of a person's programs, Windows allows 259."""

TYPES = {"onnx": "ONNX model", "safetensors": "Safetensors weights", "gguf": "GGUF language model"}


def windows(payload: Path, out: Path) -> Path:
    """Build the installer for one person of Windows from a payload and return its path."""
    record = read_payload(payload)
    long = max(record["files"], key=len)
    if len(long) > LONGEST:
        raise SetupError(f"This path is too long for Windows: {long}", "Leave it out of the payload.")
    icon = save_icon(out / "fettle.ico")
    launcher, target = out / "Fettle.exe", out / f"Fettle-{record['version']}-setup.exe"
    _makensis(HERE / "windows" / "launcher.nsi", OUT=launcher, ICON=icon)
    facts = {"VERSION": record["version"], "PAYLOAD": payload, "LAUNCHER": launcher, "ICON": icon, "OUT": target}
    _makensis(HERE / "windows" / "setup.nsi", **facts)
    return target


def _makensis(script: Path, **facts: object) -> None:
    program = shutil.which("makensis")
    if program is None:
        raise SetupError("The program makensis is missing.", "Install NSIS 3, for example: apt-get install nsis")
    defined = [f"-D{name}={value}" for name, value in facts.items()]
    wide = [] if os.name == "nt" else ["-XTarget amd64-unicode"]  # NSIS of Windows has no 64-bit stubs
    subprocess.run([program, "-V2", "-WX", "-INPUTCHARSET", "UTF8", *wide, *defined, script], check=True)


def macos(payload: Path, out: Path) -> Path:
    """Build the app bundle from a payload and, on macOS, its disk image; return the path of what was built."""
    version = read_payload(payload)["version"]
    image = out / "macos"
    shutil.rmtree(image, ignore_errors=True)
    contents = image / "Fettle.app" / "Contents"
    root = contents / "Resources" / "fettle"
    deb.lay_out(payload, root, version, f"{version}\n\n")
    start = '#!/bin/sh\nexec "$(dirname "$0")/../Resources/fettle/fettle" "$@"\n'
    deb.write(contents / "MacOS" / "Fettle", start, mode=0o755)
    deb.write(contents / "Info.plist", plistlib.dumps(_facts(version)))
    save_icon(contents / "Resources" / "fettle.icns")
    if shutil.which("hdiutil") is None:  # elsewhere the bundle can be looked at and not packed
        return contents / "Info.plist"
    subprocess.run(["codesign", "--force", "--deep", "--sign", "-", contents.parent], check=True)
    (image / "Applications").symlink_to("/Applications")
    target = out / f"Fettle-{version}.dmg"
    options = ["-volname", "Fettle", "-srcfolder", str(image), "-ov", "-format", "UDZO"]
    subprocess.run(["hdiutil", "create", *options, str(target)], check=True)
    shutil.rmtree(image)
    return target


def _facts(version: str) -> dict[str, object]:
    kinds = [
        {"CFBundleTypeName": title, "CFBundleTypeExtensions": [ending], "CFBundleTypeRole": "Viewer",
         "LSHandlerRank": "Alternate"}
        for ending, title in TYPES.items()
    ]  # fmt: skip
    return {
        "CFBundleName": "Fettle", "CFBundleIdentifier": "io.github.fettle.fettle", "CFBundleExecutable": "Fettle",
        "CFBundleIconFile": "fettle", "CFBundlePackageType": "APPL", "CFBundleShortVersionString": version,
        "CFBundleVersion": version, "LSMinimumSystemVersion": "14.0", "NSHighResolutionCapable": True,
        "LSApplicationCategoryType": "public.app-category.developer-tools", "CFBundleDocumentTypes": kinds,
    }  # fmt: skip


def save_icon(path: Path) -> Path:
    """Draw the icon with 256 × 256 pixels into an .ico or .icns file."""
    from PySide6.QtCore import Qt
    from PySide6.QtGui import QImage, QPainter
    from PySide6.QtSvg import QSvgRenderer

    image = QImage(256, 256, QImage.Format.Format_ARGB32)
    image.fill(Qt.GlobalColor.transparent)
    painter = QPainter(image)
    QSvgRenderer(str(deb.FILES / "fettle.svg")).render(painter)
    painter.end()
    path.parent.mkdir(parents=True, exist_ok=True)
    if not image.save(str(path)):
        raise SetupError(
            f"The icon {path.name} could not be written.", "Build on a system whose Qt writes this format."
        )
    return path
