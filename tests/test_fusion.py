"""States of several encoders brought together, against cases by hand."""

import torch

from clintune.fusion import Concatenation, Gate, aligned


def test_a_token_gets_the_mean_of_the_states_that_belong_to_it_and_zeros_without_any():
    states = torch.tensor([[[1.0, 10.0], [2.0, 20.0], [4.0, 40.0]]])
    firsts, lasts = torch.tensor([[0, 0, 1, 2]]), torch.tensor([[0, 2, 3, 3]])
    assert aligned(states, firsts, lasts).tolist() == [[[0, 0], [1.5, 15], [3, 30], [4, 40]]]


def test_gradients_reach_the_states_that_belong_and_no_other():
    states = torch.ones(1, 3, 1, requires_grad=True)
    aligned(states, torch.tensor([[1]]), torch.tensor([[3]])).sum().backward()
    assert states.grad.flatten().tolist() == [0.0, 0.5, 0.5]


def test_concatenation_puts_states_side_by_side():
    fused = Concatenation([2, 1])([torch.tensor([[[1.0, 2.0]]]), torch.tensor([[[3.0]]])])
    assert fused.tolist() == [[[1, 2, 3]]]


def test_a_gate_weighs_the_projected_states_by_a_softmax_over_the_encoders():
    gate = Gate([2, 1])
    one, two = torch.tensor([[[1.0, 2.0]]]), torch.tensor([[[3.0]]])
    with torch.no_grad():
        gate.gate.weight.zero_()
        gate.gate.bias.copy_(torch.tensor([0.0, 1.0]).log1p())  # shares of 1 and 2 in 3
        gate.projections[0].weight.copy_(torch.tensor([[2.0], [0.0]]))
        gate.projections[0].bias.copy_(torch.tensor([0.0, 6.0]))
    torch.testing.assert_close(gate([one, two]), one / 3 + torch.tensor([[[6.0, 6.0]]]) * 2 / 3)


def test_a_gate_that_is_open_to_the_base_model_alone_leaves_its_states_alone():
    gate = Gate([2, 3])
    with torch.no_grad():
        gate.gate.bias.copy_(torch.tensor([1e4, -1e4]))
    states = torch.randn(2, 5, 2)
    torch.testing.assert_close(gate([states, torch.randn(2, 5, 3)]), states)
