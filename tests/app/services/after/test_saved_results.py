"""Tests of results as signed files: from one data folder to another, tampered, hostile, accepted and removed."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from finished_run import finished_folder
from spaces import opened_space

from app.domain.saved_result import MOST_BYTES, MOST_DEPTH, SavedMachine, Signer, family
from app.services.after.saved_results import (
    MOST_RESULTS,
    RESULT,
    accept_signer,
    add_result,
    own_machine,
    own_recipes,
    read_result,
    remove_result,
    save_result,
    saved_result,
    shown_results,
)
from app.services.flow.steps import JobError
from app.services.flow.workspace import Workspace
from app.services.records.facts import RunFacts, read_facts
from app.services.records.run_records import MACHINE
from app.signing_key import fingerprint, make_own_key, own_key
from workers.contracts.specs import DeviceFacts, Recipe, RecipeStep

HERE = DeviceFacts(
    processor="AMD EPYC 7B13", cores=2, memory_bytes=8 << 30, features=("avx2", "avx512"), os="Linux 6.1"
)
THERE = HERE.model_copy(update={"processor": "AMD EPYC 9354 32-Core Processor", "memory_bytes": 16 << 30})


@dataclass
class Place:
    """One Fettle with the finished run "r1" of the sample, and a folder for files."""

    space: Workspace
    folder: Path

    @property
    def facts(self) -> RunFacts:
        return read_facts(self.space, "r1")

    def save(self, name: str = "a.json", **how: Any) -> Path:
        save_result(self.space, self.facts, self.folder / name, **how)
        return self.folder / name

    def open(self, path: Path) -> str:
        item, opened = read_result(path)
        add_result(self.space, self.facts.project, item, opened)
        return item


def opened_place(root: Path, device: DeviceFacts) -> Iterator[Place]:
    with opened_space(finished_folder(root) / "data") as space:
        space.repositories.records.put(MACHINE, "r1", device)
        yield Place(space, root)


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Place]:
    yield from opened_place(tmp_path / "here", HERE)


@pytest.fixture
def there(tmp_path: Path) -> Iterator[Place]:
    yield from opened_place(tmp_path / "there", THERE)


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return the content of one signed file, for tests that change it."""
    for place in opened_place(tmp_path_factory.mktemp("signed"), THERE):
        return dict(json.loads(place.save().read_text()))
    raise AssertionError


def code_of(work: Callable[[], object]) -> str:
    with pytest.raises(JobError) as raised:
        work()
    assert raised.value.exit_code == 3
    return raised.value.error.code


def written(folder: Path, content: object) -> Path:
    path = folder / "file.json"
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return path


def test_saved_result_is_shown_in_another_data_folder_and_changes_nothing_there(here: Place, there: Place) -> None:
    """Given a result saved elsewhere, when this Fettle opens it, then it is shown with figures, likeness and signer, and
    the own run stays as it was; accepting the key makes it known, and removing it leaves nothing."""
    before = (here.facts.run, here.facts.variants)
    item = here.open(there.save())
    (shown,) = shown_results(here.space, here.facts)
    result, key = shown.opened.result, fingerprint(own_key(there.space.paths))
    assert (shown.item, shown.is_like, shown.signer, shown.opened.signed_by) == (item, True, Signer.NEW, key)
    assert result.best is not None and result.best.figures.speedup == 2.0 and result.best.figures.speedup_low == 1.9
    assert result.best.verdict.n == 48 and result.best.verdict.verdict == there.facts.variants[1].judgement.verdict
    assert result.original.figures.speedup is None and result.limit_pct == 1.0
    assert own_recipes(here.facts)[result.best.recipe].id == "v1" == here.facts.run.recommended_variant_id
    assert result.best.sha256 == saved_result(here.space, here.facts).versions[0].sha256 is not None
    assert (here.facts.run, here.facts.variants) == before
    accept_signer(here.space, key)
    assert shown_results(here.space, here.facts)[0].signer is Signer.KNOWN
    assert own_machine(here.space, result.model_sha256).cores == 2 and own_machine(here.space, "0" * 64) is None
    remove_result(here.space, "p1", item)
    assert shown_results(here.space, here.facts) == () and not here.space.repositories.records.items(RESULT, "p1")


def test_file_holds_neither_data_nor_names(there: Place) -> None:
    """Given a run whose recipe names a file and a layer, when its result is saved, then the file holds none of the names
    of classes, files, projects and account, and it says which engines were used."""
    version = there.facts.variants[1]
    params = {"bits": 8, "keep": ["/secret/layer", "Softmax"], "at": "/home/kim", "shape": [1, 3]}
    recipe = Recipe(title="My secret recipe", steps=(RecipeStep(technique="int8_static", params=params),))
    there.space.repositories.variants.update(replace(version, recipe=recipe, title="My secret recipe"))
    text = there.save().read_text()
    assert json.loads(text)["result"]["versions"][0]["steps"][0]["params"] == {"bits": 8, "shape": [1, 3]}
    assert {"fettle", "onnxruntime"} <= json.loads(text)["result"]["engines"].keys()
    for secret in ("secret", "kim", "Clothes", "shirt", "Sneaker", str(there.folder), "Linux", ".npz"):
        assert secret not in text, secret


