"""Parts of a report that are no analyses of counts."""
