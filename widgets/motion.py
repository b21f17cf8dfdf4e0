"""Find out whether the system is set to less movement, and stop the animations of Qt itself."""

import sys

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication

PORTAL_TIMEOUT_MS = 300
_PORTAL = ("org.freedesktop.portal.Desktop", "/org/freedesktop/portal/desktop", "org.freedesktop.portal.Settings")
_KEYS = (("org.freedesktop.appearance", "reduced-motion", 1), ("org.gnome.desktop.interface", "enable-animations", 0))
"""Namespace and key of the desktop's settings, and the value for less movement."""
_EFFECTS = (
    Qt.UIEffect.UI_AnimateMenu, Qt.UIEffect.UI_FadeMenu, Qt.UIEffect.UI_AnimateCombo,
    Qt.UIEffect.UI_AnimateTooltip, Qt.UIEffect.UI_FadeTooltip,
)  # fmt: skip


def system_reduces_motion() -> bool:
    """Return the system's setting, False where there is none; on Linux this asks the desktop portal."""
    if sys.platform == "win32":
        import ctypes

        is_animated = ctypes.c_int(1)
        ctypes.windll.user32.SystemParametersInfoW(0x1042, 0, ctypes.byref(is_animated), 0)  # GETCLIENTAREAANIMATION
        return not is_animated.value
    if sys.platform == "darwin":
        from PySide6.QtCore import QSettings

        return bool(QSettings("com.apple", "universalaccess").value("reduceMotion", False, type=bool))
    from PySide6.QtDBus import QDBus, QDBusConnection, QDBusMessage

    bus = QDBusConnection.sessionBus()
    for space, key, wanted in _KEYS if bus.isConnected() else ():
        call = QDBusMessage.createMethodCall(*_PORTAL, "ReadOne")
        call.setArguments([space, key])
        found = bus.call(call, QDBus.CallMode.Block, PORTAL_TIMEOUT_MS).arguments()
        value = found[0].variant() if found and hasattr(found[0], "variant") else next(iter(found), None)
        if isinstance(value, bool | int) and int(value) == wanted:
            return True
    return False


def stop_effects() -> None:
    """Stop the blinking of the text cursor and the effects of menus, lists and tooltips, until the program ends."""
    QApplication.setCursorFlashTime(0)
    for effect in _EFFECTS:
        QApplication.setEffectEnabled(effect, False)
