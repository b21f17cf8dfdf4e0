"""kind ``hub_download``: files of one commit, whole and verified, into a folder that outlives the job."""

from workers.contracts.hub import HubDownloadParams, HubDownloadResult
from workers.contracts.process.context import JobContext
from workers.contracts.techniques import HandlerSpec


def run(params: HubDownloadParams, ctx: JobContext) -> HubDownloadResult:
    """See `workers.hub.download`."""
    from workers.hub.download import download

    return download(params, ctx)


HANDLER = HandlerSpec("hub_download", HubDownloadParams, HubDownloadResult, run)
