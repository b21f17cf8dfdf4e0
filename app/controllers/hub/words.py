"""Describe hub tasks in plain words and recognize the task that a user's words mean."""

import re

from workers.contracts.translation import _


def task_choices() -> tuple[tuple[str, str], ...]:
    """Return (id, description) of the tasks in the filter above the list, in this order."""
    names = {
        "image-classification": _("Tell pictures apart"),
        "object-detection": _("Find objects"),
        "image-to-text": _("Read text"),
        "automatic-speech-recognition": _("Hear speech"),
        "translation": _("Translate"),
        "sentence-similarity": _("Search by meaning"),
        "text-classification": _("Sort texts"),
        "text-to-image": _("Draw"),
    }
    return tuple(names.items())


def does_words(task: str | None) -> str:
    """Return what a model of this task does; a task without a description is shown by the hub's name."""
    names = {
        "image-classification": _("Tells pictures apart"),
        "zero-shot-image-classification": _("Matches pictures with words"),
        "object-detection": _("Finds objects"),
        "zero-shot-object-detection": _("Finds what you name"),
        "image-segmentation": _("Outlines objects"),
        "depth-estimation": _("Estimates how far things are"),
        "image-feature-extraction": _("Compares pictures"),
        "image-to-text": _("Reads text, names pictures"),
        "image-text-to-text": _("Talks about pictures"),
        "text-classification": _("Sorts texts"),
        "zero-shot-classification": _("Sorts texts by your own labels"),
        "token-classification": _("Marks words in texts"),
        "question-answering": _("Finds answers in texts"),
        "fill-mask": _("Fills in missing words"),
        "summarization": _("Shortens texts"),
        "translation": _("Translates"),
        "text-generation": _("Writes texts"),
        "text2text-generation": _("Rewrites texts"),
        "sentence-similarity": _("Searches by meaning"),
        "feature-extraction": _("Searches by meaning"),
        "automatic-speech-recognition": _("Hears speech"),
        "audio-classification": _("Tells sounds apart"),
        "voice-activity-detection": _("Detects speech"),
        "text-to-speech": _("Speaks"),
        "text-to-image": _("Draws"),
        "image-to-image": _("Changes pictures"),
        "tabular-classification": _("Sorts rows of tables"),
        "tabular-regression": _("Predicts numbers"),
        "time-series-forecasting": _("Predicts what comes"),
    }
    return names.get(task or "", (task or "").replace("-", " "))


def understood(text: str) -> tuple[str, str]:
    """Return (task, remaining words): “recognize pictures of birds” means a task and “birds”.

    Without a known phrase the result is ("", text). The hub then searches for the words in model names.
    """
    flat = " ".join(text.casefold().split())
    for task, phrases in _phrases().items():
        for phrase in phrases:
            found = re.match(rf"{re.escape(phrase)}(?!\w)[\s,:]*(?:(?:of|in|from|for|with)(?!\w)\s*)?", flat)
            if found:
                return task, flat[found.end() :]
    return "", text.strip()


def _phrases() -> dict[str, list[str]]:
    """Return the phrases of each task in the user's language, the longest first.

    Each task has one translated text with its phrases separated by bars.
    """
    phrases = {
        "object-detection": _("find things in pictures|find objects|find things|detect objects|object detection"),
        "image-classification": _(
            "recognize pictures|tell pictures apart|sort pictures|classify pictures|name what it sees|recognize images"
            "|classify images|image classification|recognize photos|sort photos"
        ),
        "image-to-text": _("read text|read writing|ocr"),
        "automatic-speech-recognition": _("hear speech|understand speech|write down speech|speech to text"),
        "translation": _("translate|translation"),
        "sentence-similarity": _("search by meaning|find alike texts|compare texts|semantic search"),
        "text-classification": _("sort texts|tell texts apart|classify texts|text classification|sentiment"),
        "text-to-image": _("draw pictures|draw|paint"),
    }
    return {task: sorted(text.casefold().split("|"), key=len, reverse=True) for task, text in phrases.items()}
