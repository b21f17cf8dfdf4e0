"""Commands that the user enters to run a bundle."""

from workers.pipeline.spec import PipelineSpec

INPUTS = {"image": "photo.jpg", "text": '--text "some text"', "audio": "sound.wav", "array": "inputs.npz"}
"""Replacements of "{input}" in a command, by kind of preparation."""


def for_model(commands: tuple[str, ...], spec: PipelineSpec) -> tuple[str, ...]:
    """Return the commands with an input of the model's kind."""
    return tuple(command.replace("{input}", INPUTS[spec.preprocess.kind]) for command in commands)
