"""Handle the commands for a run that pages share: open, continue, extend and repeat."""

from app.controllers import commands as c
from app.controllers.page_controller import ControllerContext
from app.controllers.words import error_value
from app.domain.run import WITH_RESULT, Run
from app.services.opening.opening import other_inputs
from app.services.records.run_records import as_begun
from widgets.commands import OPEN_PROJECT


class RunActions:
    """The handlers of commands for runs, which may belong to another project; owned by the window's controller."""

    def __init__(self, context: ControllerContext) -> None:
        """Register the handlers."""
        self._window, self._session, self._commands = context.window, context.session, context.commands
        self._commands.offer(c.OPEN_RUN, self._open)
        self._commands.offer(c.RESUME_RUN, self._resume)
        self._commands.offer(c.EXTEND_RUN, self._extend)
        self._commands.offer(c.REPEAT_RUN, self._repeat)
        self._commands.offer(c.MEASURE_ON, self._measure_on)

    def _open(self, run: Run) -> None:
        if self._commands.do(OPEN_PROJECT, run.project_id):
            self._commands.do(c.SHOW_RESULT if run.state in WITH_RESULT else c.SHOW_RUN, run)

    def _resume(self, run: Run) -> None:
        """Continue a run; a run with other data or another model starts again, so that results are never mixed."""
        if not self._session.is_open(run.project_id) and not self._commands.do(OPEN_PROJECT, run.project_id):
            return
        preset = self._commands.do(c.PRESET_OF, run.goal.preset_id)
        if self._session.fits(run):
            self._commands.do(c.CONTINUE_RUN, run, preset, None)
        else:
            self._commands.do(c.START_RUN, preset, run.goal.threads, False, (run.goal.computer,))

    def _extend(self, run: Run, minutes: int) -> None:
        """Give a finished run more time, unless other data or another model are open by now."""
        if not self._session.is_open(run.project_id) or not self._session.fits(run):
            self._window.banner(error_value(other_inputs()))
            return
        self._commands.do(c.CONTINUE_RUN, run, self._commands.do(c.PRESET_OF, run.goal.preset_id), 60.0 * minutes)

    def _repeat(self, run: Run) -> None:
        """Measure all versions of a run again, including those that were measured recently."""
        if self._session.is_open(run.project_id):
            preset = as_begun(run, self._commands.do(c.PRESET_OF, run.goal.preset_id))
            self._commands.do(c.START_RUN, preset, run.goal.threads, True, (run.goal.computer,))

    def _measure_on(self, run: Run, computer: str) -> None:
        """Start a run with the same goal on a computer."""
        if self._session.is_open(run.project_id):
            preset = as_begun(run, self._commands.do(c.PRESET_OF, run.goal.preset_id))
            self._commands.do(c.START_RUN, preset, run.goal.threads, False, (computer,))
