"""The errors a person sees: one clear sentence, and the exit code the command line answers with."""


class EvidentiaError(Exception):
    """A failure told in one sentence that names what was wrong, where, and the mend."""

    exit_code = 1


class BadInputError(EvidentiaError):
    """Input from outside (brief, file, option, workspace) cannot be used; nothing was written."""

    exit_code = 2


class IntegrityError(EvidentiaError):
    """A record on disk is not what was written: tampered, truncated or missing."""

    exit_code = 1


class RunInterruptedError(EvidentiaError):
    """The run was asked to stop; it can be resumed."""

    exit_code = 130
