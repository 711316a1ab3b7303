from .api.estimators import DenseHopfieldVAE as DenseHopfieldVAE
from .api.estimators import FeedforwardVAE as FeedforwardVAE
from .api.estimators import LayeredHopfieldVAE as LayeredHopfieldVAE
from .api.estimators import TiedHopfieldVAE as TiedHopfieldVAE
from .api.images import draw_images as draw_images
from .api.images import load_images as load_images
from .api.runs import Run as Run
from .api.runs import configure as configure
from .api.runs import open_run as open_run
from .api.runs import train as train
from .api.scores import frechet_distance as frechet_distance
from .api.studies import StudyResults as StudyResults
from .api.studies import load_study as load_study
from .config.run import RunConfig as RunConfig
from .data.sets import Dataset as Dataset

__all__ = [
    "Dataset",
    "DenseHopfieldVAE",
    "FeedforwardVAE",
    "LayeredHopfieldVAE",
    "Run",
    "RunConfig",
    "StudyResults",
    "TiedHopfieldVAE",
    "configure",
    "draw_images",
    "frechet_distance",
    "load_images",
    "load_study",
    "open_run",
    "train",
]
