"""Follow the chosen language in Qt: its own texts, numbers in fields, fonts with the letters, and typed texts."""

from PySide6.QtCore import QLibraryInfo, QLocale, QTranslator
from PySide6.QtGui import QFontDatabase
from PySide6.QtWidgets import QApplication, QLineEdit, QPlainTextEdit, QWidget

from workers.contracts.translation import known_language, set_language

FONTS = {
    "ja": ("Noto Sans CJK JP", "Yu Gothic UI", "Hiragino Sans"),
    "zh_CN": ("Noto Sans CJK SC", "Microsoft YaHei UI", "PingFang SC"),
}
"""Fonts by language, because Japanese and Chinese draw the same characters differently."""
SCRIPTS = {
    "ja": QFontDatabase.WritingSystem.Japanese,
    "zh_CN": QFontDatabase.WritingSystem.SimplifiedChinese,
}

Field = QLineEdit | QPlainTextEdit


def without_font() -> frozenset[str]:
    """Return the languages whose letters no font of this computer has."""
    return frozenset(language for language, script in SCRIPTS.items() if not QFontDatabase.families(script))


def apply_language(choice: str) -> str:
    """Set the language of the program and of Qt, and return it; a language without a font is passed over."""
    system = [name for name in QLocale.system().uiLanguages() if _can_show(known_language(name))]
    language = set_language(choice if _can_show(choice) else "", system)
    locale = QLocale(language) if language in FONTS or len(language) == len("de") else QLocale("en")
    QLocale.setDefault(locale)
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    for window in app.topLevelWidgets():  # one that exists already keeps its locale, which its fields follow
        window.setLocale(locale)
    for old in app.findChildren(QTranslator):
        app.removeTranslator(old)
        old.deleteLater()
    translator = QTranslator(app)
    if translator.load(locale, "qtbase", "_", QLibraryInfo.path(QLibraryInfo.LibraryPath.TranslationsPath)):
        app.installTranslator(translator)
    font = app.font()
    usual = QFontDatabase.systemFont(QFontDatabase.SystemFont.GeneralFont).families()
    font.setFamilies([*usual, *FONTS.get(language, ())])
    app.setFont(font)
    return language


def _can_show(language: str) -> bool:
    return language not in without_font()


def typed_texts(page: QWidget) -> list[str]:
    """Return the texts in the fields of a page that a person can type into, in their order."""
    return [field.text() if isinstance(field, QLineEdit) else field.toPlainText() for field in _fields(page)]


def type_again(page: QWidget, texts: list[str]) -> None:
    """Put texts back into the fields of a page that was made anew; nothing if it has others now."""
    fields = _fields(page)
    if len(fields) == len(texts):
        for field, text in zip(fields, texts, strict=True):
            if isinstance(field, QLineEdit) and field.text() != text:
                field.setText(text)
            elif isinstance(field, QPlainTextEdit) and field.toPlainText() != text:
                field.setPlainText(text)


def _fields(page: QWidget) -> list[Field]:
    fields: list[Field] = [*page.findChildren(QLineEdit), *page.findChildren(QPlainTextEdit)]
    return [field for field in fields if not field.isReadOnly() and not field.objectName().startswith("qt_spinbox")]
