"""The corpus of hostile files through the code path of the commands and the window, with real sandboxed workers."""

import os
from collections.abc import Iterable
from pathlib import Path

import pytest
from doors import Times, complaint, drive, expected, inspect, leftovers, open_
from hostile_corpus.base import EITHER, OPEN, Entry

from app.services.flow.workspace import Workspace
from app.services.opening.opening import open_model
from workers.contracts.jobs import OpenParams

SOME = (
    "onnx_truncated_half.onnx", "onnx_empty.onnx", "onnx_random_bytes.onnx", "onnx_is_html_login.onnx",
    "onnx_is_lfs_pointer.onnx", "pt_is_onnx.pt", "onnx_proto_len_overflow.onnx", "onnx_no_outputs.onnx",
    "onnx_huge_input_dim.onnx", "onnx_init_claims_4TiB.onnx", "onnx_init_dtype_999.onnx", "onnx_cycle.onnx",
    "onnx_unknown_domain.onnx", "onnx_opset_999.onnx", "onnx_nested_if_2000.onnx", "onnx_function_bomb_2e29.onnx",
    "onnx_infinite_loop.onnx", "onnx_memory_bomb_run.onnx", "onnx_constfold_bomb_load.onnx", "onnx_gather_oob.onnx",
    "onnx_treeensemble_feature_oob.onnx", "onnx_conv_group_0.onnx", "onnx_epcontext_traversal.onnx",
    "onnx_html_in_names.onnx", "ext_ok/model.onnx", "ext_absolute/model.onnx", "ext_hidden_dotdot/model.onnx",
    "ext_symlink_dir/model.onnx", "ext_hardlink/model.onnx", "ext_missing/model.onnx", "ext_fifo/model.onnx",
    "ext_proc_mem_tag/model.onnx", "pkl_os_system_p0.bin", "pkl_os_system_p4.bin", "pkl_code_interp.pkl",
    "pkl_broken_after_payload.pkl", "pkl_dos_billion_laughs.pkl", "pkl_deep_tuple.pkl", "torch_legacy_evil_third.pt",
    "tz_evil_plain.pt", "tz_evil_flag_0x20.pt", "tz_evil_second_pickle.pt", "tz_evil_dup_member.pt",
    "torch_storage_size_lie.pt", "torch_full_module.pt", "torch_statedict_ok.pt", "ts_from_file_write.pt",
    "ts_deep_code.pt", "st_ok.safetensors", "st_overlap.safetensors", "st_dup_keys.safetensors",
    "st_deep_json.safetensors", "zip_ok.zip", "zip_slip_dotdot.zip", "zip_symlink_dir_then_write.zip",
    "zip_folder_with_pickle.zip", "zip_bomb_declared_small_lie.zip", "zip_bomb_nested.zip", "name_notutf8/raw\ufffd\ufffd.onnx",
    "name_shell/a;touch $HOSTILE_CANARY_DIR`id`&.onnx", "name_newline/two\nlines.onnx", "odd_fifo.onnx",
    "odd_symlink_devzero.onnx", "hf_auto_map.zip", "chat_template_ssti.json", "card_yaml_python.md",
)  # fmt: skip
"""Of every kind of trick one or two."""

LATER = {
    "onnx_no_inputs.onnx": "no_input",
    "onnx_missing_shape.onnx": "does_not_run",
    "onnx_nan_weights.onnx": "not_finite",
    "onnx_inf_weights.onnx": "not_finite",
    "onnx_zero_dim_batch.onnx": "does_not_run",
    "onnx_infinite_loop.onnx": "took_too_long",
    "onnx_memory_bomb_run.onnx": "out_of_memory",
    "ts_ok.pt": "needs_consent",
    "ts_infinite_loop.pt": "needs_consent",
    "ts_memory_bomb.pt": "needs_consent",
    "hf_auto_map.zip": "no_tokenizer",
}
"""Files that can be inspected but are refused when they are opened. The others: see `opens_later`."""

NO_WEIGHTS = (
    "onnx_neg_dim", "onnx_huge_input_dim", "onnx_dim_product_overflow", "onnx_deep_10k_nodes", "onnx_nested_if_10",
    "onnx_string_input", "onnx_sequence_input", "onnx_optional_input", "onnx_input_",
)  # fmt: skip
UNKNOWN = ("st_", "torch_legacy_ok", "torch_nan_weights", "torch_statedict_ok")
ENGINE_LACKS = {
    "onnx_input_complex64.onnx": "cannot_load",
    "onnx_input_int4.onnx": "unsupported_operator",
    "onnx_input_uint4.onnx": "unsupported_operator",
    "onnx_input_fp4e2m1.onnx": "unsupported_operator",
    "zip_two_models.zip": "several_models",
}
"""The index allows to open these, or to refuse with a clear reason; with several models, to ask for one of them."""


