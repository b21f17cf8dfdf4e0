"""Run the first two steps of every run: open the model and read the examples, and record both."""

from collections.abc import Iterable

from app.services.flow.steps import Flow, JobError
from app.services.opening.opening import OpenedModel, ReadData, open_model, read_data
from app.services.opening.refusing import other_inputs
from app.services.run.recorder import Recorder
from workers.contracts.jobs import DataParams, OpenParams
from workers.contracts.specs import Finding


def open_first(recorder: Recorder, params: OpenParams) -> Flow[OpenedModel]:
    """Open the model and record it.

    Raises:
        JobError: (exit code 3) A resumed run would get another model.
    """
    recorder.step(0, state="running")
    model = yield from open_model(params, 0)
    known = next((v for v in recorder.variants.values() if v.is_baseline and v.artifact_key), None)
    if known is not None and known.artifact_key != model.key:
        raise JobError(other_inputs(), 3)
    recorder.save_project(model_key=model.key, model_sha256=model.info.sha256, info_json=model.info.model_dump_json())
    recorder.step(0, state="done", detail=model.info.task)
    _report(recorder, model.info.findings)
    return model


def read_second(
    recorder: Recorder, model: OpenedModel, params: DataParams, unsaid: Iterable[str] = ()
) -> Flow[tuple[DataParams, ReadData]]:
    """Read the examples and record them; return the parameters with the model's folder, and the data.

    Findings with a code in `unsaid` are not reported.

    Raises:
        JobError: (exit code 3) A resumed run would get other examples.
    """
    recorder.step(1, state="running")
    whole = params.model_copy(update={"model_dir": str(model.folder)})
    data = yield from read_data(whole, 1, recorder.run.goal.seed)
    if recorder.run.data_key not in (None, data.key):
        raise JobError(other_inputs(), 3)
    made = data.result.origin == "made"
    recorder.step(1, state="done", detail="inputs made by Fettle" if made else f"{data.result.n_test:,} to test with")
    _report(recorder, (finding for finding in data.result.findings if finding.code not in set(unsaid)))
    recorder.save_project(data_path=params.path, data_key=data.key, data_json=data.result.model_dump_json())
    recorder.save(data_key=data.key)
    return whole, data


def _report(recorder: Recorder, findings: Iterable[Finding]) -> None:
    for finding in findings:
        recorder.report(finding)
