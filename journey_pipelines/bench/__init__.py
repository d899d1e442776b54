"""Measurements, as ratios of things that ran interleaved in one process; absolute times belong to the machine.

Belongs here: what is measured, against what, and the other forms and engines that it is compared with. Does not belong
here: how results are shown (`cli`), or a verdict on them.
"""
