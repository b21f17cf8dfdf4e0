"""Job kind ``doctor``: which way of preparing the inputs fits the model."""

from workers.contracts.data.doctor import DoctorParams, DoctorResult
from workers.contracts.techniques import HandlerSpec
from workers.evaluate.doctor.job import examine

HANDLER = HandlerSpec("doctor", DoctorParams, DoctorResult, examine)