def opens_later(entry: Entry) -> str:
    """The code of the refusal when a file that can be inspected is opened; empty where it opens."""
    if expected(entry) != OPEN and entry.expected != EITHER:
        return ""
    if entry.file.startswith(NO_WEIGHTS):
        return "no_weights"
    return "unknown_architecture" if entry.file.startswith(UNKNOWN) else LATER.get(entry.file, "")


def looked_at(space: Workspace, entries: Iterable[Entry], files: dict[str, Path], times: Times) -> list[str]:
    """Inspect all entries; return the errors."""
    wrong = []
    for entry in entries:
        verdict = inspect(space, files[entry.file])
        times.note(verdict)
        if entry.file in ENGINE_LACKS:
            wrong += [f"{entry.file}: {verdict}"] * (verdict.code not in ("", ENGINE_LACKS[entry.file]))
        elif text := complaint(entry, verdict):
            wrong.append(text)
    return wrong


def worked_with(space: Workspace, entries: Iterable[Entry], files: dict[str, Path], times: Times) -> list[str]:
    """Take all entries through the complete workflow; return the errors. A file may cause a refusal in words, no more."""
    wrong = []
    for entry in entries:
        verdict = open_(space, files[entry.file])
        times.note(verdict)
        wanted = "" if entry.file in ENGINE_LACKS else opens_later(entry)
        if wanted and verdict.code != wanted:
            wrong.append(f"{entry.file} should be refused as {wanted}: {verdict}")
        elif not wanted and entry.file not in ENGINE_LACKS and (text := complaint(entry, verdict)):
            wrong.append(text)
    return wrong


def refused_when_worked_with(name: str) -> bool:
    """Two that only the runtime itself sees through, when it loads or runs them."""
    return name in ("onnx_constfold_bomb_load.onnx", "onnx_gather_oob.onnx")


def tree(folder: Path) -> set[Path]:
    """All that lies there, through no link."""
    return {Path(place) / name for place, *names in os.walk(folder) for part in names for name in part}


def check_nothing_happened(space: Workspace, corpus: Path, canary: Path, before: set[Path]) -> None:
    assert list(canary.iterdir()) == [], "something was executed"
    assert leftovers(space) == []
    assert tree(corpus) == before
    assert not any((folder / "escape").exists() for folder in (space.jobs, *space.jobs.parents))


def go_through(space: Workspace, chosen: list[Entry], files: dict[str, Path], corpus: Path, canary: Path) -> Times:
    """The complete workflow for what may be opened, looking for all; then the marks that something would have left."""
    before, times = tree(corpus), Times([])
    late = [entry for entry in chosen if refused_when_worked_with(entry.file)]
    wrong = looked_at(space, [entry for entry in chosen if entry not in late], files, times)
    openable = [entry for entry in chosen if expected(entry) == OPEN or entry in late]
    wrong += worked_with(space, openable, files, times)
    assert not wrong, "\n".join(wrong)
    check_nothing_happened(space, corpus, canary, before)
    return times


@pytest.mark.whole
def test_some_of_every_kind(
    space: Workspace, entries: dict[str, Entry], files: dict[str, Path], corpus: Path, canary: Path
) -> None:
    """Given a trick of nearly every kind, Then each ends as the index expects, in words, and nothing ran."""
    go_through(space, [entries[name] for name in SOME[::4]], files, corpus, canary)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_all_of_them(
    space: Workspace, entries: dict[str, Entry], files: dict[str, Path], corpus: Path, canary: Path
) -> None:
    """Given the whole corpus, Then each ends as the index expects, within its time, and nothing ran."""
    assert len(entries) == 267
    go_through(space, list(entries.values()), files, corpus, canary).check()


@pytest.mark.whole
@pytest.mark.parametrize(
    ("name", "code"),
    [
        pytest.param("ts_infinite_loop.pt", "took_too_long", marks=pytest.mark.slow),  # as onnx_infinite_loop.onnx
        ("ts_memory_bomb.pt", "out_of_memory"),
    ],
)
def test_a_program_that_was_allowed_is_stopped_as_well(
    space: Workspace, files: dict[str, Path], canary: Path, name: str, code: str
) -> None:
    """Given consent for a program that never ends or eats all memory, Then it is stopped and reported."""
    params = OpenParams(path=str(files[name]), allow_code=True, shapes={"x": (1, 4)})
    verdict = drive(space, name, open_model(params))
    assert verdict.code == code, verdict
    assert verdict.exit_code == 3
    assert leftovers(space) == []
    assert list(canary.iterdir()) == []


def test_consent_does_not_open_what_touches_files(space: Workspace, files: dict[str, Path], canary: Path) -> None:
    """Given consent for a program that writes a file, Then it is refused all the same, without running it."""
    verdict = open_(space, files["ts_from_file_write.pt"], allow_code=True)

    assert verdict.code == "unsafe"
    assert list(canary.iterdir()) == []
