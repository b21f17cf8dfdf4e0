"""Origin and permissions of the user's data: three answers, stored in the project and shown in the card.

The questions are those of MAP 4.1 and A.7.5 of the evidence map: provenance, rights, people.
"""

from typing import Literal

from workers.contracts.base import Frozen


class DataRecord(Frozen):
    """The user's answers about one data set; None means not answered.

    Attributes:
        made_by: Who made the examples.
        may_use: Whether the examples may be used for this purpose.
        people: Whether the examples show people or hold private data.
        answered_at: ISO 8601, UTC.
        data: Name of the folder or file.
    """

    made_by: Literal["me", "others_open", "others_bought", "made", "unknown"] | None = None
    may_use: Literal["yes", "conditions", "no", "unknown"] | None = None
    people: Literal["no", "agreed", "yes", "unknown"] | None = None
    answered_at: str = ""
    data: str = ""

    @property
    def is_empty(self) -> bool:
        """Return whether no question was answered."""
        return self.made_by is None and self.may_use is None and self.people is None
