"""Advances that other processes carry out: the rows are those of one process, whoever is killed meanwhile."""
