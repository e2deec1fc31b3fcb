"""The documents of a pack: provenance, bill of materials, research object, datasheet, model card."""
