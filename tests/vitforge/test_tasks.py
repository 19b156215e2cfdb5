import numpy as np
import pytest
from scipy.special import expit, softmax

from vitforge.tasks import output_count, probabilities


def test_the_head_has_as_many_outputs_as_the_task_needs() -> None:
    assert output_count("single_label", 5) == output_count("multi_label", 5) == 5
    assert output_count("ordinal", 5) == 4
    assert output_count("regression", 0) == 1


def test_single_label_is_softmax_and_multi_label_sigmoid_even_of_large_outputs() -> None:
    outputs = np.array([[1000.0, 0.0, -1000.0], [0.1, 0.2, 0.3]])
    np.testing.assert_allclose(probabilities("single_label", outputs), softmax(outputs, axis=1))
    np.testing.assert_allclose(probabilities("multi_label", outputs), expit(outputs), atol=1e-15)


def test_ordinal_outputs_are_conditional_probabilities_of_lying_above() -> None:
    # P(y > 0) = 0.8, P(y > 1 | y > 0) = 0.25: the classes get 0.2, 0.6 and 0.2.
    outputs = np.log([[0.8 / 0.2, 0.25 / 0.75]])
    np.testing.assert_allclose(probabilities("ordinal", outputs), [[0.2, 0.6, 0.2]])


def test_a_regression_has_no_probabilities() -> None:
    with pytest.raises(ValueError, match="values, not probabilities"):
        probabilities("regression", np.zeros((2, 1)))
