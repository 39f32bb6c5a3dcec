"""The checkpoint pair: weights files, loading, statistics, the folder of pairs, export."""
