"""Time of an epoch by hand; the device table."""

from importlib import resources

import pytest
import yaml

from vitforge.errors import ConfigError
from vitforge.planning.correction import learn_correction, learn_from_known
from vitforge.planning.devices import find_device, read_devices
from vitforge.planning.speed import epoch_time, training_passes

TABLE = read_devices(
    yaml.safe_load(resources.files("vitforge.planning").joinpath("devices.yaml").read_text())
)


def test_an_epoch_by_hand() -> None:
    """1,000 images · 10 GFLOP · 3 / 10 TFLOP/s = 3 s."""
    made = epoch_time(10**10, 1_000, 1e13)
    assert made.seconds == pytest.approx(3.0)
    assert made.images_per_second == pytest.approx(1000 / 3)
    assert epoch_time(10**10, 1_000, 1e13, correction=1.5).seconds == pytest.approx(4.5)


def test_passes() -> None:
    assert training_passes("full") == 3
    assert training_passes("full", checkpointing=True) == 4
    assert training_passes("lora") == 2
    assert training_passes("head") == 1
    assert training_passes("partial", 12, 6) == 2
    assert training_passes("partial", 12, 12) == training_passes("head")


def test_correction_is_the_median_ratio() -> None:
    assert learn_correction([], []).factor == 1
    learnt = learn_correction([10, 10, 10], [12, 13, 90])
    assert (learnt.factor, learnt.runs) == (pytest.approx(1.3), 3)
    assert learnt.error == pytest.approx(1 - 10 / 13)
    assert learn_from_known([(10, 20), (None, 1), (3, None), (0, 1)]).factor == 2
    with pytest.raises(ConfigError):
        learn_correction([1], [])
    with pytest.raises(ConfigError):
        learn_correction([0], [1])


def test_devices() -> None:
    device = find_device("a100-80gb", TABLE)
    assert device.speed("bf16") == pytest.approx(312e12 * device.utilisation)
    # The document leaves a fifth of a device free.
    assert device.usable_bytes == int(80 * 2**30 * 0.8)
    with pytest.raises(ConfigError, match="a100-40gb"):
        find_device("a100", TABLE)
    with pytest.raises(ConfigError, match="type --precision fp32 or fp16"):
        find_device("t4", TABLE).speed("bf16")


@pytest.mark.parametrize("device", TABLE.values(), ids=list(TABLE))
def test_the_table_is_plausible(device) -> None:
    assert 0 < device.utilisation <= 0.6
    assert device.tflops["fp32"] == min(device.tflops.values())


def test_a_wrong_table_names_the_device() -> None:
    with pytest.raises(ConfigError, match="mine") as caught:
        read_devices({"mine": {"memory": 3}})
    assert caught.value.where == "device mine"
    with pytest.raises(ConfigError):
        epoch_time(1, 0, 1.0)
