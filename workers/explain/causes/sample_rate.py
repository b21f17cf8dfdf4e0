"""Try other sample rates of sounds."""

from collections.abc import Iterable
from dataclasses import replace

from workers.contracts.translation import _
from workers.evaluate.doctor.others import FRAMES, RATES_HZ
from workers.explain.running import CauseKind, Proposal, Runner
from workers.explain.side import Side
from workers.pipeline.spec import AudioSteps

MORE_RATES_HZ = (22_050, 24_000, 32_000, 44_100, 48_000)


def propose(side: Side, steps: AudioSteps, runner: Runner) -> Iterable[Proposal]:
    """Yield each usual rate with the same frames, and with the frames that fit a model of any width."""
    own = (runner.own.sample_rate_hz,) if isinstance(runner.own, AudioSteps) else ()
    width = side.main.shape[-1] if side.main.shape else None
    frames = [(steps.frame_samples, steps.context_samples)]
    if width is None and steps.frame_samples:
        frames += FRAMES
    for rate in dict.fromkeys((*own, *RATES_HZ, *MORE_RATES_HZ)):
        for new, old in dict.fromkeys(frames):
            other = replace(steps, sample_rate_hz=rate, frame_samples=new, context_samples=old)
            if rate != steps.sample_rate_hz:
                words = _("sounds at {0:,} Hz").format(rate)
                yield Proposal(side.with_steps(other), "sample_rate_hz", steps.sample_rate_hz, rate, words)


CAUSE = CauseKind("sample_rate", order=70, steps=AudioSteps, propose=propose)
