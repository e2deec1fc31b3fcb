"""What makes a step faster computes the same: attention, dropout, embeddings, on several kinds of encoder."""

import subprocess
import sys

import pytest
import torch
from torch import nn

from clintune.training.attention import attend, use_products
from clintune.training.dropout import Dropout, keep_mask, use_cheap_dropout
from clintune.training.used_rows import keep_used_rows
from clintune.training.weights import Weights
from tests.encoders import KINDS, encoder, states_of

every_kind = pytest.mark.parametrize("kind", KINDS)


def states_and_gradients(model) -> list[torch.Tensor]:
    """The states of real tokens, and the gradient of every tensor from their squares."""
    states = states_of(model)
    states.square().sum().backward()
    return [states, *(tensor.grad for tensor in model.parameters() if tensor.grad is not None)]


@every_kind
def test_attention_by_products_is_the_models_own_forward_and_backward(kind):
    theirs = states_and_gradients(encoder(kind))
    model = encoder(kind)
    use_products(model)
    for one, two in zip(theirs, states_and_gradients(model), strict=True):
        torch.testing.assert_close(one, two, rtol=1e-4, atol=1e-5)


def test_the_attention_of_most_models_is_exchanged():
    for kind in KINDS[:-1]:  # deberta-v2 attends in a way of its own
        model = encoder(kind)
        use_products(model)
        assert model.config._attn_implementation == "clintune_products", kind


def test_fewer_heads_of_keys_serve_several_of_queries():
    query, key, value = (torch.randn(2, heads, 5, 4, requires_grad=True) for heads in (4, 2, 2))
    found, _ = attend(nn.Identity(), query, key, value, None)
    wanted = nn.functional.scaled_dot_product_attention(query, key, value, enable_gqa=True)
    torch.testing.assert_close(found.transpose(1, 2), wanted)


def test_the_gradient_through_dropped_attention_is_the_true_one():
    tensors = [torch.randn(1, 2, 4, 3, dtype=torch.float64, requires_grad=True) for _ in range(3)]

    def dropped(*given):
        torch.manual_seed(7)  # the same mask each time
        return attend(nn.Identity(), *given, None, dropout=0.4)[0]

    assert torch.autograd.gradcheck(dropped, tensors)


@pytest.mark.parametrize("share", [1e-6, 0.1, 0.5, 0.9])
def test_a_mask_drops_its_share_and_keeps_the_mean(share):
    torch.manual_seed(3)
    mask = keep_mask((400, 501), share, torch.empty(0))
    kept = mask > 0
    assert kept.float().mean().item() == pytest.approx(1 - share, abs=0.005)
    assert mask[kept].unique().tolist() == pytest.approx([1 / (1 - share)], rel=1e-4)
    assert mask.mean().item() == pytest.approx(1, abs=0.02)


def test_elements_are_dropped_each_by_itself():
    torch.manual_seed(3)
    kept = (keep_mask((2000, 8), 0.5, torch.empty(0)) > 0).float()
    correlation = torch.corrcoef(kept.T) - torch.eye(8)
    assert correlation.abs().max() < 0.1


def test_a_saved_state_of_the_generator_brings_the_mask_back():
    state = torch.get_rng_state()
    first = keep_mask((7, 9), 0.5, torch.empty(0))
    torch.set_rng_state(state)
    assert torch.equal(first, keep_mask((7, 9), 0.5, torch.empty(0)))


def test_cheap_dropout_stands_where_torchs_was_and_rests_in_evaluation():
    network = nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.25), nn.Sequential(nn.Dropout(0.5)))
    use_cheap_dropout(network)
    assert [one.p for one in network.modules() if isinstance(one, Dropout)] == [0.25, 0.5]
    given = torch.ones(3, 4)
    assert torch.equal(network[1].eval()(given), given)
    assert not torch.equal(network[1].train()(torch.ones(30, 40)), torch.ones(30, 40))


def test_memory_that_a_step_frees_serves_the_next():
    # In a process of its own: the setting stays until its end.
    script = """if True:
        import resource, torch
        from clintune.training.acceleration import keep_freed_memory
        keep_freed_memory()
        for length in 4 * [7, 6, 5]:
            before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
            states = [torch.ones(length << 17) for _ in range(40)]
            del states
            print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
    """
    said = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout
    fresh_pages = [int(line) for line in said.split()]
    assert fresh_pages[0] > 10_000
    assert sum(fresh_pages[-6:]) < 1000


@every_kind
def test_a_table_of_the_tokens_in_use_gives_the_same_states_and_gradients(kind):
    theirs, model = encoder(kind), encoder(kind)
    wanted = states_and_gradients(theirs)[0]
    rows = keep_used_rows(model, [0, 5, 7, 8, 9, 23, 30])
    found = states_and_gradients(model)[0]
    torch.testing.assert_close(found, wanted)
    assert rows.weight.shape[0] == 7
    gradient = theirs.get_input_embeddings().weight.grad
    torch.testing.assert_close(rows.whole(rows.weight.grad)[[5, 9, 30]], gradient[[5, 9, 30]])
    assert torch.equal(rows.whole(rows.weight.detach()), theirs.get_input_embeddings().weight)


@every_kind
def test_an_encoder_computes_in_bf16_near_to_fp32(kind):
    wanted = states_and_gradients(encoder(kind))[0]
    model = encoder(kind)
    use_products(model)
    Weights(model, bf16=True)
    assert {tensor.dtype for tensor in model.parameters()} == {torch.bfloat16}
    found = states_and_gradients(model)[0]
    assert (found.float() - wanted).abs().mean() < 0.05 * wanted.abs().mean()


def test_steps_smaller_than_the_last_bit_of_bf16_add_up():
    network = nn.Linear(1, 1, bias=False)
    with torch.no_grad():
        network.weight.fill_(1.0)
    weights = Weights(network, bf16=True)
    for _ in range(100):
        with torch.no_grad():
            weights.tensors["weight"].add_(0.001)
        weights.publish()
    assert network.weight.item() == pytest.approx(1.1, abs=0.01)


def test_gradients_of_several_passes_add_up_in_fp32():
    network = nn.Linear(1, 1, bias=False)
    weights = Weights(network, bf16=True)
    for size in (1.0, 1 / 512):
        network(torch.full((1, 1), size, dtype=torch.bfloat16)).sum().backward()
        weights.collect()
    assert weights.tensors["weight"].grad.item() == 1 + 1 / 512
    weights.clear()
    assert weights.tensors["weight"].grad is None
