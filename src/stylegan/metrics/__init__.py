"""Measures the quality of pictures and the order of latent spaces: the paper's metrics (Section 4) and newer ones."""

from stylegan.metrics.disentanglement import dci as dci
from stylegan.metrics.diversity import level_diversity as level_diversity
from stylegan.metrics.features import FeatureNetwork as FeatureNetwork, find_features as find_features
from stylegan.metrics.frechet import frechet_distance as frechet_distance, frechet_infinity as frechet_infinity
from stylegan.metrics.kernel import kid as kid
from stylegan.metrics.measuring import measure as measure
from stylegan.metrics.neighbours import nearest as nearest
from stylegan.metrics.path_length import ppl as ppl
from stylegan.metrics.precision_recall import density_coverage as density_coverage
from stylegan.metrics.results import Result as Result
from stylegan.metrics.save import save_measured as save_measured
from stylegan.metrics.self_test import SelfTest as SelfTest, run_self_test as run_self_test
from stylegan.metrics.separability import conditional_entropy as conditional_entropy
from stylegan.metrics.sliced import mind as mind
from stylegan.metrics.subject import Classifier as Classifier, Subject as Subject
