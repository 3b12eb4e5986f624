"""YAML without references, so that a small file cannot unfold into a huge one."""

from typing import Any

import yaml


class PlainLoader(yaml.SafeLoader):
    """A SafeLoader that refuses references (*name)."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        """Refuse references. Raises YAMLError."""
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("references (*name) are not allowed here")
        return super().compose_node(parent, index)
