"""How the model was trained, in the words of the production check list."""

from pathlib import Path

from vitforge.artifacts import PLAN_FILE, TRAINING_FILE, Plan, TrainingSummary


def read_recipe(plan: Path, checkpoint: Path) -> dict[str, str]:
    """What the optimization lines ask for.

    Args:
        plan: Folder of the plan artifact.
        checkpoint: Folder of the checkpoint artifact.

    Raises:
        VitforgeError: if a file is missing or damaged.
    """
    trained = TrainingSummary.load(checkpoint / TRAINING_FILE)
    recipe = Plan.load(plan / PLAN_FILE).recipe
    pieces = recipe.micro_batch or recipe.batch_size
    at_once = f"{pieces} at once" if pieces < recipe.batch_size else "no accumulation"
    return {
        "training_precision": f"{trained.precision} on {trained.device}",
        "gradient_checkpointing": "on" if recipe.gradient_checkpointing else "off",
        "batch_size": f"{recipe.batch_size}, {at_once}",
    }
