"""Finding: projections of the store, candidates, features, ranking and packing."""
