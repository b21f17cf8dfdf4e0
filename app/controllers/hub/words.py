"""Describe hub tasks in plain words and recognize the task that a user's words mean."""

import re

from app.controllers.words import tr


def task_choices() -> tuple[tuple[str, str], ...]:
    """Return (id, description) of the tasks in the filter above the list, in this order."""
    names = {
        "image-classification": tr("Tell pictures apart"),
        "object-detection": tr("Find objects"),
        "image-to-text": tr("Read text"),
        "automatic-speech-recognition": tr("Hear speech"),
        "translation": tr("Translate"),
        "sentence-similarity": tr("Search by meaning"),
        "text-classification": tr("Sort texts"),
        "text-to-image": tr("Draw"),
    }
    return tuple(names.items())


def does_words(task: str | None) -> str:
    """Return what a model of this task does; a task without a description is shown by the hub's name."""
    names = {
        "image-classification": tr("Tells pictures apart"),
        "zero-shot-image-classification": tr("Matches pictures with words"),
        "object-detection": tr("Finds objects"),
        "zero-shot-object-detection": tr("Finds what you name"),
        "image-segmentation": tr("Outlines objects"),
        "depth-estimation": tr("Tells how far things are"),
        "image-feature-extraction": tr("Compares pictures"),
        "image-to-text": tr("Reads text, names pictures"),
        "image-text-to-text": tr("Talks about pictures"),
        "text-classification": tr("Sorts texts"),
        "zero-shot-classification": tr("Sorts texts as you name"),
        "token-classification": tr("Marks words in texts"),
        "question-answering": tr("Finds answers in texts"),
        "fill-mask": tr("Fills in missing words"),
        "summarization": tr("Shortens texts"),
        "translation": tr("Translates"),
        "text-generation": tr("Writes texts"),
        "text2text-generation": tr("Rewrites texts"),
        "sentence-similarity": tr("Searches by meaning"),
        "feature-extraction": tr("Searches by meaning"),
        "automatic-speech-recognition": tr("Hears speech"),
        "audio-classification": tr("Tells sounds apart"),
        "voice-activity-detection": tr("Hears whether someone speaks"),
        "text-to-speech": tr("Speaks"),
        "text-to-image": tr("Draws"),
        "image-to-image": tr("Changes pictures"),
        "tabular-classification": tr("Sorts rows of tables"),
        "tabular-regression": tr("Predicts numbers"),
        "time-series-forecasting": tr("Predicts what comes"),
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
    told = {
        "object-detection": tr("find things in pictures|find objects|find things|detect objects|object detection"),
        "image-classification": tr(
            "recognize pictures|tell pictures apart|sort pictures|classify pictures|name what it sees|recognize images"
            "|classify images|image classification|recognize photos|sort photos"
        ),
        "image-to-text": tr("read text|read writing|ocr"),
        "automatic-speech-recognition": tr("hear speech|understand speech|write down speech|speech to text"),
        "translation": tr("translate|translation"),
        "sentence-similarity": tr("search by meaning|find alike texts|compare texts|semantic search"),
        "text-classification": tr("sort texts|tell texts apart|classify texts|text classification|sentiment"),
        "text-to-image": tr("draw pictures|draw|paint"),
    }
    return {task: sorted(text.casefold().split("|"), key=len, reverse=True) for task, text in told.items()}