def test_own_result_and_another_key_are_told_apart(here: Place, there: Place) -> None:
    """Given a file of this Fettle and one signed with a key file, then the first is signed by the own key."""
    here.open(here.save())
    key = make_own_key(there.space.paths)
    here.open(here.save("b.json", key=key))
    assert {one.signer for one in shown_results(here.space, here.facts)} == {Signer.OWN, Signer.NEW}


def paths_in(value: object, at: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Yield the place of each value in a document."""
    if isinstance(value, (dict, list)) and value:
        for key in value if isinstance(value, dict) else range(len(value)):
            yield from paths_in(value[key], (*at, key))
    else:
        yield at


def other(value: object) -> object:
    """Return another valid-looking value of the same type."""
    if isinstance(value, bool) or value is None:
        return not value
    if isinstance(value, (int, float)):
        return value + 1
    return {"": "x"}.get(value, f"{value[:-1]}{'1' if value[-1] != '1' else '2'}") if isinstance(value, str) else ["x"]


def test_every_changed_or_removed_field_is_refused(signed: dict[str, Any], tmp_path: Path) -> None:
    """Given a signed file, when any one of its values is changed or removed, then it is refused as changed."""
    places = list(paths_in(signed))
    assert len(places) > 90
    read_result(written(tmp_path, signed))
    for place in places:
        for removes in (False, True):
            changed = json.loads(json.dumps(signed))
            holder = changed
            for key in place[:-1]:
                holder = holder[key]
            if removes:
                del holder[place[-1]]
            else:
                holder[place[-1]] = other(holder[place[-1]])
            is_format = place == ("format",)
            expected = {True: {"result_unreadable", "result_other_format"}, False: {"result_changed"}}[is_format]
            assert code_of(lambda changed=changed: read_result(written(tmp_path, changed))) in expected, place


def unsigned(signed: dict[str, Any], **result: object) -> dict[str, Any]:
    return {"format": signed["format"], "result": signed["result"] | result}


def test_unsigned_file_is_shown_as_such(signed: dict[str, Any], here: Place) -> None:
    """Given a file without key and signature, then it is opened and said to be unsigned."""
    here.open(written(here.folder, unsigned(signed)))
    assert shown_results(here.space, here.facts)[0].signer is Signer.NONE


IMPOSSIBLE = {
    "negative": {"limit_pct": -1},
    "text for a figure": {"limit_pct": "1"},
    "no such version": {"recommended": 99},
    "unknown field": {"data": [1, 2]},
    "bad hash": {"model_sha256": "../../etc/passwd"},
    "no day": {"measured_on": "2026-13-01"},
    "engine with markup": {"engines": {"onnxruntime": "<b>1.2</b>"}},
    "no cores": {"machine": {"processor": "p", "cores": 0, "memory_bytes": 1}},
    "turned text": {"machine": {"processor": "p\u202e", "cores": 1, "memory_bytes": 1}},
    "long text": {"machine": {"processor": "p" * 500, "cores": 1, "memory_bytes": 1}},
    "huge whole number": {"machine": {"processor": "p", "cores": 1, "memory_bytes": 10**400}},
    "many cards": {"machine": {"processor": "p", "cores": 1, "memory_bytes": 1, "cards": ["c"] * 65}},
}


@pytest.mark.parametrize("change", IMPOSSIBLE.values(), ids=IMPOSSIBLE)
def test_impossible_figures_are_refused(signed: dict[str, Any], tmp_path: Path, change: dict[str, Any]) -> None:
    """Given an unsigned file with a field out of bounds, then it is refused for that."""
    assert code_of(lambda: read_result(written(tmp_path, unsigned(signed, **change)))) == "result_figures"


@pytest.mark.parametrize("number", ["NaN", "-Infinity", "1e999", "-38.0", "0"])
def test_times_that_no_clock_shows_are_refused(signed: dict[str, Any], tmp_path: Path, number: str) -> None:
    """Given a latency that is no positive finite number, then the file is refused for its figures."""
    text = json.dumps(unsigned(signed)).replace('"latency_p50_ms": 2.0', f'"latency_p50_ms": {number}')
    assert number in text
    assert code_of(lambda: read_result(written(tmp_path, text.encode()))) == "result_figures"


def test_refusal_repeats_no_control_characters(signed: dict[str, Any], tmp_path: Path) -> None:
    """Given names of fields and formats with codes of terminals, then the refusal names them without these."""
    for content in ({"format": "fettle-result/\x1b[31m"}, unsigned(signed) | {"\x1b[31m": 1}):
        with pytest.raises(JobError) as raised:
            read_result(written(tmp_path, content))
        assert "[31m" in str(raised.value) and "\x1b" not in str(raised.value)


def nested(depth: int) -> bytes:
    return b'{"format": "fettle-result/1", "result": ' + b"[" * depth + b"]" * depth + b"}"


HOSTILE = {
    "empty": (b"", "result_unreadable"),
    "no JSON": (b'{"format": "fettle-result/1"', "result_unreadable"),
    "a list": (b'["fettle-result/1"]', "result_unreadable"),
    "no text": (b"\xff\xfe\x00", "result_unreadable"),
    "another file": (b'{"format": "other/1"}', "result_unreadable"),
    "later format": (b'{"format": "fettle-result/2", "result": {}}', "result_other_format"),
    "huge": (b'{"format": "fettle-result/1", "x": "' + b"a" * MOST_BYTES + b'"}', "result_unreadable"),
    "nested": (nested(MOST_DEPTH), "result_unreadable"),
    "deeply nested": (nested(100_000), "result_unreadable"),
    "divided": (b'{"format": "fettle-result/1", "x": [' + b'"",' * 20_000 + b'""]}', "result_unreadable"),
    "quotes": (b'"' + b'\\"' * 100_000, "result_unreadable"),
    "twice": (b'{"format": "fettle-result/1", "format": "fettle-result/1"}', "result_unreadable"),
    "digits": (b'{"format": "fettle-result/1", "x": ' + b"1" * 10_000 + b"}", "result_unreadable"),
    "no result": (b'{"format": "fettle-result/1"}', "result_figures"),
    "key without signature": (b'{"format": "fettle-result/1", "public_key": "x"}', "result_changed"),
    "key of a wrong type": (b'{"format": "fettle-result/1", "public_key": [1], "signature": {}}', "result_changed"),
    "lone surrogate": (b'{"format": "fettle-result/1", "public_key": "\\ud800", "signature": "x"}', "result_changed"),
}


@pytest.mark.parametrize(("data", "code"), HOSTILE.values(), ids=HOSTILE)
def test_hostile_files_are_refused_quickly(tmp_path: Path, data: bytes, code: str) -> None:
    """Given a file that is broken, huge, nested or of another format, then it is refused by name."""
    assert code_of(lambda: read_result(written(tmp_path, data))) == code


def test_other_model_is_refused_and_the_right_project_is_named(signed: dict[str, Any], here: Place) -> None:
    """Given a result about another model, then it is refused; if another project has that model, the hint names it."""
    item, opened = read_result(written(here.folder, unsigned(signed, model_sha256="ab" * 32)))
    project = here.facts.project
    assert code_of(lambda: add_result(here.space, project, item, opened)) == "result_other_model"
    here.space.repositories.projects.add(replace(project, id="p2", name="Other one", model_sha256="ab" * 32))
    with pytest.raises(JobError) as raised:
        add_result(here.space, project, item, opened)
    assert "Other one" in raised.value.error.hint
    assert code_of(lambda: add_result(here.space, None, item, opened)) == "result_other_model"


def test_results_of_a_project_are_bounded(signed: dict[str, Any], here: Place) -> None:
    """Given as many results as a project may hold, then another one is refused, and a known one may come again."""
    for number in range(MOST_RESULTS):
        here.open(written(here.folder, unsigned(signed, limit_pct=number)))
    assert code_of(lambda: here.open(written(here.folder, unsigned(signed, limit_pct=99)))) == "result_too_many"
    here.open(written(here.folder, unsigned(signed, limit_pct=0)))
    assert len(shown_results(here.space, here.facts)) == MOST_RESULTS


def test_what_cannot_be_saved_is_said(here: Place) -> None:
    """Given a key that is none, a folder that is missing and a run without a machine, then each is refused by name."""
    no_key = written(here.folder, b"no key")
    assert code_of(lambda: here.save(key=no_key)) == "result_key_unusable"
    assert code_of(lambda: here.save("missing/a.json")) == "result_not_saved"
    assert code_of(lambda: read_result(here.folder / "missing.json")) == "result_unreadable"
    here.space.repositories.records.delete(MACHINE, "r1")
    assert code_of(here.save) == "result_not_measured"


@pytest.mark.parametrize(
    ("first", "second", "is_like"),
    [
        ("AMD EPYC 7B13", "AMD EPYC 9354 32-Core Processor", True),
        ("Intel(R) Xeon(R) CPU @ 2.20GHz", "Intel(R) Xeon(R) Processor @ 2.60GHz", True),
        ("Intel(R) Xeon(R) CPU @ 2.20GHz", "Intel(R) Core(TM) i7-1370P", False),
        ("AMD EPYC 7B13", "Intel Xeon", False),
        ("Neoverse-N1", "Neoverse-V2", False),
    ],
)
def test_computers_are_alike_by_family_features_and_cores(first: str, second: str, is_like: bool) -> None:
    """Given two processors with the same features and cores, then their family decides."""
    one = SavedMachine(processor=first, features=("avx2",), cores=2, memory_bytes=1)
    two = one.model_copy(update={"processor": second, "memory_bytes": 2})
    assert one.is_like(two) is is_like and family(first)
    assert not one.is_like(two.model_copy(update={"cores": 4}))
    assert not one.is_like(two.model_copy(update={"features": ()}))
