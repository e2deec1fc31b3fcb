"""Where a key of a YAML file stands, for messages that name the line."""

from collections.abc import Sequence

from ruamel.yaml import YAML
from ruamel.yaml.nodes import MappingNode, Node, SequenceNode


def line_of(text: str, keys: Sequence[int | str]) -> int:
    """The line, from 1, of the deepest of `keys` that the text has; a number is a place in a list."""
    node: Node | None = YAML(typ="safe", pure=True).compose(text)
    line = 1
    for key in keys:
        if isinstance(node, MappingNode):
            pairs = [pair for pair in node.value if pair[0].value == str(key)]
            if not pairs:
                break
            line, node = pairs[0][0].start_mark.line + 1, pairs[0][1]
        elif isinstance(node, SequenceNode) and isinstance(key, int):
            node = node.value[key]
            line = node.start_mark.line + 1
    return line
