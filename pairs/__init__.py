"""The model pair: weights files, report, statistics, model card, the folder of pairs, export."""
