# ruff: noqa: E501
"""Build the application's only style sheet, from which widgets choose by dynamic properties.

Properties:
    QLabel       role = headline | section | strong | soft | caption | figure | code | mono | small
    QLabel       tone = ok | warn | bad | brand | soft
    QLabel       kind = tag (with tone), chip
    QPushButton  kind = primary | ghost (default) | text | link | nav | toggle | choice;  scale = big | small
    QFrame       kind = card (chosen = true) | drop (hot = true) | inset | banner (tone) | line | rail | top | dock |
        square
"""

from string import Template

from widgets.tokens import TOKENS, Scheme

_BASE = """
QMainWindow, QDialog { background: $bg; }
QLabel { background: transparent; }
QScrollArea, QScrollArea > QWidget > QWidget[kind="page"], QStackedWidget { background: transparent; border: 0; }
QToolTip { background: $ink; color: $panel; border: 0; padding: 6px 8px; font-size: 12px; }
QLabel[role="headline"] { font-size: 22px; font-weight: 600; }
QLabel[role="section"] { font-size: 15px; font-weight: 600; }
QLabel[role="strong"] { font-weight: 600; }
QLabel[role="soft"], QLabel[tone="soft"] { color: $soft; }
QLabel[role="caption"] { font-size: 12px; color: $soft; }
QLabel[role="small"] { font-size: 12px; font-weight: 500; }
QLabel[role="figure"] { font-size: 28px; font-weight: 600; }
QLabel[role="mono"], QLabel[role="code"] { font-family: monospace; font-size: 12px; }
QLabel[role="code"] { background: $raised; border-radius: 6px; padding: 10px 12px; }
QLabel[tone="ok"] { color: $ok; }
QLabel[tone="warn"] { color: $warn; }
QLabel[tone="bad"] { color: $bad; }
QLabel[tone="brand"] { color: $brand; }
"""

_FRAMES = """
QFrame[kind="card"] { background: $panel; border: 1px solid $line; border-radius: 10px; }
QFrame[kind="card"][hot="true"] { border-color: $edge; }
QFrame[kind="card"][chosen="true"] { border: 2px solid $brand; }
QFrame[kind="drop"] { background: $panel; border: 1px dashed $edge; border-radius: 10px; }
QFrame[kind="drop"][hot="true"] { background: $brand_soft; border: 2px dashed $brand; }
QFrame[kind="inset"] { background: $raised; border: 0; border-radius: 6px; }
QFrame[kind="line"] { background: $line; border: 0; min-height: 1px; max-height: 1px; }
QFrame[kind="square"] { background: $brand_soft; border: 0; border-radius: 6px; }
QFrame[kind="rail"] { background: $panel; border: 0; border-right: 1px solid $line; }
QFrame[kind="top"] { background: $panel; border: 0; border-bottom: 1px solid $line; }
QFrame[kind="dock"] { background: $panel; border: 0; border-top: 1px solid $line; }
QFrame[kind="banner"] { background: $raised; border: 0; border-radius: 6px; }
QFrame[kind="banner"][tone="ok"], QLabel[kind="tag"][tone="ok"], QFrame[kind="tag"][tone="ok"] { background: $ok_soft; }
QFrame[kind="banner"][tone="warn"], QLabel[kind="tag"][tone="warn"], QFrame[kind="tag"][tone="warn"]
  { background: $warn_soft; }
QFrame[kind="banner"][tone="bad"], QLabel[kind="tag"][tone="bad"], QFrame[kind="tag"][tone="bad"]
  { background: $bad_soft; }
QLabel[kind="tag"] { border-radius: 4px; padding: 2px 8px 2px 6px; font-size: 12px; font-weight: 500; }
QFrame[kind="tag"] { border: 0; border-radius: 4px; }
QLabel[kind="tag"][tone="soft"], QFrame[kind="tag"][tone="soft"] { background: $raised; }
QFrame[kind="tag"] QLabel { font-size: 12px; font-weight: 500; border: 0; }
QFrame[kind="chip"] { background: $panel; border: 1px solid $line; border-radius: 6px; }
QFrame[kind="chip"] QLabel, QPushButton[kind="chip"] QLabel { font-size: 12px; color: $soft; border: 0; }
"""

