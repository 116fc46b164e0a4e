"""What the operator writes: the policy file. Loading it, errors that teach, and the bridge to what runs (`build`).

Both raise BadConfig, the second for what only building can find; it lists every error as `file:line: what`.

    loaded = load(Path("stockade.yaml"))
    built = build(loaded)
"""

from stockade.config.build import Built, build
from stockade.config.errors import BadConfig, Problem
from stockade.config.loading import Loaded, load, load_text
from stockade.config.models import Api, Config

__all__ = ["Api", "BadConfig", "Built", "Config", "Loaded", "Problem", "build", "load", "load_text"]
