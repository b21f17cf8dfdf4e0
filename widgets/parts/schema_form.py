"""Build a form from the JSON schema of a technique's parameters, with bounds, choices and descriptions."""

from collections.abc import Callable, Mapping
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QFormLayout, QWidget

from widgets.parts.fields import ChoiceField, DecimalField, TextField, WholeField
from widgets.parts.format import visible
from widgets.parts.layout import LEFT, STRETCH, held, in_column
from widgets.parts.text import label, words
from widgets.tokens import SPACE_L, SPACE_S
from workers.contracts.translation import _

_INT_LIMIT = 2_000_000_000
LINE_PX = 36


class SchemaForm(QWidget):
    """A form with one field per property; `changed(dict)` carries all parameters, also those without a field."""

    changed = Signal(object)

    def __init__(self, schema: Mapping[str, Any], params: Mapping[str, Any]) -> None:
        """Create the form of `schema` with the current values `params`."""
        super().__init__()
        self._schema = schema
        self._params = dict(params)
        self._form = QFormLayout(self)
        self._form.setContentsMargins(0, 0, 0, 0)
        self._form.setHorizontalSpacing(SPACE_L)
        self._form.setVerticalSpacing(SPACE_S)
        self._form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        for name, raw in self._properties().items():
            self._add(name, self._resolved(raw))

    @property
    def params(self) -> dict[str, Any]:
        """Return all current parameters."""
        return dict(self._params)

    def _properties(self) -> dict[str, Any]:
        properties = self._schema.get("properties", {})
        return dict(properties) if isinstance(properties, Mapping) else {}

    def _resolved(self, raw: Mapping[str, Any]) -> dict[str, Any]:
        """Return the property merged with its reference or its only alternative that is not null."""
        field = dict(raw)
        for part in field.pop("allOf", []):
            field = {**self._resolved(part), **field}
        reference = field.pop("$ref", "")
        if reference:
            name = str(reference).rsplit("/", 1)[-1]
            field = {**dict(self._schema.get("$defs", {}).get(name, {})), **field}
        every = field.pop("anyOf", [])
        options = [option for option in every if option.get("type") != "null"]
        field["nullable"] = field.get("nullable", False) or len(options) < len(every)
        if len(options) == 1:
            field = {**self._resolved(options[0]), **field}
        return field

    def _add(self, name: str, field: Mapping[str, Any]) -> None:
        current = self._params.get(name, field.get("default"))
        widget = self._widget(name, field, current)
        if widget is None:
            return
        title = _(str(field.get("title") or name))
        about = _(str(field.get("description") or ""))
        widget.setObjectName(f"param-{name}")
        widget.setAccessibleName(visible(title))
        widget.setAccessibleDescription(visible(about))
        holder = held(in_column((widget, LEFT), words(about, "caption") if about else None, gap=0))
        shown_title = label(title)
        shown_title.setBuddy(widget)
        shown_title.setMinimumSize(150, LINE_PX)
        widget.setMinimumHeight(LINE_PX)
        self._form.addRow(held(in_column(shown_title, STRETCH)), holder)  # beside the field, not beside field and text

    def _widget(self, name: str, field: Mapping[str, Any], current: Any) -> QWidget | None:
        if "enum" in field or "const" in field:
            return self._choice(name, list(field.get("enum", [field.get("const")])), current)
        kind = field.get("type")
        if kind == "boolean":
            return self._switch(name, bool(current))
        if kind == "integer":
            return self._whole(name, field, current)
        if kind == "number":
            return self._decimal(name, field, current)
        if kind == "string":
            nullable = bool(field.get("nullable"))
            return self._text(name, str(current or ""), lambda text: None if nullable and not text else text)
        items = field.get("items", {})
        if kind == "array" and isinstance(items, Mapping) and items.get("type") == "string":
            joined = ", ".join(str(item) for item in current or ())
            return self._text(name, joined, lambda text: [p.strip() for p in text.split(",") if p.strip()])
        return None

    def _set(self, name: str, value: Any) -> None:
        self._params[name] = value
        self.changed.emit(self.params)

    def _choice(self, name: str, options: list[Any], current: Any) -> ChoiceField:
        box = ChoiceField()
        for option in options:
            box.addItem(str(option).replace("_", " "), option)
        box.setCurrentIndex(options.index(current) if current in options else 0)
        box.currentIndexChanged.connect(lambda _index: self._set(name, box.currentData()))
        return box

    def _switch(self, name: str, current: bool) -> QCheckBox:
        box = QCheckBox(_("yes"))
        box.setChecked(current)
        box.toggled.connect(lambda is_on: self._set(name, is_on))
        return box

    def _whole(self, name: str, field: Mapping[str, Any], current: Any) -> WholeField:
        box = WholeField()
        low = field.get("minimum", field.get("exclusiveMinimum", -1) + 1)
        high = field.get("maximum", field.get("exclusiveMaximum", _INT_LIMIT) - 1)
        nullable = bool(field.get("nullable"))
        low = max(-_INT_LIMIT, int(low)) - nullable
        box.setRange(low, min(_INT_LIMIT, int(high)))
        if nullable:
            box.setSpecialValueText(_("automatic"))
        box.setValue(low if nullable and current is None else int(current or 0))
        box.setMinimumWidth(120)
        box.valueChanged.connect(lambda value: self._set(name, None if nullable and value == low else value))
        return box

    def _decimal(self, name: str, field: Mapping[str, Any], current: Any) -> DecimalField:
        box = DecimalField()
        low = float(field.get("minimum", field.get("exclusiveMinimum", -1e9)))
        high = float(field.get("maximum", field.get("exclusiveMaximum", 1e9)))
        small = high - low <= 2
        box.setDecimals(4 if small else 2)
        step = 10.0 ** -box.decimals()
        low += step if "minimum" not in field and "exclusiveMinimum" in field else 0
        high -= step if "maximum" not in field and "exclusiveMaximum" in field else 0
        nullable = bool(field.get("nullable"))
        low -= step if nullable else 0
        box.setRange(low, high)
        if nullable:
            box.setSpecialValueText(_("automatic"))
        box.setSingleStep(0.05 if small else 1.0)
        box.setValue(low if nullable and current is None else float(current or 0))
        box.setMinimumWidth(120)
        box.valueChanged.connect(
            lambda value: self._set(name, None if nullable and box.text() == box.specialValueText() else value)
        )
        return box

    def _text(self, name: str, current: str, read: Callable[[str], Any]) -> TextField:
        box = TextField(current, max_chars=2000)
        box.setMinimumWidth(240)
        box.editingFinished.connect(lambda: self._set(name, read(box.text())))
        return box
