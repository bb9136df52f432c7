"""Neural language models: tables, networks, training, the models behind the seam; the only home of torch.

To read in the order in which the data passes: `history` and `embedding`; then one of `feedforward`, `cells`
and `recurrent`, or `positions` and `transformer`; `output_mixture` and `softmax`. Training is `batches`,
`sampling`, `optimiser`, `training`. Scoring is `chunks`, `model` and each family's own `.._model`; writing
text one token at a time `cache`, `compiled` and `quantisation`.
"""
