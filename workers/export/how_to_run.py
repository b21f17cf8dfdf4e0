"""The commands that a person types to run what was written."""

from workers.pipeline.spec import PipelineSpec

INPUTS = {"image": "photo.jpg", "text": '--text "some text"', "audio": "sound.wav", "array": "inputs.npz"}
"""What "{input}" of a command stands for, by kind of preparation."""


def for_model(commands: tuple[str, ...], spec: PipelineSpec) -> tuple[str, ...]:
    """The commands with an input of the model's kind."""
    return tuple(command.replace("{input}", INPUTS[spec.preprocess.kind]) for command in commands)
