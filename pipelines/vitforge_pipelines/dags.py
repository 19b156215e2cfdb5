"""The DAGs by name."""

from vitforge_pipelines.planning import planning
from vitforge_pipelines.training import training

DAGS = {"training": training, "planning": planning}
