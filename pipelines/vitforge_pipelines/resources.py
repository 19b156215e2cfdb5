"""Where a step runs and how often it is tried: the only file that knows clusters' resources."""

from kfp import dsl


def light(task: dsl.PipelineTask) -> dsl.PipelineTask:
    """A step without a model: two cores, no GPU, tried again twice."""
    return task.set_cpu_request("1").set_cpu_limit("2").set_memory_limit("8G").set_retry(2)


def heavy(task: dsl.PipelineTask) -> dsl.PipelineTask:
    """A step that runs the model: one GPU where the cluster has them."""
    return (
        task.set_cpu_request("2")
        .set_memory_limit("32G")
        .set_accelerator_type("nvidia.com/gpu")
        .set_accelerator_limit(1)
        .set_retry(1)
    )


def always(task: dsl.PipelineTask) -> dsl.PipelineTask:
    """A step whose effect is outside its artifacts: never taken from a cache."""
    return task.set_caching_options(enable_caching=False)