_BUTTONS = """
QPushButton { min-height: 32px; padding: 0 14px; border: 1px solid $edge; border-radius: 6px; background: $panel;
  color: $ink; font-weight: 500; outline: 0; }
QPushButton:hover { background: $raised; }
QPushButton:pressed { background: $line; }
QPushButton:disabled { color: $edge; border-color: $line; }
QPushButton[kind="primary"] { background: $brand; border-color: $brand; color: $on_brand; font-weight: 600; }
QPushButton[kind="primary"]:hover, QPushButton[kind="primary"]:pressed
  { background: $brand_hover; border-color: $brand_hover; }
QPushButton[kind="primary"]:disabled { background: $raised; border-color: $line; color: $edge; }
QPushButton[scale="big"] { min-height: 38px; padding: 0 20px; font-size: 15px; }
QPushButton[scale="small"] { min-height: 24px; padding: 0 8px; font-size: 12px; border-color: $line; }
QPushButton[kind="text"] { background: transparent; border-color: transparent; color: $soft; }
QPushButton[kind="text"]:hover { background: $raised; color: $ink; }
QPushButton[kind="link"] { background: transparent; border-color: transparent; color: $brand; padding: 0 2px; }
QPushButton[kind="link"]:hover { text-decoration: underline; }
QPushButton[kind="toggle"] { min-height: 24px; padding: 0 8px; font-size: 12px; border-color: $line; }
QPushButton[kind="toggle"]:checked { background: $brand_soft; border-color: $brand; }
QPushButton[kind="chip"] { min-height: 24px; padding: 0 10px; font-size: 12px; font-weight: 400; border-color: $line;
  color: $soft; }
QPushButton[kind="project"] { border-color: transparent; background: transparent; padding: 0 8px; font-weight: 600; }
QPushButton[kind="project"]:hover { background: $raised; }
QPushButton[kind="project"]::menu-indicator { image: url(fettle:caret-down-$scheme.svg); width: 16px; height: 16px;
  subcontrol-position: right center; right: 6px; }
QPushButton[kind="choice"] { text-align: left; border-color: $line; }
QPushButton[kind="choice"]:checked { background: $brand_soft; border-color: $brand; }
QPushButton[kind="nav"] { min-height: 32px; padding: 0 8px; border-color: transparent; background: transparent;
  color: $soft; text-align: left; font-weight: 400; }
QPushButton[kind="nav"]:hover { background: $raised; }
QPushButton[kind="nav"][mark="done"] { color: $ink; }
QPushButton[kind="nav"]:checked { background: $brand_soft; color: $ink; font-weight: 600; }
QToolButton { border: 1px solid transparent; border-radius: 6px; background: transparent; color: $soft; padding: 4px; }
QToolButton::menu-indicator { image: none; }
QToolButton:hover { background: $raised; color: $ink; }
"""

