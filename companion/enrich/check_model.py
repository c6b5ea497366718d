"""What companion doctor looks at of the model: whether it is here, whole, and answers."""

from __future__ import annotations

from hashlib import file_digest
from pathlib import Path

from companion.config import Config
from companion.enrich.check import Check
from companion.enrich.model import where_it_goes
from companion.enrich.trial import try_model, what_thinking_means
from companion.llm.catalog import Model, find, model_path, models_folder

_PULL = "companion model pull fetches it"


def is_missing(config: Config) -> bool:
    """Whether there is no model that could be asked. Raises UsageError when none has that name."""
    return config.is_embedded and model_path(config.endpoint.model) is None


def check_model(config: Config, *, thorough: bool) -> Check:
    """Return which model is asked and, of the embedded one, whether its file is here and whole.

    thorough: its checksum, too, which reads the whole file.

    Raises UsageError when there is no such model, or the endpoint's address is none.
    """
    if not config.is_embedded:
        return Check("model", "ok", where_it_goes(config))
    model = find(config.endpoint.model)
    path = model_path(model.name)
    if path is None:
        return _not_here(model)
    if thorough and model.sha256:
        with path.open("rb") as file:
            if file_digest(file, "sha256").hexdigest() != model.sha256:
                mend = f"delete {path}; {_PULL} again"
                return Check("model", "problem", f"the file of {model.name} is damaged", mend)
    size = path.stat().st_size
    looked = "checksum right" if thorough and model.sha256 else "not read through"
    return Check("model", "ok", f"{where_it_goes(config)} ({size:,} bytes, {looked})")


def check_answer(config: Config) -> Check:
    """Return how long the model takes for a word. Raises what trial.try_model does."""
    trial = try_model(config)
    said = f"the model answered within {trial.seconds:.1f} s"
    if not trial.thinks:
        return Check("answer", "ok", said)
    mend = what_thinking_means(config)
    return Check("answer", "hint" if mend else "ok", f"{said}, and thought first", mend)


def _not_here(model: Model) -> Check:
    file: Path = models_folder() / model.file
    if file.is_file():
        said = f"the file of {model.name} has {file.stat().st_size:,} bytes, not {model.size:,}"
        return Check("model", "problem", said, f"delete {file}; {_PULL} again")
    said = f"{model.name} is not on this machine yet; the first run fetches it"
    return Check("model", "hint", said, f"{_PULL} now")
