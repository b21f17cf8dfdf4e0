"""Write the user's answers about the examples for the section "Test data" of the model card."""

from workers.contracts.data.record import DataRecord

MADE_BY = {
    "me": "the person who made this bundle, or their team",
    "others_open": "others, who published them",
    "others_bought": "others, from whom that person has them",
    "made": "a program",
    "unknown": "not known",
}
MAY_USE = {"yes": "yes", "conditions": "yes, under conditions", "no": "no, or not for selling", "unknown": "not known"}
PEOPLE = {"no": "no", "agreed": "yes, and these people agreed", "yes": "yes", "unknown": "not known"}
NOT_ANSWERED = "not answered"


def record_lines(record: DataRecord) -> str:
    """Return three lines of Markdown and the date of the user's answers, which Fettle did not check."""
    rows = (
        ("Who made the examples", MADE_BY.get(record.made_by or "", NOT_ANSWERED)),
        ("May they be used for this", MAY_USE.get(record.may_use or "", NOT_ANSWERED)),
        ("Do they show people or private things", PEOPLE.get(record.people or "", NOT_ANSWERED)),
    )
    lines = [f"- {question}? {answer[:1].upper()}{answer[1:]}." for question, answer in rows]
    day = f" on {record.answered_at[:10]}" if record.answered_at else ""
    return f"\nSaid by the person who made this bundle{day}, not checked:\n\n" + "\n".join(lines) + "\n"
