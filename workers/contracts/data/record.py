"""Where a person's data come from and whether they may be used: three answers, kept in the project, told in the card.

The questions are those of MAP 4.1 and A.7.5 of the evidence map: provenance, rights, people.
"""

from typing import Literal

from workers.contracts.base import Frozen


class DataRecord(Frozen):
    """`made_by` who made the examples; `may_use` whether they may be used for this; `people` whether they show people
    or hold private data. None is not answered. `answered_at` is ISO 8601, UTC; `data` names the folder or file.
    """

    made_by: Literal["me", "others_open", "others_bought", "made", "unknown"] | None = None
    may_use: Literal["yes", "conditions", "no", "unknown"] | None = None
    people: Literal["no", "agreed", "yes", "unknown"] | None = None
    answered_at: str = ""
    data: str = ""

    @property
    def is_empty(self) -> bool:
        """Whether nothing was answered."""
        return self.made_by is None and self.may_use is None and self.people is None
