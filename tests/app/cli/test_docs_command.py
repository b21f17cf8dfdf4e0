"""`fettle docs`: the list of task pages, one page as text, and an unknown topic."""

import json

import pytest

from app.cli.main import main
from app.help import TOPICS, task_pages


def test_docs_without_topic_lists_all_topics(capsys: pytest.CaptureFixture[str]) -> None:
    """Given no topic, Then topics and titles are listed, as text and as JSON."""
    assert main(["docs"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == list(TOPICS)
    assert main(["docs", "--json"]) == 0
    expected = [{"topic": page.topic, "title": page.title} for page in task_pages().values()]
    assert json.loads(capsys.readouterr().out) == {"topics": expected}


@pytest.mark.parametrize("topic", TOPICS)
def test_docs_prints_a_page_as_plain_text(topic: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Given a topic, Then its page is printed without marks of pictures and bold letters, and is the same in JSON."""
    assert main(["docs", topic]) == 0
    text = capsys.readouterr().out
    assert text.startswith(f"{task_pages()[topic].title}\n\n")
    assert "**" not in text and "![" not in text and "pictures/" not in text
    assert main(["docs", topic, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document == {"topic": topic, "title": task_pages()[topic].title, "text": text.rstrip("\n")}


def test_docs_of_unknown_topic_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    """Given a topic that does not exist, Then the exit code is 2 and all topics are named."""
    assert main(["docs", "cooking"]) == 2
    told = capsys.readouterr().err
    assert all(topic in told for topic in TOPICS)
    assert main(["docs", "cooking", "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "usage"