_FIELDS = """
QLineEdit, QComboBox, QSpinBox, QDoubleSpinBox { min-height: 32px; padding: 0 9px; border: 1px solid $edge;
  border-radius: 6px; background: $panel; color: $ink; selection-background-color: $brand;
  selection-color: $on_brand; }
QPlainTextEdit, QTextEdit { padding: 6px 7px; border: 1px solid $edge; border-radius: 6px; background: $panel;
  color: $ink; selection-background-color: $brand; selection-color: $on_brand; }
QLineEdit:focus, QComboBox:focus, QSpinBox:focus, QDoubleSpinBox:focus { border: 2px solid $brand; padding: 0 8px;
  min-height: 30px; }
QPlainTextEdit:focus, QTextEdit:focus { border: 2px solid $brand; padding: 5px 6px; }
QAbstractSpinBox QLineEdit, QAbstractSpinBox QLineEdit:focus, QComboBox QLineEdit, QComboBox QLineEdit:focus
  { border: 0; padding: 0 7px; min-height: 0; background: transparent; }
QLineEdit:disabled, QComboBox:disabled, QSpinBox:disabled, QDoubleSpinBox:disabled { color: $edge; border-color: $line; }
QPlainTextEdit[role="log"], QTextEdit[role="log"] { font-family: monospace; font-size: 12px; background: $raised;
  border-color: transparent; }
QPlainTextEdit[role="log"]:focus, QTextEdit[role="log"]:focus { border-color: $brand; }
QTextEdit[role="document"], QTextEdit[role="document"]:focus { border: 0; padding: 0; background: transparent; }
QComboBox[scale="small"], QComboBox[scale="small"]:focus { min-height: 24px; font-size: 12px; padding: 0 6px;
  border: 1px solid $line; }
QLineEdit[scale="small"], QLineEdit[scale="small"]:focus { min-height: 24px; font-size: 12px; padding: 0 6px;
  border: 1px solid $line; }
QComboBox[scale="small"]:focus, QLineEdit[scale="small"]:focus { border-color: $brand; }
QComboBox::drop-down { border: 0; width: 28px; }
QComboBox::down-arrow { image: url(fettle:caret-down-$scheme.svg); width: 16px; height: 16px; }
QComboBox QAbstractItemView { background: $panel; border: 1px solid $line; color: $ink; outline: 0; padding: 4px;
  selection-background-color: $brand_soft; selection-color: $ink; }
QSpinBox::up-button, QDoubleSpinBox::up-button, QSpinBox::down-button, QDoubleSpinBox::down-button
  { border: 0; background: transparent; width: 22px; }
QSpinBox::up-arrow, QDoubleSpinBox::up-arrow { image: url(fettle:caret-up-$scheme.svg); width: 10px; height: 10px; }
QSpinBox::down-arrow, QDoubleSpinBox::down-arrow
  { image: url(fettle:caret-down-$scheme.svg); width: 10px; height: 10px; }
QCheckBox, QRadioButton { spacing: 8px; background: transparent; color: $ink; outline: 0; }
QCheckBox:disabled, QRadioButton:disabled { color: $edge; }
QCheckBox::indicator { width: 14px; height: 14px; border: 1px solid $edge; border-radius: 4px; background: $panel; }
QCheckBox::indicator:checked { background: $brand; border-color: $brand; image: url(fettle:check-$scheme.svg); }
QRadioButton::indicator { width: 14px; height: 14px; border: 1px solid $edge; border-radius: 8px; background: $panel; }
QRadioButton::indicator:checked { width: 6px; height: 6px; border: 5px solid $brand; border-radius: 8px; }
"""

_LISTS = """
QTableView, QTreeView, QListView { background: $panel; border: 0; color: $ink; gridline-color: $line; outline: 0;
  selection-background-color: $brand_soft; selection-color: $ink; alternate-background-color: $panel; }
QTableView::item, QListView::item { padding: 0 10px; border: 0; border-top: 1px solid $line; }
QTableView::item:selected, QListView::item:selected { background: $brand_soft; color: $ink; }
QHeaderView { background: transparent; border: 0; }
QHeaderView::section { background: transparent; border: 0; padding: 0 10px; min-height: 32px; color: $soft;
  font-size: 12px; font-weight: 500; }
QTableCornerButton::section { background: transparent; border: 0; }
QProgressBar { min-height: 4px; max-height: 4px; border: 0; border-radius: 2px; background: $raised; color: transparent; }
QProgressBar::chunk { background: $brand; border-radius: 2px; }
QProgressBar[scale="big"] { min-height: 8px; max-height: 8px; border-radius: 4px; }
QProgressBar[scale="big"]::chunk { border-radius: 4px; }
QProgressBar[tone="warn"]::chunk { background: $warn; }
QProgressBar[tone="soft"]::chunk { background: $s0; }
QProgressBar[tone="page"] { background: $line; }
QScrollBar:vertical { background: transparent; width: 10px; margin: 0; }
QScrollBar:horizontal { background: transparent; height: 10px; margin: 0; }
QScrollBar::handle { background: $edge; border-radius: 3px; margin: 2px; min-height: 28px; min-width: 28px; }
QScrollBar::handle:hover { background: $soft; }
QScrollBar::add-line, QScrollBar::sub-line { width: 0; height: 0; }
QScrollBar::add-page, QScrollBar::sub-page { background: transparent; }
QMenu { background: $panel; border: 1px solid $line; padding: 4px; color: $ink; }
QMenu::item { padding: 6px 24px 6px 12px; border-radius: 4px; }
QMenu::item:selected { background: $brand_soft; color: $ink; }
QMenu::item:disabled { color: $edge; }
QSplitter::handle { background: transparent; }
"""

_TEMPLATE = Template(_BASE + _FRAMES + _BUTTONS + _FIELDS + _LISTS)


def style_sheet(scheme: Scheme) -> str:
    """Return the style sheet of `scheme` with the colors of the token table."""
    colors = {name.replace("-", "_"): value for name, value in TOKENS[scheme].items()}
    return _TEMPLATE.substitute(colors, scheme=scheme)
