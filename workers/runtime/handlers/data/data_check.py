"""Job kind ``data_check``: duplicates, leakage, label errors, balance, drift, license, private data."""

from workers.contracts.data.checks import DataCheckParams, DataCheckResult
from workers.contracts.techniques import HandlerSpec
from workers.evaluate.checks.job import check_data

HANDLER = HandlerSpec(
    "data_check",
    DataCheckParams,
    DataCheckResult,
    check_data,
    preload=("cleanlab.filter", "sklearn.covariance", "sklearn.decomposition", "sklearn.linear_model"),
)
